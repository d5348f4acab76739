"""The people of an import by what it would do to them, and its rejected rows as a file to correct."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.text import slugify
from django.views.decorators.http import require_GET, require_safe
from django_tables2 import RequestConfig

from broadcasts.models import Import
from broadcasts.people.columns import UnreadableFile
from broadcasts.people.importing.rejected import record_download, rejected_chunks, rejected_rows
from broadcasts.people.importing.sections import SECTIONS, Check
from broadcasts.roles import signed_in_user
from broadcasts.tables.imports import StagedTable
from broadcasts.views.imports import find_import

PEOPLE_PER_PAGE = 50


@require_safe
def import_people(request: HttpRequest, pk: int, slug: str) -> HttpResponse:
    found = find_import(request, pk)
    section = SECTIONS.get(slug)
    if section is None:
        raise Http404
    if found.status in (Import.Status.UPLOADED, Import.Status.STAGING):
        return redirect("broadcasts:import-detail", pk)  # not all of them are there yet
    staged = found.staged_people.filter(action=section.action).order_by("number", "name", "pk")
    table = StagedTable(staged, section, several_schools=found.school_id is None)
    RequestConfig(request, paginate={"per_page": PEOPLE_PER_PAGE, "silent": True}).configure(table)
    context = {"import": found, "section": section, "check": Check(found), "table": table, "count": len(table.rows)}
    return render(request, "broadcasts/import_people.html", context)


@require_GET
def import_rejected_download(request: HttpRequest, pk: int) -> HttpResponseBase:
    found = find_import(request, pk)
    if not rejected_rows(found).exists():
        return redirect("broadcasts:import-detail", pk)
    try:
        chunks = rejected_chunks(found)
    except UnreadableFile as reason:
        messages.error(request, str(reason))
        return redirect("broadcasts:import-detail", pk)
    record_download(found, signed_in_user(request))
    response = StreamingHttpResponse(chunks, content_type="text/csv; charset=utf-8")
    stem = slugify(found.file_name.rpartition(".")[0]) or "import"
    response["Content-Disposition"] = f'attachment; filename="{stem}-rejected.csv"'
    return response
