from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from broadcasts.models import Broadcast
from broadcasts.roles import signed_in_user
from reports.actors import count_figures
from reports.behaviour.counting import freshness, is_round_due
from reports.behaviour.period import PeriodForm
from reports.behaviour.reading import Reading
from reports.behaviour.wording import tables


@require_safe
def behaviour(request: HttpRequest) -> HttpResponse:
    user, now = signed_in_user(request), timezone.now()
    if is_round_due(now):
        count_figures.send()  # a hint: whoever looks now sees what is known, and soon the rest
    form = PeriodForm(request.GET, user, timezone.localdate(now))
    reading = Reading(user, form.period, form.school_chosen) if form.is_valid() else None
    context = {
        "form": form,
        "reading": reading,
        "tables": tables(reading) if reading and reading.total.emails else [],
        "freshness": freshness(now),
        "fewest": settings.FEWEST_EMAILS_FOR_A_RATE,
        "counts_machines": settings.COUNT_MACHINE_OPENS,
        "has_any": bool(reading and reading.total.emails)
        or Broadcast.objects.visible_to(user).filter(prepared_at__isnull=False).exists(),
    }
    return render(request, "reports/behaviour.html", context)
