"""Files of a draft: what the form brings in and takes out, and the files themselves for those who may see them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from csp.constants import NONE
from csp.decorators import csp
from django.conf import settings
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from broadcasts.composing.attaching import (
    MOST_FILES,
    attach,
    clean_name,
    detach,
    make_file,
    make_picture,
    place_picture,
    take_out_of_text,
    too_large,
)
from broadcasts.composing.drafting import Missing
from broadcasts.composing.file_types import NotAllowed
from broadcasts.composing.forms import ComposeForm
from broadcasts.composing.framing import content_of
from broadcasts.models import Attachment, Broadcast
from broadcasts.roles import signed_in_user

# Whatever is in a file: it opens as nothing on our pages.
HARMLESS = {"default-src": [NONE], "sandbox": True, "frame-ancestors": [NONE], "base-uri": [NONE]}


@require_safe
@csp(HARMLESS)  # type: ignore[arg-type]  # its types know views without further arguments only
def attachment_download(request: HttpRequest, pk: int) -> HttpResponse:
    mine = Attachment.objects.visible_to(signed_in_user(request))
    return as_download(get_object_or_404(mine, pk=pk))


@require_safe
@csp(HARMLESS)  # type: ignore[arg-type]
def broadcast_picture(request: HttpRequest, pk: int, picture_id: UUID) -> HttpResponse:
    """A picture of the message, for the editor and the preview."""
    mine = Attachment.objects.visible_to(signed_in_user(request)).pictures()
    picture = get_object_or_404(mine, broadcast=pk, picture_id=picture_id)
    return HttpResponse(content_of(picture), content_type=picture.content_type)


def as_download(file: Attachment) -> HttpResponse:
    response = HttpResponse(content_of(file), content_type=file.content_type)
    response["Content-Disposition"] = content_disposition_header(True, file.filename) or "attachment"
    return response


def change_files(request: HttpRequest, broadcast: Broadcast, form: ComposeForm) -> list[Missing]:
    """What the saved form adds and removes; what could not be added, each with its reason. Raises NotADraft."""
    removed, placed = (request.POST.get(name, "") for name in ("remove", "place"))
    user = signed_in_user(request)
    if removed.isdecimal() and (name := detach(broadcast, int(removed[:18]), user)):
        messages.success(request, _("“%(file)s” is removed.") % {"file": name})
    if placed.isdecimal() and place_picture(broadcast, int(placed[:18]), user):
        messages.success(request, _("The picture is in the message, at its end."))
    problems = [*_add_files(request, broadcast, form), *_add_picture(request, broadcast, form)]
    if request.POST.get("action") == "attach" and not request.FILES:
        problems.append(Missing("new_files", _("Choose the files to add first.")))
    if request.POST.get("action") == "picture" and not form.cleaned_data["picture"]:
        problems.append(Missing("picture", _("Choose the picture to add first.")))
    return problems


def _add_files(request: HttpRequest, broadcast: Broadcast, form: ComposeForm) -> Iterator[Missing]:
    for file in form.cleaned_data["new_files"][:MOST_FILES]:
        try:
            attach(broadcast, make_file(file.name, _read(file)), signed_in_user(request))
        except NotAllowed as reason:
            yield Missing("new_files", str(reason))
        else:
            messages.success(request, _("“%(file)s” is attached.") % {"file": clean_name(file.name)})
    for file in form.cleaned_data["new_files"][MOST_FILES:]:
        words = _("“%(file)s” was not added: at most %(count)s at once.")
        yield Missing("new_files", words % {"file": clean_name(file.name), "count": MOST_FILES})


def _add_picture(request: HttpRequest, broadcast: Broadcast, form: ComposeForm) -> Iterator[Missing]:
    file, name, words = (form.cleaned_data[field] for field in ("picture", "picture_id", "picture_words"))
    if not file:
        return
    try:
        attach(broadcast, make_picture(file.name, _read(file), words, name), signed_in_user(request))
    except NotAllowed as reason:
        # compose.js put it into the message already.
        if name and not broadcast.attachments.filter(picture_id=name).exists():
            take_out_of_text(broadcast, name)
        yield Missing("picture" if words.strip() else "picture_words", str(reason))
    else:
        words = _("The picture is in the message now. Drag it to where it belongs, if it is not there.")
        messages.success(request, words)


def _read(file: "UploadedFile[bytes]") -> bytes:
    """Not a byte of what is too large anyway."""
    if (file.size or 0) > settings.ATTACHMENTS_MAX_BYTES:
        raise too_large(clean_name(file.name or ""))
    return bytes(file.read())


@dataclass(frozen=True)
class FilesOfBroadcast:
    """What every page says about them."""

    attached: Sequence[Attachment]
    pictures: Sequence[Attachment]

    @property
    def total_size(self) -> int:
        return sum(one.size for one in (*self.attached, *self.pictures))

    @property
    def limit(self) -> int:
        return int(settings.ATTACHMENTS_MAX_BYTES)


def files_of(broadcast: Broadcast) -> FilesOfBroadcast:
    found = list(broadcast.attachments.all())
    return FilesOfBroadcast(
        attached=[one for one in found if not one.is_inline], pictures=[one for one in found if one.is_inline]
    )
