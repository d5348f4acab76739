"""What a worker does with a broadcast: prepare it when it is time, then send what is due."""

import time
from collections.abc import Callable

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from broadcasts.composing.compiling import compile_broadcast
from broadcasts.delivering.claiming import SENDING
from broadcasts.delivering.giving_way import or_emergency
from broadcasts.delivering.holding import hold_if_late
from broadcasts.delivering.limits import Limits
from broadcasts.delivering.lines import Lines
from broadcasts.delivering.naming_relays import read_relays
from broadcasts.delivering.quiet_hours import waits_until
from broadcasts.delivering.relays import Switchboard, without_trouble
from broadcasts.delivering.sending import Sending
from broadcasts.delivering.sweeping import finish_broadcast
from broadcasts.delivering.transports import open_line
from broadcasts.delivering.trouble import MailServerTrouble, note_trouble, put_off
from broadcasts.models import Broadcast, Delivery
from broadcasts.preparing.preparing import announce_preparing, prepare_deliveries

LONGEST_SHIFT_SECONDS = 5


def work_on(broadcast_id: int) -> None:
    """Prepare if it is time, then send until nothing is due or the shift is over."""
    now = timezone.now()
    if hold_if_late(broadcast_id, now):
        return
    announce_preparing(broadcast_id, now)
    prepare_deliveries(broadcast_id)
    is_emergency = Broadcast.objects.filter(pk=broadcast_id, broadcast_type__is_emergency=True).exists()
    deliver_due(broadcast_id, shift() if is_emergency else or_emergency(shift()))


def shift(seconds: float = LONGEST_SHIFT_SECONDS) -> Callable[[], bool]:
    """Short, so that a worker can stop, and so that other broadcasts get their turn."""
    end = time.monotonic() + seconds
    return lambda: time.monotonic() >= end


def deliver_due(broadcast_id: int, is_over: Callable[[], bool]) -> bool:
    """Send what is due now; True when the shift ended before the work did."""
    if not _has_due_rows(broadcast_id):
        finish_broadcast(broadcast_id)
        return False
    try:
        return _send_until(broadcast_id, is_over)
    except MailServerTrouble as trouble:
        note_trouble(broadcast_id, str(trouble), timezone.now())
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
    limits = _send_over_relays(broadcast, is_over)
    if limits.ran_dry_at:
        now = timezone.now()
        put_off(broadcast_id, limits.free_at(now), now)
        return False
    # A whole batch may have been on the Blocked Email list.
    if _has_due_rows(broadcast_id):
        return True
    finish_broadcast(broadcast_id)
    return False


def _send_over_relays(broadcast: Broadcast, is_over: Callable[[], bool]) -> Limits:
    """Raises MailServerTrouble when no mail server is left that is not in trouble."""
    relays = read_relays(settings.MAIL_URL)
    # With all of them in trouble, the broadcast's own pauses say when to try.
    usable = (without_trouble(relays, timezone.now()) if len(relays) > 1 else None) or relays
    limits = Limits(broadcast, usable)
    board = Switchboard(usable, open_line, settings.DELIVERING_CONNECTIONS, limits)
    try:
        with Lines(board.open_line, board.most) as lines:
            Sending(broadcast, compile_broadcast(broadcast), lines, limits).run(is_over)
    except MailServerTrouble as trouble:
        if trouble.relay:
            board.failed[trouble.relay] = str(trouble)
        if len(board.failed) == len(usable):
            raise
    finally:
        board.tell_others(timezone.now())
    return limits


def _has_due_rows(broadcast_id: int) -> bool:
    due = Delivery.objects.filter(broadcast=broadcast_id, broadcast__status__in=SENDING).due(timezone.now())
    return due.exists()
