from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from broadcasts.roles import administrators_only, signed_in_user
from reports.email_log.exporting import export_chunks, record_export
from reports.email_log.pages import EmailLog


@require_GET
@administrators_only
def email_log_export(request: HttpRequest) -> HttpResponseBase:
    user = signed_in_user(request)
    log = EmailLog(request.GET, user)
    if log.filter.errors:  # the page says what is wrong with what was asked for
        return redirect(f"{reverse('reports:email-log')}?{request.GET.urlencode()}")
    record_export(user, log.filter.chosen_broadcast, log.total, log.as_details)
    response = StreamingHttpResponse(export_chunks(log.table.sorted_rows), content_type="text/csv; charset=utf-8")
    name = f"email-log-{timezone.localdate():%Y-%m-%d}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
