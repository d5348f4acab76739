"""All broadcasts with their counts: sortable, filterable, and moving while one is being sent."""

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_safe
from django.views.decorators.vary import vary_on_headers
from django_tables2 import RequestConfig

from broadcasts import audit
from broadcasts.models import UNDER_WAY, Broadcast
from broadcasts.roles import administrators_only, signed_in_user
from broadcasts.table_files import Form
from reports.summary.exporting import summary_file
from reports.summary.rows import SummaryForm, summarise
from reports.summary.table import SummaryTable

BROADCASTS_PER_PAGE = 25


@require_safe
@vary_on_headers("HX-Request")
def broadcast_summary(request: HttpRequest) -> HttpResponse:
    form, table = _asked(request)
    RequestConfig(request, paginate={"per_page": BROADCASTS_PER_PAGE, "silent": True}).configure(table)
    user = signed_in_user(request)
    rows = [row.record for row in table.page]
    context = {
        "form": form,
        "table": table,
        "has_rows": bool(rows),
        "has_any": bool(rows) or Broadcast.objects.visible_to(user).exclude(status=Broadcast.Status.DRAFT).exists(),
        "is_moving": any(row.status in UNDER_WAY and row.status != Broadcast.Status.PAUSED for row in rows),
        "may_export": user.is_administrator,
        "kept": [(name, value) for name, value in request.GET.items() if value and name != "page"],
    }
    part = "reports/summary/table.html" if getattr(request, "htmx", False) else "reports/summary/page.html"
    return render(request, part, context)


@require_GET
@administrators_only
def broadcast_summary_export(request: HttpRequest) -> HttpResponseBase:
    form, table = _asked(request)
    if form.errors:  # the page says what is wrong with what was asked for
        return redirect(f"{reverse('reports:broadcast-summary')}?{request.GET.urlencode()}")
    RequestConfig(request, paginate=False).configure(table)
    user = signed_in_user(request)
    filters = {name: request.GET[name] for name in form.fields if request.GET.get(name)}
    asked, rows = Form.read(request.GET.dict()), table.data.data
    details = {"filters": filters, "rows": rows.count(), **asked.details}
    audit.record(user, "broadcast_summary.exported", user, label="Broadcast Summary", **details)
    return summary_file(rows).response(asked)


def _asked(request: HttpRequest) -> tuple[SummaryForm, SummaryTable]:
    user = signed_in_user(request)
    form = SummaryForm(request.GET, user)
    rows = summarise(user).select_related("school", "broadcast_type", "sent_by").order_by("-pk")
    table = SummaryTable(form.filter(rows))
    table.shows_school = "school" in form.fields
    return form, table
