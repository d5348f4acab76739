"""Send, undo, pause, resume, cancel: conditional updates of the status, so that of two people one acts."""

import logging
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from broadcasts import audit
from broadcasts.composing.drafting import what_is_missing
from broadcasts.delivering.leasing import set_free, take_over
from broadcasts.delivering.retrying import can_be_stopped
from broadcasts.delivering.sweeping import cancel_rows, stop_rows, waits_or_is_due
from broadcasts.models import Broadcast, User
from broadcasts.preparing.reach import Reach

Status = Broadcast.Status
NOT_HELD = {"held_for": Broadcast.Hold.NONE, "held_at": None, "refused_in_row": 0, "last_refusal": ""}
log = logging.getLogger(__name__)


class CannotSend(Exception):
    """`reasons`: in plain words, what to do first."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__(" ".join(reasons))
        self.reasons = reasons


class ReachChanged(CannotSend):
    """The number of people is not the one that was agreed to."""


def send_now(
    broadcast: Broadcast,
    by: User | None,
    expected: int | None = None,
    *,
    undo_seconds: float | None = None,
    start_at: datetime | None = None,
) -> bool:
    """Draft → scheduled; it starts at `start_at`, not before the time to undo is over, an emergency at once.

    `expected`: how many emails the user agreed to. Raises CannotSend, and ReachChanged (one of it).
    """
    if not broadcast.is_editable:
        return False
    reasons = what_is_missing(broadcast)
    if reasons:
        raise CannotSend(reasons)
    sendable = Reach(broadcast).sendable
    if not sendable:
        raise CannotSend([_("Nobody on these lists can get this email. Choose another list or broadcast type.")])
    if expected is not None and expected != sendable:
        raise ReachChanged([_("The number of people has changed while you were looking. Please check it again.")])
    if undo_seconds is None:
        undo_seconds = _undo_seconds(broadcast)
    earliest = timezone.now() + timedelta(seconds=undo_seconds)
    return _change(
        broadcast,
        by,
        "broadcast.sent",
        (Status.DRAFT,),
        status=Status.SCHEDULED,
        sent_by=by,
        send_at=max(earliest, start_at or earliest),
    )


def _undo_seconds(broadcast: Broadcast) -> float:
    return 0 if broadcast.is_emergency else settings.UNDO_SECONDS


def undo_send(broadcast: Broadcast, by: User) -> bool:
    """Scheduled → draft, as long as preparing has not begun."""
    return _change(
        broadcast, by, "broadcast.undone", (Status.SCHEDULED,), status=Status.DRAFT, send_at=None, sent_by=None
    )


@transaction.atomic
def pause(broadcast: Broadcast, by: User) -> bool:
    """Nothing leaves any more but the message that each connection is just writing."""
    if not _change(broadcast, by, "broadcast.paused", (Status.SENDING,), status=Status.PAUSED):
        return False
    set_free(broadcast.leases.all(), broadcast.pk, timezone.now())
    return True


def resume(broadcast: Broadcast, by: User) -> bool:
    """What was put on hold before anything was prepared starts now."""
    now = timezone.now()
    go_on = {"status": Status.SENDING} if broadcast.prepared_at else {"status": Status.SCHEDULED, "send_at": now}
    fresh = {"worked_on_at": None, "next_try_at": None, "tended_at": now, "trouble": "", "trouble_since": None}
    return _change(broadcast, by, "broadcast.resumed", (Status.PAUSED,), **go_on, **fresh, **NOT_HELD)


@transaction.atomic
def cancel(broadcast: Broadcast, by: User) -> bool:
    """What is still Unsent stays Unsent for good; what we were trying again is Bounced: nobody tries any more."""
    stoppable = (Status.SENDING, Status.PAUSED)
    now = timezone.now()
    ended = {
        "status": Status.CANCELLED, "finished_at": now, "trouble": "", "trouble_since": None, "next_row": None
    }  # fmt: skip
    if not _change(broadcast, by, "broadcast.cancelled", stoppable, **ended):
        return False
    take_over(broadcast.leases.all())
    cancel_rows(broadcast.deliveries.filter(waits_or_is_due()))
    return True


@transaction.atomic
def stop_retrying(broadcast: Broadcast, by: User) -> bool:
    """Of one that counts as sent: who Soft Bounced and would be tried again is Bounced. False: nobody would be.

    A message that is just leaving keeps its answer; where that says "later", the sweep closes the row. What is sent
    again to a corrected address later may be tried again, and stopped by another press.
    """
    # Locked before it is looked at, so that of two who press one acts.
    if not Broadcast.objects.select_for_update(no_key=True).filter(pk=broadcast.pk):
        return False
    if not can_be_stopped(broadcast.pk):
        return False
    now, last = timezone.now(), broadcast.deliveries.aggregate(last=Max("pk"))["last"]
    stopped = {"retries_stopped_at": now, "retries_stopped_to": last}
    if not _change(broadcast, by, "broadcast.retries_stopped", (Status.SENT,), **stopped):
        return False
    set_free(broadcast.leases.all(), broadcast.pk, now)
    stop_rows(broadcast.pk)
    return True


@transaction.atomic
def _change(broadcast: Broadcast, by: User | None, action: str, allowed: tuple[Status, ...], **changes: Any) -> bool:
    """One conditional update, on record. False: somebody was faster, or the status no longer allows it."""
    if not Broadcast.objects.filter(pk=broadcast.pk, status__in=allowed).update(**changes):
        return False
    broadcast.refresh_from_db()
    audit.record(by, action, broadcast, school=broadcast.school)
    said = {"broadcast": broadcast.pk}
    transaction.on_commit(partial(log.info, "Broadcast %s: %s", broadcast.pk, action, extra=said))
    return True
