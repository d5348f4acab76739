from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from broadcasts.models import Delivery
from broadcasts.roles import signed_in_user
from reports.email_log.pages import ROWS_A_PAGE, EmailLog


@require_safe
def email_log(request: HttpRequest) -> HttpResponse:
    user = signed_in_user(request)
    log = EmailLog(request.GET, user)
    context = {
        "log": log,
        "form": log.filter.form,
        "table": log.turn_to_page(),
        "sizes": ROWS_A_PAGE,
        "has_rows_at_all": log.total > 0 or Delivery.objects.visible_to(user).exists(),
        "may_export": user.is_administrator,
    }
    return render(request, "reports/email_log.html", context)


@require_safe
def delivery_detail(request: HttpRequest, pk: int) -> HttpResponse:
    return HttpResponse("")
