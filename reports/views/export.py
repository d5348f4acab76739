from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from broadcasts.models import Delivery
from broadcasts.roles import administrators_only, signed_in_user
from broadcasts.table_files import TYPES, csv_response, workbook_response
from reports.actors import write_export
from reports.email_log.files import (
    AT_ONCE,
    export_of,
    files_of,
    note_export,
    order_file,
    read_file,
    sweep_files,
    to_resume,
)
from reports.email_log.pages import EmailLog
from reports.models import ExportFile


def rows_of(log: EmailLog) -> int:
    """Exactly: an export is worth the wait."""
    if log.total.is_exact:
        return log.total.rows
    assert log.wanted is not None  # noqa: S101
    return Delivery.objects.filter(log.wanted.condition()).count()


@require_GET
@administrators_only
def email_log_export(request: HttpRequest) -> HttpResponseBase:
    """The file at once; what takes longer is a worker's."""
    log = EmailLog(request.GET, signed_in_user(request))
    file_format = request.GET.get("format", "csv")
    if log.filter.errors or file_format not in AT_ONCE:  # the page says what is wrong with what was asked for
        return redirect(f"{reverse('reports:email-log')}?{request.GET.urlencode()}")
    rows, is_raw = rows_of(log), request.GET.get("raw") == "on"
    if rows > AT_ONCE[file_format]:
        return redirect(f"{reverse('reports:email-log-exports')}?{request.GET.urlencode()}")
    note_export(log, file_format, rows, is_raw=is_raw)
    name = f"email-log-{timezone.localdate():%Y-%m-%d}.{file_format}"
    export = export_of(log, is_raw=is_raw)
    return workbook_response(name, export.write_xlsx) if file_format == "xlsx" else csv_response(name, export.csv())


@require_http_methods(["GET", "HEAD", "POST"])
@administrators_only
def email_log_exports(request: HttpRequest) -> HttpResponse:
    """What can be exported, and the files that were asked for; POST asks for one."""
    user = signed_in_user(request)
    log = EmailLog(request.GET, user)
    if log.filter.errors:
        return redirect(f"{reverse('reports:email-log')}?{request.GET.urlencode()}")
    if request.method == "POST":
        return _ask(request, log)
    sweep_files()
    files = files_of(user)
    for pk in to_resume(files):
        write_export.send(pk)
    is_writing = any(file.status in (ExportFile.Status.WAITING, ExportFile.Status.WRITING) for file in files)
    context = {"log": log, "files": files, "is_writing": is_writing, "at_once": AT_ONCE}
    part = getattr(request, "htmx", False)
    return render(request, "reports/export_files.html" if part else "reports/exports.html", context)


def _ask(request: HttpRequest, log: EmailLog) -> HttpResponse:
    file_format = "xlsx" if request.POST.get("format") == "xlsx" else "csv"
    is_raw = request.POST.get("raw") == "on"
    rows = rows_of(log)
    if rows <= AT_ONCE[file_format]:
        asked = request.GET.copy()
        asked["format"] = file_format
        if is_raw:
            asked["raw"] = "on"
        return redirect(f"{reverse('reports:email-log-export')}?{asked.urlencode()}")
    file = order_file(log, file_format, rows, is_raw=is_raw)
    transaction.on_commit(lambda: write_export.send(file.pk))
    return redirect(f"{reverse('reports:email-log-exports')}?{request.GET.urlencode()}")


@require_GET
@administrators_only
def export_file(request: HttpRequest, token: str) -> HttpResponseBase:
    """For whoever asked for it, as long as it is kept."""
    mine = ExportFile.objects.filter(user=signed_in_user(request), expires_at__gt=timezone.now())
    file = get_object_or_404(mine, token=token, status=ExportFile.Status.READY)
    response = StreamingHttpResponse(read_file(file), content_type=TYPES[file.format])
    response["Content-Length"] = str(file.size)
    response["Content-Disposition"] = f'attachment; filename="{file.file_name}"'
    return response
