"""A draft to the people of a list that says more about an earlier broadcast. Nothing is sent."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from broadcasts import audit
from broadcasts.composing.drafting import SUBJECT_LENGTH, Draft, save_draft, start_draft
from broadcasts.models import Broadcast, List, Sender, User

DEED = "broadcast.follow_up"


@transaction.atomic
def start_follow_up(to: List, original: Broadcast | None, by: User) -> Broadcast:
    """`original`: None when there are several; then the draft has no subject and type yet."""
    draft = start_draft(to.school, by)
    fields = Draft(
        broadcast_type=original.broadcast_type if original else None,
        sender=(_usable(original.sender, to) if original else None) or draft.sender,
        lists=[to],
        subject=follow_up_subject(original.name) if original and original.name else "",
    )
    save_draft(draft, fields, by, draft.version)
    about: dict[str, Any] = {"original": original.pk} if original else {}
    audit.record(by, DEED, draft, school=draft.school, list=to.pk, **about)
    return draft


def follow_up_subject(subject: str) -> str:
    begins = _("Follow-up: %(subject)s")
    if subject.startswith(begins % {"subject": ""}):
        return subject
    return str(begins % {"subject": subject})[:SUBJECT_LENGTH]


def find_follow_up(to: List, by: User) -> Broadcast | None:
    """The draft that was started with this list, as long as it is one."""
    drafts = Broadcast.objects.filter(lists=to, created_by=by, status=Broadcast.Status.DRAFT)
    return drafts.order_by("pk").first()


def _usable(sender: Sender | None, to: List) -> Sender | None:
    is_ours = sender is not None and sender.is_active and sender.school_id in (None, to.school_id)
    return sender if is_ours else None
