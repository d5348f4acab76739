from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language_info
from django.views.decorators.http import require_POST, require_safe

from broadcasts.blocking import find_block
from broadcasts.delivering.doubts import doubt_about
from broadcasts.models import Delivery, EmailAddress, Person, User
from broadcasts.results import Result
from broadcasts.roles import signed_in_user
from reports.email_log.chosen import kept_filters
from reports.email_log.liking import ColumnsForm, liking_of, remember
from reports.email_log.pages import EmailLog
from reports.email_log.table import ChoiceTable
from reports.explanations import explain_row
from reports.opens import opens_of
from reports.timeline import standing, timeline


@require_safe
def email_log(request: HttpRequest) -> HttpResponse:
    user = signed_in_user(request)
    liking = liking_of(user)
    log = EmailLog(request.GET, user, liking.rows)
    context = {
        "log": log,
        "form": log.filter.form,
        "table": ChoiceTable(log.page.rows, log.sort, liking.hidden, caption=log.caption),
        "kept": kept_filters(request.GET),
        "columns": ColumnsForm.of(liking),
        "broadcast": log.filter.chosen_broadcast,
        "has_rows_at_all": bool(log.page.rows) or Delivery.objects.visible_to(user).exists(),
        "may_export": user.is_administrator,
    }
    return render(request, "reports/email_log.html", context)


@require_POST
def email_log_columns(request: HttpRequest) -> HttpResponse:
    """Which columns, and how many rows a page, from now on; back to the same rows."""
    form = ColumnsForm(request.POST)
    if form.is_valid():
        remember(signed_in_user(request), form)
    return redirect(f"{reverse('reports:email-log')}?{form.cleaned_data.get('query', '')}".removesuffix("?"))


def language_name(code: str) -> str:
    try:
        return str(get_language_info(code)["name_local"])
    except KeyError:
        return code


def _address_of(delivery: Delivery, user: User) -> EmailAddress | None:
    """The one of the directory, where its person is this user's."""
    people = Person.objects.visible_to(user).order_by()
    same = EmailAddress.objects.filter(key=delivery.address_key, person__in=people.values("pk"))
    return same.order_by("pk").first()


def _to_correct(delivery: Delivery, user: User) -> EmailAddress | None:
    """The row's address where it did not work, as long as this person has it."""
    did_work = delivery.result != Result.FAILED and not delivery.late_bounce_at
    if did_work or delivery.person_id is None:
        return None
    mine = Person.objects.visible_to(user).filter(pk=delivery.person_id).order_by()
    in_use = EmailAddress.objects.filter(is_active=True, replaced_by=None, person__in=mine.values("pk"))
    return in_use.filter(key=delivery.address_key).first()


@require_safe
def delivery_detail(request: HttpRequest, pk: int) -> HttpResponse:
    deliveries = Delivery.objects.visible_to(signed_in_user(request))
    joined = deliveries.select_related(
        "broadcast__broadcast_type", "broadcast__school", "duplicate_of", "sent_again_for"
    )
    delivery = get_object_or_404(joined.prefetch_related("tries", "events"), pk=pk)
    doubt = doubt_about(delivery)
    block = find_block(delivery.address_key) if delivery.address_key else None
    with timezone.override(ZoneInfo(delivery.broadcast.school.time_zone)):
        entries = timeline(delivery)
        context = {
            "delivery": delivery,
            "doubt": doubt,
            "decision": next((entry for entry in entries if entry.decides), None),
            "blocked": block,
            "to_correct": _to_correct(delivery, signed_in_user(request)),
            "may_lift": _address_of(delivery, signed_in_user(request)) if block else None,
            "language": language_name(delivery.language),
            "explanation": explain_row(delivery, doubt),
            "entries": entries,
            "opens": opens_of(delivery),
            "machines_count": delivery.result == Result.OPENED,
            "standing": standing(delivery),
        }
        return render(request, "reports/delivery_detail.html", context)
