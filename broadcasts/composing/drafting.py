"""Keeping a draft: nobody overwrites what somebody else wrote, and what is still missing is said in plain words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.html import linebreaks
from django.utils.translation import gettext as _

from broadcasts import audit
from broadcasts.composing import sanitising
from broadcasts.composing.compiling import Recipient, compile_broadcast
from broadcasts.composing.merge_fields import problems_in_html, problems_in_text
from broadcasts.composing.pictures import has_picture_without_words, is_of_another_broadcast, shown_pictures
from broadcasts.composing.plain_text import to_plain_text
from broadcasts.models import Broadcast, BroadcastType, Content, List, School, Sender, User
from broadcasts.people.lists.resolving import is_anybody, people_on

# Gmail hides the rest of a message near 102 KB, and with it the link to unsubscribe.
LARGEST_HTML = 90_000
SUBJECT_LENGTH = 255


@dataclass(frozen=True)
class Draft:
    """Everything the form knows; any of it may still be missing."""

    broadcast_type: BroadcastType | None = None
    sender: Sender | None = None
    lists: Sequence[List] = ()
    subject: str = ""
    body_html: str = ""
    body_text: str = ""


class Missing(NamedTuple):
    """A reason against sending. `is_empty`: nothing is wrong, it is only not there yet."""

    field: str
    reason: str
    is_empty: bool = False


class StaleDraft(Exception):
    """Somebody, perhaps in another window, saved this draft after the version that was to be replaced."""

    def __init__(self, changed_by: User | None, changed_at: datetime) -> None:
        self.changed_by = changed_by
        self.changed_at = changed_at
        super().__init__(changed_by, changed_at)


class NotADraft(Exception):
    """It is on its way, or gone: its text cannot change any more."""


def start_draft(school: School, by: User) -> Broadcast:
    """A new draft, or the one this user started for the school and never touched."""
    with transaction.atomic():
        # Locks the school's row, so that a double click finds the first one's draft.
        School.objects.select_for_update().get(pk=school.pk)
        untouched = Broadcast.objects.filter(
            school=school, created_by=by, status=Broadcast.Status.DRAFT, version=1, contents__body_html=""
        )
        return untouched.first() or _make_draft(school, by)


def _make_draft(school: School, by: User) -> Broadcast:
    broadcast = Broadcast.objects.create(school=school, sender=_usual_sender(school), created_by=by, updated_by=by)
    Content.objects.create(broadcast=broadcast, language=school.language)
    audit.record(by, "broadcast.started", broadcast, school=school)
    return broadcast


def _usual_sender(school: School) -> Sender | None:
    """Who wrote last: families' mail programs show the pictures of an address they know."""
    usable = Sender.objects.filter(Q(school=school) | Q(school__isnull=True), is_active=True)
    last = usable.filter(broadcasts__school=school).order_by("-broadcasts__pk").first()
    return last or (usable.get() if usable.count() == 1 else None)


def save_draft(broadcast: Broadcast, fields: Draft, by: User | None, version: int) -> int:
    """Replace `version` by these fields; the new version. StaleDraft or NotADraft: nothing has changed."""
    subject = fields.subject.replace("\0", "").strip()[:SUBJECT_LENGTH]
    body_html = sanitising.clean(_as_html(fields.body_html))
    if sanitising.is_blank(body_html):
        body_html = ""
    with transaction.atomic():
        saved = Broadcast.objects.filter(pk=broadcast.pk, status=Broadcast.Status.DRAFT, version=version).update(
            version=F("version") + 1,
            name=subject,
            broadcast_type=fields.broadcast_type,
            sender=fields.sender,
            updated_by=by,
            updated_at=timezone.now(),
        )
        if not saved:
            raise _why_not_saved(broadcast)
        broadcast.lists.set(fields.lists)
        text = {"subject": subject, "body_html": body_html, "body_text": _own_text(fields.body_text, body_html)}
        Content.objects.update_or_create(
            broadcast=broadcast,
            is_default=True,
            defaults=text,
            create_defaults=text | {"language": broadcast.school.language},
        )
    broadcast.refresh_from_db()
    return broadcast.version


def _as_html(body: str) -> str:
    """Without the editor people type plain text: its empty lines become paragraphs."""
    return body if "<" in body else linebreaks(body.strip(), autoescape=True)


def _own_text(body_text: str, body_html: str) -> str:
    """Empty while it says what the message says, so that it goes on following the message."""
    text = "\n".join(body_text.replace("\0", "").splitlines()).strip("\n")
    return "" if text == to_plain_text(body_html) or not text.strip() else text


def _why_not_saved(broadcast: Broadcast) -> Exception:
    now = Broadcast.objects.select_related("updated_by").filter(pk=broadcast.pk).first()
    if now is None or not now.is_editable:
        return NotADraft()
    return StaleDraft(now.updated_by, now.updated_at)


def delete_draft(broadcast: Broadcast, by: User) -> bool:
    """False: it is no draft any more, and stays."""
    with transaction.atomic():
        still = Broadcast.objects.select_for_update().filter(pk=broadcast.pk, status=Broadcast.Status.DRAFT)
        if not still.exists():
            return False
        audit.record(by, "broadcast.deleted", broadcast, school=broadcast.school)
        still.get().delete()
    return True


def what_is_missing(broadcast: Broadcast) -> list[str]:
    """Why it cannot be reviewed and sent yet, each with what to do. Empty: it is complete."""
    return list(dict.fromkeys(missing.reason for missing in find_missing(broadcast)))


def find_missing(broadcast: Broadcast) -> list[Missing]:
    """The same with the form's field that each belongs to."""
    contents = list(broadcast.contents.order_by("-is_default", "pk")) or [Content(broadcast=broadcast)]
    missing = [*_about_type(broadcast), *_about_sender(broadcast), *_about_lists(broadcast)]
    for content in contents:
        missing += [*_about_subject(content.subject), *_about_body(content), *_about_pictures(content)]
    missing += _about_files(broadcast)
    if all(content.body_html for content in contents):
        missing += _about_size(broadcast, contents)
    return missing


def _about_type(broadcast: Broadcast) -> Iterator[Missing]:
    kind = broadcast.broadcast_type
    if kind is None:
        yield Missing("broadcast_type", _("Choose a broadcast type."), is_empty=True)
    elif not kind.is_active:
        words = _("The broadcast type “%(type)s” is no longer in use. Choose another one.")
        yield Missing("broadcast_type", words % {"type": kind})


def _about_sender(broadcast: Broadcast) -> Iterator[Missing]:
    sender = broadcast.sender
    if sender is None:
        yield Missing("sender", _("Choose a sender."), is_empty=True)
    elif not sender.is_active:
        words = _("The sender “%(sender)s” is no longer in use. Choose another one.")
        yield Missing("sender", words % {"sender": sender.name})
    elif sender.school_id not in (None, broadcast.school_id):
        words = _("The sender “%(sender)s” belongs to another school. Choose another one.")
        yield Missing("sender", words % {"sender": sender.name})


def _about_lists(broadcast: Broadcast) -> Iterator[Missing]:
    lists = list(broadcast.lists.all())
    if not lists:
        yield Missing("lists", _("Choose at least one list."), is_empty=True)
    elif private := [one.name for one in lists if one.school_id != broadcast.school_id and not one.is_published]:
        words = _("These lists belong to another school, which does not publish them: %(lists)s. Remove them.")
        yield Missing("lists", words % {"lists": ", ".join(private)})
    elif not is_anybody(people_on(lists, broadcast.school_id)):
        yield Missing("lists", _("Nobody is on the chosen lists. Add people to them or choose another list."))


def _about_subject(subject: str) -> Iterator[Missing]:
    if not subject.strip():
        yield Missing("subject", _("Write a subject."), is_empty=True)
    elif not subject.strip().isprintable():
        yield Missing(
            "subject", _("The subject has a line break or an invisible character in it. Write it on one line.")
        )
    else:
        yield from (Missing("subject", problem) for problem in problems_in_text(subject))


def _about_body(content: Content) -> Iterator[Missing]:
    if sanitising.is_blank(content.body_html):
        yield Missing("body_html", _("Write a message."), is_empty=True)
    yield from (Missing("body_html", problem) for problem in problems_in_html(content.body_html))
    yield from (Missing("body_text", problem) for problem in problems_in_text(content.body_text))


def _about_pictures(content: Content) -> Iterator[Missing]:
    html, broadcast = content.body_html, content.broadcast
    shown = shown_pictures(html, broadcast.pk)
    known = set(broadcast.attachments.pictures().values_list("picture_id", flat=True)) if shown else set()
    if shown - known or is_of_another_broadcast(html, broadcast.pk):
        words = _("The message shows a picture that this broadcast does not have. Delete it there, or add it below.")
        yield Missing("body_html", words)
    if has_picture_without_words(html):
        words = _("A picture has no words for those who cannot see it. Remove it and add it again with a few words.")
        yield Missing("body_html", words)


def _about_files(broadcast: Broadcast) -> Iterator[Missing]:
    total = broadcast.attachments.total_size()
    if total > settings.ATTACHMENTS_MAX_BYTES:
        words = _("The files have %(total)s together. At most %(limit)s are possible: remove some.")
        sizes = {"total": filesizeformat(total), "limit": filesizeformat(settings.ATTACHMENTS_MAX_BYTES)}
        yield Missing("new_files", words % sizes)


def _about_size(broadcast: Broadcast, contents: Sequence[Content]) -> Iterator[Missing]:
    compiled = compile_broadcast(broadcast)
    for content in contents:
        size = len(compiled.html_for(Recipient(None, "", "", content.language)).encode())
        if size > LARGEST_HTML:
            words = _(
                "The message is too long: %(size)s KB. Mail programs cut off what is longer than %(limit)s KB, "
                "so that families would not see its end. Make it shorter, or put the details on a web page."
            )
            yield Missing("body_html", words % {"size": -(-size // 1000), "limit": LARGEST_HTML // 1000})
