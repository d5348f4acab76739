"""A file on its way to being read: the upload, what its columns mean, the schools that a zip brings along."""

from collections.abc import Sequence

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from broadcasts import actors
from broadcasts.models import Import, User
from broadcasts.people.columns import UnreadableFile
from broadcasts.people.importing.forms import ColumnsForm, ImportForm
from broadcasts.people.importing.matching import preview
from broadcasts.people.importing.oneroster.adding_schools import add_missing_schools, missing_schools
from broadcasts.people.importing.oneroster.orgs import OrgInfo
from broadcasts.people.importing.starting import keep_file, match_columns
from broadcasts.roles import signed_in_user
from broadcasts.views.imports import find_import

Status = Import.Status
# Columns that turn out to be the wrong ones can be matched anew, until somebody confirms.
MATCHABLE = (Status.UPLOADED, Status.CHECKED, Status.REFUSED)


@require_http_methods(["GET", "HEAD", "POST"])
def import_new(request: HttpRequest) -> HttpResponse:
    user = signed_in_user(request)
    if not user.schools.exists():
        return render(request, "broadcasts/import_new.html", {"form": None})
    if request.method != "POST":
        return render(request, "broadcasts/import_new.html", {"form": ImportForm(user=user)})
    form = ImportForm(request.POST, request.FILES, user=user)
    if not form.is_valid():
        return render(request, "broadcasts/import_new.html", {"form": form}, status=422)
    kept = _keep(form, user)
    if kept.format == Import.Format.ONEROSTER and _needs_nothing_else(kept, user):
        return _start(kept, {})
    return redirect("broadcasts:import-columns", kept.pk)


def _keep(form: ImportForm, by: User) -> Import:
    file, format_ = form.cleaned_data["file"], Import.Format(form.format)
    return keep_file(file, format_, form.chosen_school, by, is_complete=form.is_complete)


def _needs_nothing_else(kept: Import, by: User) -> bool:
    try:
        return not _schools_to_add(kept, by)
    except UnreadableFile:
        return False  # the next page says why


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
    """Its columns are known. Without its schools a district's zip cannot be read; an administrator adds them."""
    by = signed_in_user(request)
    missing = _schools_to_add(found, by)
    if request.method != "POST" or (missing and "add" not in request.POST):
        return render(request, "broadcasts/import_schools.html", {"import": found, "missing": missing})
    if missing:
        added = len(add_missing_schools(found, by))
        said = ngettext("%(count)d school was added.", "%(count)d schools were added.", added) % {"count": added}
        messages.success(request, said)
    return _start(found, {})


def _schools_to_add(found: Import, by: User) -> Sequence[OrgInfo]:
    """Raises UnreadableFile."""
    return missing_schools(found) if by.is_administrator else []


def _start(found: Import, columns: dict[str, str]) -> HttpResponse:
    with transaction.atomic():
        if match_columns(found, columns):
            transaction.on_commit(lambda: actors.hint(actors.stage, found.pk))
    return redirect("broadcasts:import-detail", found.pk)
