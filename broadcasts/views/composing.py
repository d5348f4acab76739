"""Writing a broadcast: start a draft, edit and save it, delete it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.shortcuts import redirect, render
from django.template.defaultfilters import date as format_date
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from broadcasts.composing.drafting import (
    Missing,
    NotADraft,
    StaleDraft,
    delete_draft,
    find_missing,
    save_draft,
    start_draft,
)
from broadcasts.composing.file_types import allowed_types
from broadcasts.composing.forms import ComposeForm, SchoolForm
from broadcasts.composing.merge_fields import FIELDS
from broadcasts.composing.pictures import shown_pictures
from broadcasts.composing.plain_text import to_plain_text
from broadcasts.composing.sanitising import removed_parts
from broadcasts.models import Broadcast, School, User
from broadcasts.roles import signed_in_user
from broadcasts.views.attaching import change_files, files_of
from broadcasts.views.posting import post_only
from broadcasts.views.reviewing import find_broadcast

FILE_ACTIONS = ("attach", "picture")
FILE_FIELDS = ("new_files", "picture", "picture_words")
NEXT_PAGE = {"preview": "broadcasts:broadcast-preview", "review": "broadcasts:broadcast-review"}


@require_http_methods(["GET", "HEAD", "POST"])
def broadcast_new(request: HttpRequest) -> HttpResponse:
    """Only a POST makes something: a link that a browser fetches ahead must not leave a draft behind."""
    user = signed_in_user(request)
    schools = list(user.schools)
    form = SchoolForm(request.POST if request.method == "POST" else None, schools=user.schools)
    if request.method == "POST":
        school = schools[0] if len(schools) == 1 else form.cleaned_data["school"] if form.is_valid() else None
        if school:
            return redirect("broadcasts:broadcast-edit", start_draft(school, user).pk)
    return render(request, "broadcasts/broadcast_new.html", {"form": form, "schools": schools})


@require_http_methods(["GET", "HEAD", "POST"])
def broadcast_edit(request: HttpRequest, pk: int) -> HttpResponse:
    broadcast = find_broadcast(request, pk)
    if not broadcast.is_editable:
        return _no_draft(request, broadcast)
    is_post = request.method == "POST"
    form = ComposeForm(request.POST if is_post else None, request.FILES if is_post else None, broadcast=broadcast)
    if is_post and form.is_valid():
        return _save(request, broadcast, form)
    return _edit_page(request, broadcast, form)


def broadcast_autosave(request: HttpRequest, pk: int) -> HttpResponse:
    """For compose.js: 200 saved, perhaps with warnings; 409 not a draft any more, or changed by somebody else."""
    if request.method != "POST":
        words = _("There is no page here: drafts save themselves at this address. Open the draft instead.")
        return HttpResponseNotAllowed(["POST"], words, content_type="text/plain; charset=utf-8")
    broadcast = find_broadcast(request, pk)
    form = ComposeForm(request.POST, broadcast=broadcast)
    user = signed_in_user(request)
    if broadcast.is_editable and not form.is_valid():
        return JsonResponse({"problems": [error for errors in form.errors.values() for error in errors]}, status=400)
    try:
        version = (
            save_draft(broadcast, form.draft, user, form.cleaned_data["version"]) if broadcast.is_editable else 0
        )
    except StaleDraft as stale:
        return JsonResponse({"message": explain_stale(stale, user, broadcast.school)}, status=409)
    except NotADraft:
        version = 0
    if not version:
        return JsonResponse({"message": _explain_no_draft()}, status=409)
    problems = [missing.reason for missing in find_missing(broadcast) if not missing.is_empty]
    saved = _("Saved %(time)s") % {"time": _clock_time(timezone.now(), broadcast.school)}
    return JsonResponse({"version": version, "saved": saved, "problems": problems})


@post_only("broadcasts:broadcast-edit")
def broadcast_delete(request: HttpRequest, pk: int) -> HttpResponse:
    broadcast = find_broadcast(request, pk)
    if not delete_draft(broadcast, signed_in_user(request)):
        return _no_draft(request, broadcast)
    messages.success(request, _("The draft “%(broadcast)s” is deleted.") % {"broadcast": broadcast})
    return redirect("broadcasts:broadcast-list")


def explain_stale(stale: StaleDraft, user: User, school: School) -> str:
    if stale.changed_by == user:
        who = _("You changed this draft in another window or tab")
    else:
        who = _("%(name)s changed this draft") % {
            "name": stale.changed_by.display_name if stale.changed_by else _("Somebody")
        }
    return _("%(who)s at %(time)s. What you wrote since is not saved.") % {
        "who": who,
        "time": _clock_time(stale.changed_at, school),
    }


def _save(request: HttpRequest, broadcast: Broadcast, form: ComposeForm) -> HttpResponse:
    action, user = request.POST.get("action", ""), signed_in_user(request)
    version = broadcast.version if action == "overwrite" else form.cleaned_data["version"]
    try:
        save_draft(broadcast, form.draft, user, version)
        refused = change_files(request, broadcast, form)
    except StaleDraft as stale:
        form.add_error(None, explain_stale(stale, user, broadcast.school))
        return _edit_page(request, broadcast, form, is_stale=True)
    except NotADraft:
        return _no_draft(request, broadcast)
    _tell_removed(request)
    return _answer_saved(request, broadcast, refused, form.cleaned_data["picture_words"])


def _answer_saved(
    request: HttpRequest, broadcast: Broadcast, refused: Sequence[Missing], picture_words: str
) -> HttpResponse:
    action = request.POST.get("action", "")
    missing = find_missing(broadcast)
    if not refused and (action == "preview" or (action == "review" and not missing)):
        return redirect(NEXT_PAGE[action], broadcast.pk)
    wrong = [*(missing if action == "review" else (one for one in missing if not one.is_empty)), *refused]
    if action != "plain_text" and not wrong:
        messages.success(request, _("The draft is saved."))
        part = "#files" if {"remove", "place"} & request.POST.keys() or action in FILE_ACTIONS else ""
        return redirect(reverse("broadcasts:broadcast-edit", args=[broadcast.pk]) + part)
    words = picture_words if refused else ""
    return _saved_page(request, broadcast, wrong, picture_words=words, with_text=action == "plain_text")


def _saved_page(
    request: HttpRequest, broadcast: Broadcast, wrong: Sequence[Missing], *, picture_words: str, with_text: bool
) -> HttpResponse:
    """The form as it is stored now, with what is wrong beside its fields."""
    unbound = ComposeForm(broadcast=broadcast)
    data = {name: unbound[name].value() or "" for name in unbound.fields} | {"picture_words": picture_words}
    if with_text:
        data["body_text"] = to_plain_text(data["body_html"])
    form = ComposeForm(data, broadcast=broadcast)
    form.is_valid()
    form.show(wrong)
    if wrong and all(one.field in FILE_FIELDS for one in wrong):
        messages.info(request, _("The draft is saved, without what could not be added."))
    elif wrong:
        messages.info(request, _("The draft is saved. It cannot be sent yet."))
    return _edit_page(request, broadcast, form, is_saved=True)


def _edit_page(
    request: HttpRequest, broadcast: Broadcast, form: ComposeForm, *, is_stale: bool = False, is_saved: bool = False
) -> HttpResponse:
    if request.FILES and form.errors and not is_saved:
        words = _("The draft is not saved yet, so the files were not added. Choose them again.")
        form.add_error("new_files", words)
    media: Any = form.media
    context = {
        "broadcast": broadcast,
        "form": form,
        "media": media.with_nonce(request.csp_nonce),  # type: ignore[attr-defined]
        "merge_fields": FIELDS.values(),
        "files": files_of(broadcast),
        "shown": shown_pictures(form["body_html"].value() or "", broadcast.pk),
        "allowed_types": allowed_types(),
        "is_stale": is_stale,
        "is_unsaved": form.is_bound and not is_saved,
    }
    return render(request, "broadcasts/compose.html", context)


def _tell_removed(request: HttpRequest) -> None:
    if removed := removed_parts(request.POST.get("body_html", "")):
        words = _("Emails cannot carry everything that a web page can. We removed: %(parts)s.")
        messages.warning(request, words % {"parts": ", ".join(removed)})


def _explain_no_draft() -> str:
    return _("This broadcast is no longer a draft, so it cannot be changed.")


def _no_draft(request: HttpRequest, broadcast: Broadcast) -> HttpResponse:
    messages.warning(request, _explain_no_draft())
    return redirect("broadcasts:broadcast-detail", broadcast.pk)


def _clock_time(at: datetime, school: School) -> str:
    """Like `10:42 am`."""
    local = timezone.localtime(at, ZoneInfo(school.time_zone))
    return f"{format_date(local, 'g:i')} {'am' if local.hour < 12 else 'pm'}"
