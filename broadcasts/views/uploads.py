"""Recipients from a file: choose it, check what it would do, confirm or discard."""

import uuid

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from broadcasts.models import List, School, Upload, User
from broadcasts.people.applying import (
    CannotConfirm,
    confirm_upload,
    discard_forgotten_uploads,
    discard_upload,
    read_upload,
)
from broadcasts.people.checking import Check
from broadcasts.people.forms import RenameForm, UploadForm, is_taken
from broadcasts.people.planning import plan_upload
from broadcasts.people.reading import UnreadableFile
from broadcasts.roles import signed_in_user
from broadcasts.views.posting import post_only


def find_upload(request: HttpRequest, pk: int) -> Upload:
    uploads = Upload.objects.visible_to(signed_in_user(request)).select_related("school", "list", "uploaded_by")
    return get_object_or_404(uploads, pk=pk)


@require_http_methods(["GET", "HEAD", "POST"])
def upload_new(request: HttpRequest) -> HttpResponse:
    user = signed_in_user(request)
    if not user.schools.exists():
        return render(request, "broadcasts/upload_new.html", {"form": None})
    if request.method != "POST":
        discard_forgotten_uploads(user.schools, timezone.now())
        form = UploadForm(user=user, initial={"existing": request.GET.get("list")})
        return render(request, "broadcasts/upload_new.html", {"form": form})
    form = UploadForm(request.POST, request.FILES, user=user)
    if not form.is_valid():
        return render(request, "broadcasts/upload_new.html", {"form": form}, status=422)
    return redirect("broadcasts:upload-check", _keep_upload(form, form.chosen_school, user).pk)


def _keep_upload(form: UploadForm, school: School, user: User) -> Upload:
    file: UploadedFile[bytes] = form.cleaned_data["file"]
    existing: List | None = form.cleaned_data["existing"]
    name = file.name or ""
    file.name = f"{uuid.uuid4()}.csv"  # what the user called it never reaches the disk
    return Upload.objects.create(
        school=school,
        list=existing,
        list_name=existing.name if existing else form.cleaned_data["name"],
        file=file,
        file_name=name[-255:],
        uploaded_by=user,
    )


@require_http_methods(["GET", "HEAD", "POST"])
def upload_check(request: HttpRequest, pk: int) -> HttpResponse:
    """What Confirm would do. POST gives the list another name."""
    upload = find_upload(request, pk)
    if upload.status != Upload.Status.CHECKING:
        return render(request, "broadcasts/upload_done.html", {"upload": upload})
    renaming = None
    if upload.list is None and (request.method == "POST" or is_taken(upload.school, upload.list_name)):
        renaming = RenameForm(request.POST or None, school=upload.school, initial={"name": upload.list_name})
        if renaming.is_valid():
            upload.list_name = renaming.cleaned_data["name"]
            upload.save(update_fields=["list_name"])
            return redirect("broadcasts:upload-check", pk)
    try:
        recipients = read_upload(upload)
    except UnreadableFile as reason:
        return render(request, "broadcasts/upload_check.html", {"upload": upload, "unreadable": reason})
    plan = plan_upload(upload.school, recipients, upload.list)
    context = {"upload": upload, "check": Check(recipients, plan), "plan": plan, "renaming": renaming}
    return render(request, "broadcasts/upload_check.html", context)


@post_only("broadcasts:upload-check", find_upload)
def upload_confirm(request: HttpRequest, pk: int) -> HttpResponse:
    upload = find_upload(request, pk)
    try:
        was_first = confirm_upload(upload, signed_in_user(request))
    except (CannotConfirm, UnreadableFile) as reason:
        messages.error(request, str(reason))
        return redirect("broadcasts:upload-check", pk)
    if not was_first:
        # The page behind it says what became of the upload.
        return redirect("broadcasts:upload-check", pk)
    messages.success(request, _what_was_stored(upload))
    if upload.list is None:
        return redirect("broadcasts:list-list")
    return redirect("broadcasts:list-detail", upload.list.pk)


def _what_was_stored(upload: Upload) -> str:
    joined, changed = upload.summary["joined"], upload.summary["changed"]
    said = ngettext("%(count)d person joined “%(list)s”.", "%(count)d people joined “%(list)s”.", joined) % {
        "count": joined,
        "list": upload.list_name,
    }
    if changed:
        said += " " + ngettext("%(count)d person was changed.", "%(count)d people were changed.", changed) % {
            "count": changed
        }
    return said


@post_only("broadcasts:upload-check", find_upload)
def upload_discard(request: HttpRequest, pk: int) -> HttpResponse:
    upload = find_upload(request, pk)
    if not discard_upload(upload, signed_in_user(request)):
        return redirect("broadcasts:upload-check", pk)
    messages.success(request, _("The file was deleted. Nothing of it was stored."))
    return redirect("broadcasts:list-list")
