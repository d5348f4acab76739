"""The people of an import by what it would do to them, and its rejected rows as a file to correct."""

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.text import slugify
from django.views.decorators.http import require_GET, require_safe
from django_tables2 import RequestConfig

from broadcasts.models import Import
from broadcasts.people.importing.counting import Check
from broadcasts.people.importing.rejected import record_download, rejected_chunks
from broadcasts.tables.imports import SECTIONS, StagedTable
from broadcasts.roles import signed_in_user
from broadcasts.views.imports import find_import

PEOPLE_PER_PAGE = 50


@require_safe
def import_people(request: HttpRequest, pk: int, slug: str) -> HttpResponse:
    found = find_import(request, pk)
    section = SECTIONS.get(slug)
    if section is None:
        raise Http404
    if found.status not in (Import.Status.CHECKED, Import.Status.MERGING, Import.Status.DONE):
        return redirect("broadcasts:import-detail", pk)  # the rows are not all there yet, or gone
    staged = found.staged_people.filter(action=section.action).order_by("number", "name", "pk")
    table = StagedTable(staged, section, several_schools=found.school_id is None)
    RequestConfig(request, paginate={"per_page": PEOPLE_PER_PAGE, "silent": True}).configure(table)
    context = {"import": found, "section": section, "check": Check(found), "table": table, "count": len(table.rows)}
    return render(request, "broadcasts/import_people.html", context)


@require_GET
def import_rejected_download(request: HttpRequest, pk: int) -> HttpResponseBase:
    found = find_import(request, pk)
    if not found.staged_people.filter(action="rejected").exists():
        return redirect("broadcasts:import-detail", pk)
    record_download(found, signed_in_user(request))
    response = StreamingHttpResponse(rejected_chunks(found), content_type="text/csv; charset=utf-8")
    stem = slugify(found.file_name.rpartition(".")[0]) or "import"
    response["Content-Disposition"] = f'attachment; filename="{stem}-rejected.csv"'
    return response
