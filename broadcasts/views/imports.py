"""Imports from a student information system: all of them, and what one has come to."""

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe
from django_htmx.http import HttpResponseClientRedirect
from django_tables2 import RequestConfig

from broadcasts import audit
from broadcasts.deeds import words_for
from broadcasts.models import AuditEntry, Import, Undone
from broadcasts.people.importing.forms import ConfirmForm
from broadcasts.people.importing.merging import known_count, missing_count, needs_typed_number
from broadcasts.people.importing.sections import Check
from broadcasts.people.importing.undoing import UNDO_FOR, why_not_undo
from broadcasts.roles import signed_in_user
from broadcasts.tables.imports import ImportTable

IMPORTS_PER_PAGE = 25
Status = Import.Status
MOVING = (Status.STAGING, Status.MERGING, Status.UNDOING)


def find_import(request: HttpRequest, pk: int) -> Import:
    imports = Import.objects.visible_to(signed_in_user(request))
    return get_object_or_404(imports.select_related("school", "uploaded_by", "confirmed_by"), pk=pk)


@require_safe
def import_list(request: HttpRequest) -> HttpResponse:
    user = signed_in_user(request)
    imports = Import.objects.visible_to(user).select_related("school", "uploaded_by")
    several_schools = user.is_administrator or user.schools.count() > 1
    table = ImportTable(imports, exclude=() if several_schools else ("school",))
    RequestConfig(request, paginate={"per_page": IMPORTS_PER_PAGE, "silent": True}).configure(table)
    return render(request, "broadcasts/import_list.html", {"table": table, "has_any": imports.exists()})


@require_safe
def import_detail(request: HttpRequest, pk: int) -> HttpResponse:
    found = find_import(request, pk)
    if found.status == Status.UPLOADED:
        return redirect("broadcasts:import-columns", pk)
    return import_page(request, found)


def import_page(request: HttpRequest, shown: Import, refused: ConfirmForm | None = None) -> HttpResponse:
    """Whatever has become of it; a refused Confirm comes back with why."""
    context: dict[str, object] = {"import": shown, "check": Check(shown), "history": _history(shown)}
    if shown.status in MOVING:
        return render(request, "broadcasts/import_working.html", context | _progress_context(shown))
    if shown.status == Status.CHECKED:
        context |= {"form": refused or confirm_form(shown), "known": known_count(shown)}
        return render(request, "broadcasts/import_check.html", context, status=422 if refused else 200)
    if shown.status == Status.DONE:
        undo_until = shown.confirmed_at and shown.confirmed_at + UNDO_FOR
        context |= {"why_not": why_not_undo(shown, timezone.now()), "undo_until": undo_until}
        return render(request, "broadcasts/import_done.html", context)
    context["kept"] = shown.staged_people.filter(undone=Undone.KEPT).order_by("name")
    return render(request, "broadcasts/import_ended.html", context)


def confirm_form(checked: Import, data: QueryDict | None = None) -> ConfirmForm:
    return ConfirmForm(data, missing_count(checked), needs_number=needs_typed_number(checked))


def _history(shown: Import) -> list[tuple[AuditEntry, str]]:
    return [(entry, words_for(entry.action)) for entry in audit.history(shown)[:20]]


@require_safe
def import_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The part of the page that moves. 204 leaves it as it is; at the end the page comes anew."""
    found = find_import(request, pk)
    if found.status not in MOVING:
        return HttpResponseClientRedirect(reverse("broadcasts:import-detail", args=[pk]))
    if request.GET.get("seen") == _digest(found):
        return HttpResponse(status=204)
    context = {"import": found, "announces": True} | _progress_context(found)
    return render(request, "broadcasts/import_progress.html", context)


def _progress_context(moving: Import) -> dict[str, object]:
    query = urlencode({"seen": _digest(moving)})
    return {"poll_url": f"{reverse('broadcasts:import-progress', args=[moving.pk])}?{query}"}


def _digest(moving: Import) -> str:
    """Changes when anything on the page does."""
    return f"{moving.status}-{moving.done_count}-{moving.total_count}"
