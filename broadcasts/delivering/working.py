"""What a worker does with a broadcast: prepare it when it is time, then send what is due."""

import logging
import time
from collections.abc import Callable

from django.utils import timezone
from django.utils.translation import gettext as _

from broadcasts.counting import count_broadcast
from broadcasts.delivering.claiming import SENDING, has_rows_to_send
from broadcasts.delivering.giving_way import now_and_then, or_emergency
from broadcasts.delivering.handing_over import hand_over, tell
from broadcasts.delivering.putting_on_hold import hold_if_late
from broadcasts.delivering.quiet_hours import waits_until
from broadcasts.delivering.sweeping import finish_broadcast, waiting
from broadcasts.delivering.trouble import MailServerTrouble, note_trouble, put_off
from broadcasts.heartbeats import is_stopping
from broadcasts.models import Broadcast
from broadcasts.preparing.preparing import announce_preparing, prepare_deliveries

LONGEST_SHIFT_SECONDS = 5
# Then it is looked anew at quiet hours, limits, and which mail servers there are.
LONGEST_ALONE_SECONDS = 15
LOOK_FOR_OTHERS_SECONDS = 2.0
log = logging.getLogger(__name__)


def work_on(broadcast_id: int) -> None:
    """Prepare if it is time, then send until nothing is due or the shift is over."""
    now = timezone.now()
    if hold_if_late(broadcast_id, now):
        return
    if announce_preparing(broadcast_id, now):
        tell("preparing", broadcast_id)
    if prepare_deliveries(broadcast_id):
        tell("prepared, sending starts", broadcast_id, rows=sum(count_broadcast(Broadcast(pk=broadcast_id)).values()))
    is_emergency = Broadcast.objects.filter(pk=broadcast_id, broadcast_type__is_emergency=True).exists()
    is_over = until_others_wait(broadcast_id)
    deliver_due(broadcast_id, is_over if is_emergency else or_emergency(is_over))


def shift(seconds: float = LONGEST_SHIFT_SECONDS) -> Callable[[], bool]:
    """Short, so that a worker can stop, and so that other broadcasts get their turn."""
    end = time.monotonic() + seconds
    return lambda: time.monotonic() >= end


def until_others_wait(broadcast_id: int) -> Callable[[], bool]:
    """A shift that goes on while this is all there is to do: its connections and its text are made ready already."""
    turn, longest = shift(), shift(LONGEST_ALONE_SECONDS)
    others_wait = now_and_then(
        lambda: waiting(timezone.now()).exclude(pk=broadcast_id).exists(), LOOK_FOR_OTHERS_SECONDS
    )
    return lambda: is_stopping() or longest() or (turn() and others_wait())


def deliver_due(broadcast_id: int, is_over: Callable[[], bool]) -> bool:
    """Send what is due now; True when the shift ended before the work did."""
    if not _has_rows_to_send(broadcast_id):
        finish_broadcast(broadcast_id)
        return False
    try:
        return _send_until(broadcast_id, is_over)
    except MailServerTrouble as trouble:
        note_trouble(broadcast_id, str(trouble), timezone.now(), trouble.wait)
        return False
    except Exception:
        note_trouble(broadcast_id, _("Messenger met an error of its own; its log says more."), timezone.now())
        raise


def _send_until(broadcast_id: int, is_over: Callable[[], bool]) -> bool:
    broadcast = Broadcast.objects.select_related("school", "sender", "broadcast_type").get(pk=broadcast_id)
    now = timezone.now()
    if quiet_end := waits_until(broadcast, now):
        put_off(broadcast_id, quiet_end, now)
        return False
    limits = hand_over(broadcast, is_over)
    if limits.ran_dry_at:
        now = timezone.now()
        put_off(broadcast_id, limits.free_at(now), now)
        return False
    # A whole batch may have been on the Blocked Email list.
    if _has_rows_to_send(broadcast_id):
        return True
    finish_broadcast(broadcast_id)
    return False


def _has_rows_to_send(broadcast_id: int) -> bool:
    return Broadcast.objects.filter(has_rows_to_send(timezone.now()), pk=broadcast_id, status__in=SENDING).exists()
