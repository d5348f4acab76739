"""Files and pictures into a draft and out of it. What is on its way, or gone, keeps what it has."""

import hashlib
import re
import unicodedata
from collections.abc import Iterator
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.translation import gettext as _

from broadcasts import audit
from broadcasts.composing.drafting import NotADraft
from broadcasts.composing.file_types import NotAllowed, find_type
from broadcasts.composing.pictures import image_tag, shown_pictures, width_of, without_picture
from broadcasts.models import Attachment, Broadcast, Content, User

MOST_FILES = 20
# Of UTF-8. Encoded for a header it is at most three times as long, on one line of at most 998 (RFC 5322).
LONGEST_NAME = 200
_SEPARATORS = re.compile(r'[\\/:*?"<>|]+')


def clean_name(name: str) -> str:
    """The last part of a path, without what could hide or misdirect: controls, and marks that turn the direction."""
    last = re.split(r"[\\/]", unicodedata.normalize("NFC", name))[-1]
    visible = "".join(char if unicodedata.category(char)[0] != "C" else "" for char in last)
    plain = " ".join(_SEPARATORS.sub(" ", visible).split()).lstrip(".").strip()
    stem, dot, extension = plain.rpartition(".")
    if not dot:
        stem, extension = plain, ""
    room = LONGEST_NAME - len((dot + extension).encode())
    short = stem.encode()[: max(room, 1)].decode(errors="ignore").strip()
    return f"{short or _('file')}{dot}{extension[:20]}"


def make_file(name: str, content: bytes) -> Attachment:
    """Not stored yet. Raises NotAllowed."""
    return _make(name, content)


def make_picture(name: str, content: bytes, alternative: str, picture_id: UUID | None = None) -> Attachment:
    """Not stored yet. `picture_id`: what the message calls it already. Raises NotAllowed."""
    words = " ".join(alternative.replace("\0", "").split())
    if not words:
        raise NotAllowed(_("Say in a few words what the picture shows, for those who cannot see it."))
    picture = _make(name, content, is_inline=True)
    picture.alternative = words[:300]
    picture.picture_id = picture_id or uuid4()
    picture.width = width_of(content)
    return picture


def _make(name: str, content: bytes, *, is_inline: bool = False) -> Attachment:
    cleaned = clean_name(name)
    if not content:
        raise NotAllowed(_("“%(file)s” is empty.") % {"file": cleaned})
    if len(content) > settings.ATTACHMENTS_MAX_BYTES:
        raise too_large(cleaned)
    try:
        kind = find_type(cleaned, content, is_inline=is_inline)
    except NotAllowed as reason:
        raise NotAllowed(f"“{cleaned}”: {reason}") from reason
    return Attachment(
        filename=cleaned,
        content_type=kind.content_type,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        content=content,
        is_inline=is_inline,
    )


def too_large(name: str) -> NotAllowed:
    words = _("“%(file)s” is too large: the files of a broadcast may have %(limit)s together.")
    return NotAllowed(words % {"file": name, "limit": filesizeformat(settings.ATTACHMENTS_MAX_BYTES)})


def attach(broadcast: Broadcast, file: Attachment, by: User | None) -> None:
    """Raises NotAllowed or NotADraft; then nothing has changed."""
    with transaction.atomic():
        _lock_draft(broadcast)
        if problem := next(_problems(broadcast, file), ""):
            raise NotAllowed(problem)
        file.broadcast, file.added_by = broadcast, by
        file.save(force_insert=True)
        if file.is_inline:
            _put_into_text(broadcast, file)
        _note_change(broadcast, by)
        audit.record(
            by, "broadcast.file_added", broadcast, school=broadcast.school, file=file.filename, size=file.size
        )


def _problems(broadcast: Broadcast, file: Attachment) -> Iterator[str]:
    present = broadcast.attachments
    names = {"file": file.filename, "limit": filesizeformat(settings.ATTACHMENTS_MAX_BYTES)}
    same = present.filter(sha256=file.sha256, is_inline=file.is_inline).first()
    if same is not None:
        yield _("“%(file)s” is there already.") % {"file": same.filename}
    if not file.is_inline and present.files().filter(filename__iexact=file.filename).exists():
        yield _("There is another file “%(file)s” already. Remove it first, or give this one another name.") % names
    if present.filter(picture_id=file.picture_id).exists():
        yield _("“%(file)s” could not be added. Choose it again.") % names
    if present.count() >= MOST_FILES:
        yield _("A broadcast can have %(count)s files and pictures. Remove one first.") % {"count": MOST_FILES}
    if (total := present.total_size() + file.size) > settings.ATTACHMENTS_MAX_BYTES:
        words = _("With “%(file)s” the files would have %(total)s together. At most %(limit)s are possible.")
        yield words % {**names, "total": filesizeformat(total)}


def place_picture(broadcast: Broadcast, pk: int, by: User) -> bool:
    """At the end of the message, unless it is in it. False: there is no such picture."""
    with transaction.atomic():
        _lock_draft(broadcast)
        picture = broadcast.attachments.pictures().filter(pk=pk).first()
        if picture is None:
            return False
        _put_into_text(broadcast, picture)
        _note_change(broadcast, by)
    return True


def detach(broadcast: Broadcast, pk: int, by: User) -> str:
    """The name of what was removed; a picture leaves the message too. Empty: it is gone already."""
    with transaction.atomic():
        _lock_draft(broadcast)
        file = broadcast.attachments.filter(pk=pk).first()
        if file is None:
            return ""
        file.delete()
        if file.is_inline:
            take_out_of_text(broadcast, file.picture_id)
        _note_change(broadcast, by)
        audit.record(by, "broadcast.file_removed", broadcast, school=broadcast.school, file=file.filename)
    return file.filename


def take_out_of_text(broadcast: Broadcast, picture_id: UUID) -> None:
    for content in broadcast.contents.all():
        body = without_picture(content.body_html, broadcast.pk, picture_id)
        if body != content.body_html:
            Content.objects.filter(pk=content.pk).update(body_html=body)


def _put_into_text(broadcast: Broadcast, picture: Attachment) -> None:
    content = broadcast.contents.filter(is_default=True).first()
    if content is None or picture.picture_id in shown_pictures(content.body_html, broadcast.pk):
        return
    tag = image_tag(broadcast.pk, picture.picture_id, picture.alternative)
    Content.objects.filter(pk=content.pk).update(body_html=f"{content.body_html}<p>{tag}</p>")


def _lock_draft(broadcast: Broadcast) -> None:
    """Two who add at once would both find room; and Send Now waits for us, or we for it."""
    drafts = Broadcast.objects.select_for_update(of=("self",)).filter(pk=broadcast.pk, status=Broadcast.Status.DRAFT)
    if not drafts.exists():
        raise NotADraft


def _note_change(broadcast: Broadcast, by: User | None) -> None:
    """A new version: who has reviewed the draft before looks at it again before it is sent."""
    now = {"updated_by": by, "updated_at": timezone.now()}
    Broadcast.objects.filter(pk=broadcast.pk).update(version=F("version") + 1, **now)
    broadcast.refresh_from_db(fields=["version", "updated_by", "updated_at"])
