"""Between the upload and the reading: what the columns mean, or which schools a district's zip brings along."""

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from broadcasts import actors
from broadcasts.models import Import
from broadcasts.people.columns import UnreadableFile
from broadcasts.people.importing.forms import ColumnsForm
from broadcasts.people.importing.matching import preview
from broadcasts.people.importing.oneroster.adding_schools import add_missing_schools, missing_schools
from broadcasts.people.importing.starting import match_columns
from broadcasts.roles import signed_in_user
from broadcasts.views.imports import find_import

MATCHABLE = (Import.Status.UPLOADED, Import.Status.CHECKED, Import.Status.REFUSED)


@require_http_methods(["GET", "HEAD", "POST"])
def import_columns(request: HttpRequest, pk: int) -> HttpResponse:
    found = find_import(request, pk)
    if found.status not in MATCHABLE:
        return redirect("broadcasts:import-detail", pk)
    try:
        if found.format == Import.Format.ONEROSTER:
            return _schools(request, found)
        return _columns(request, found)
    except UnreadableFile as reason:
        context = {"import": found, "unreadable": reason}
        return render(request, "broadcasts/import_columns.html", context)


def _columns(request: HttpRequest, found: Import) -> HttpResponse:
    seen = preview(found)
    form = ColumnsForm(request.POST if request.method == "POST" else None, seen, found)
    if form.is_valid():
        return _start(found, form.columns)
    context = {"import": found, "form": form, "rows": list(form.rows()), "remembered": len(form.remembered)}
    return render(request, "broadcasts/import_columns.html", context, status=422 if form.is_bound else 200)


def _schools(request: HttpRequest, found: Import) -> HttpResponse:
    """Its columns are known. Schools that are not there yet are an administrator's to add, or to leave out."""
    by = signed_in_user(request)
    missing = missing_schools(found) if by.is_administrator and found.school is None else []
    if missing and request.method != "POST":
        return render(request, "broadcasts/import_schools.html", {"import": found, "missing": missing})
    if missing and "add" in request.POST:
        added = len(add_missing_schools(found, by))
        said = ngettext("%(count)d school was added.", "%(count)d schools were added.", added) % {"count": added}
        messages.success(request, said)
    return _start(found, {})


def _start(found: Import, columns: dict[str, str]) -> HttpResponse:
    with transaction.atomic():
        if match_columns(found, columns):
            transaction.on_commit(lambda: actors.stage.send(found.pk))
    return redirect("broadcasts:import-detail", found.pk)
