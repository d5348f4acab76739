from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import HttpResponseClientRefresh

from broadcasts.roles import signed_in_user
from reports.overview import Overview


@require_safe
@vary_on_headers("HX-Request")
def home(request: HttpRequest) -> HttpResponse:
    overview = Overview(signed_in_user(request), timezone.now())
    if not getattr(request, "htmx", False):
        return render(request, "reports/home.html", {"overview": overview})
    if not overview.under_way:  # the last one has just ended: the rest of the page changes too
        return HttpResponseClientRefresh()
    return render(request, "reports/home_live.html", {"overview": overview})
