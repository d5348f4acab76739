"""What a worker does with a broadcast: prepare it when it is time, then send what is due."""

import logging
import time
from collections.abc import Callable

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from broadcasts.composing.compiling import compile_broadcast
from broadcasts.delivering.claiming import SENDING, has_rows_to_send
from broadcasts.delivering.holding import Holding
from broadcasts.delivering.lines import Lines
from broadcasts.delivering.providers.sending import ProviderSending
from broadcasts.delivering.providers.table import chosen_provider
from broadcasts.delivering.sending import Sending
from broadcasts.delivering.sweeping import finish_broadcast
from broadcasts.delivering.transports import open_line
from broadcasts.delivering.trouble import MailServerTrouble, note_trouble
from broadcasts.models import Broadcast, Delivery
from broadcasts.preparing.preparing import announce_preparing, prepare_deliveries

LONGEST_SHIFT_SECONDS = 5
log = logging.getLogger(__name__)


def work_on(broadcast_id: int) -> None:
    """Prepare if it is time, then send until nothing is due or the shift is over."""
    if announce_preparing(broadcast_id, timezone.now()):
        _tell("preparing", broadcast_id)
    if prepare_deliveries(broadcast_id):
        _tell("prepared, sending starts", broadcast_id, rows=Delivery.objects.filter(broadcast=broadcast_id).count())
    deliver_due(broadcast_id, shift())


def shift(seconds: float = LONGEST_SHIFT_SECONDS) -> Callable[[], bool]:
    """Short, so that a worker can stop, and so that other broadcasts get their turn."""
    end = time.monotonic() + seconds
    return lambda: time.monotonic() >= end


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
    compiled, provider = compile_broadcast(broadcast), chosen_provider()
    if provider:
        with ProviderSending(broadcast, compiled, provider) as asking:
            _run(asking, is_over)
    else:
        with Lines(open_line, settings.DELIVERING_CONNECTIONS) as lines:
            _run(Sending(broadcast, compiled, lines), is_over)
    # A whole batch may have been on the Blocked Email list.
    if _has_rows_to_send(broadcast_id):
        return True
    finish_broadcast(broadcast_id)
    return False


def _run(sending: Holding, is_over: Callable[[], bool]) -> None:
    try:
        sending.run(is_over)
    finally:
        if sending.counts:
            _tell("a shift of sending", sending.broadcast.pk, **sending.counts)


def _has_rows_to_send(broadcast_id: int) -> bool:
    return Broadcast.objects.filter(has_rows_to_send(timezone.now()), pk=broadcast_id, status__in=SENDING).exists()


def _tell(what: str, broadcast_id: int, **counts: int) -> None:
    """Figures only: who is written to is for the Email Log alone."""
    said = {"broadcast": broadcast_id, "counts": counts}
    log.info("Broadcast %s: %s %s", broadcast_id, what, counts or "", extra=said)
