"""Keeping a draft: nobody overwrites what somebody else wrote, and what is still missing is said in plain words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from broadcasts import audit
from broadcasts.composing import sanitising
from broadcasts.composing.compiling import Recipient, compile_broadcast
from broadcasts.composing.merge_fields import problems_in_html, problems_in_text
from broadcasts.models import Broadcast, BroadcastType, Content, List, ListMember, School, Sender, User

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
    broadcast = Broadcast.objects.create(school=school, created_by=by, updated_by=by)
    Content.objects.create(broadcast=broadcast, language=school.language)
    audit.record(by, "broadcast.started", broadcast, school=school)
    return broadcast


def save_draft(broadcast: Broadcast, fields: Draft, by: User | None, version: int) -> int:
    """Replace `version` by these fields; the new version. Raises StaleDraft or NotADraft, and then changes nothing."""
    subject = fields.subject.strip()[:SUBJECT_LENGTH]
    body_html = sanitising.clean(fields.body_html)
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
        Content.objects.update_or_create(
            broadcast=broadcast,
            is_default=True,
            defaults={
                "subject": subject,
                "body_html": "" if sanitising.is_blank(body_html) else body_html,
                "body_text": fields.body_text.strip(),
            },
            create_defaults={
                "language": broadcast.school.language,
                "subject": subject,
                "body_html": body_html,
                "body_text": fields.body_text.strip(),
            },
        )
    broadcast.refresh_from_db()
    return broadcast.version


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
    contents = list(broadcast.contents.order_by("-is_default", "pk"))
    reasons = [*_about_type(broadcast), *_about_sender(broadcast), *_about_lists(broadcast)]
    for content in contents or [Content(broadcast=broadcast)]:
        reasons += [*subject_problems(content.subject), *body_problems(content.body_html)]
        reasons += problems_in_text(content.body_text)
    if all(content.body_html for content in contents):
        reasons += _about_size(broadcast, contents)
    return list(dict.fromkeys(reasons))


def _about_type(broadcast: Broadcast) -> Iterator[str]:
    kind = broadcast.broadcast_type
    if kind is None:
        yield _("Choose a broadcast type.")
    elif not kind.is_active:
        yield _("The broadcast type “%(type)s” is no longer in use. Choose another one.") % {"type": kind}


def _about_sender(broadcast: Broadcast) -> Iterator[str]:
    sender = broadcast.sender
    if sender is None:
        yield _("Choose a sender.")
    elif not sender.is_active:
        yield _("The sender “%(sender)s” is no longer in use. Choose another one.") % {"sender": sender.name}
    elif sender.school_id not in (None, broadcast.school_id):
        yield _("The sender “%(sender)s” belongs to another school. Choose another one.") % {"sender": sender.name}


def _about_lists(broadcast: Broadcast) -> Iterator[str]:
    lists = list(broadcast.lists.all())
    if not lists:
        yield _("Choose at least one list.")
    elif foreign := [chosen.name for chosen in lists if chosen.school_id != broadcast.school_id]:
        yield _("These lists belong to another school: %(lists)s. Remove them.") % {"lists": ", ".join(foreign)}
    elif not ListMember.objects.filter(list__in=lists).exists():
        yield _("Nobody is on the chosen lists. Upload recipients or choose another list.")


def subject_problems(subject: str) -> list[str]:
    if not subject.strip():
        return [_("Write a subject.")]
    if len(subject.strip().splitlines()) > 1 or not subject.strip().isprintable():
        return [_("The subject has a line break or an invisible sign in it. Write it on one line.")]
    return problems_in_text(subject)


def body_problems(body_html: str) -> list[str]:
    if sanitising.is_blank(body_html):
        return [_("Write a message.")]
    return problems_in_html(body_html)


def _about_size(broadcast: Broadcast, contents: Sequence[Content]) -> Iterator[str]:
    compiled = compile_broadcast(broadcast)
    for content in contents:
        size = len(compiled.html_for(Recipient(None, "", "", content.language)).encode())
        if size > LARGEST_HTML:
            yield _(
                "The message is too long: %(size)s KB. Mail programs cut off what is longer than %(limit)s KB, "
                "so that families would not see its end. Make it shorter, or put the details on a web page."
            ) % {"size": -(-size // 1000), "limit": LARGEST_HTML // 1000}
