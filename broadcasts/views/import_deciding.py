"""The buttons of an import: confirm, undo, discard."""

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from broadcasts import actors
from broadcasts.models import Import
from broadcasts.people.importing.discarding import discard_import
from broadcasts.people.importing.merging import CannotImport, confirm_import
from broadcasts.people.importing.undoing import start_undo
from broadcasts.roles import signed_in_user
from broadcasts.views.imports import confirm_form, find_import, import_page
from broadcasts.views.posting import post_only


@post_only("broadcasts:import-detail", find_import)
def import_confirm(request: HttpRequest, pk: int) -> HttpResponse:
    """A second press, of whoever, finds the page that says what became of the first."""
    found = find_import(request, pk)
    if found.status != Import.Status.CHECKED:
        return redirect("broadcasts:import-detail", pk)
    form = confirm_form(found, request.POST)
    if not form.is_valid():
        return import_page(request, found, form)
    try:
        with transaction.atomic():
            was_first = confirm_import(
                found,
                signed_in_user(request),
                deactivate_missing=form.deactivates,
                missing_typed=form.typed_number,
            )
            if was_first:
                transaction.on_commit(lambda: actors.hint(actors.merge, pk))
    except CannotImport as reason:
        form.add_error(None, str(reason))
        return import_page(request, find_import(request, pk), form)
    return redirect("broadcasts:import-detail", pk)


@post_only("broadcasts:import-detail", find_import)
def import_undo(request: HttpRequest, pk: int) -> HttpResponse:
    found = find_import(request, pk)
    try:
        with transaction.atomic():
            if start_undo(found, signed_in_user(request)):
                transaction.on_commit(lambda: actors.hint(actors.undo, pk))
    except CannotImport as reason:
        messages.error(request, str(reason))
    return redirect("broadcasts:import-detail", pk)


@post_only("broadcasts:import-detail", find_import)
def import_discard(request: HttpRequest, pk: int) -> HttpResponse:
    if discard_import(find_import(request, pk), signed_in_user(request)):
        messages.success(request, _("The file was deleted. Nothing of it was stored."))
        return redirect("broadcasts:import-list")
    return redirect("broadcasts:import-detail", pk)
