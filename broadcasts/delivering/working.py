"""What a worker does with a broadcast: prepare it when it is time, then send what is due."""

import time
from collections.abc import Callable

from django.utils import timezone
from django.utils.translation import gettext as _

from broadcasts.composing.compiling import compile_broadcast
from broadcasts.delivering.claiming import SENDING, claim_batch
from broadcasts.delivering.sending import BatchSender, OurFault
from broadcasts.delivering.smtp import InDoubt, MailServerTrouble, SmtpConnection
from broadcasts.delivering.sweeping import finish_broadcast
from broadcasts.delivering.transports import open_connection
from broadcasts.delivering.trouble import note_trouble
from broadcasts.models import Broadcast, Delivery
from broadcasts.preparing.preparing import announce_preparing, prepare_deliveries

BATCH = 50
LONGEST_SHIFT_SECONDS = 5


def work_on(broadcast_id: int) -> None:
    """Prepare if it is time, then send until nothing is due or the shift is over."""
    announce_preparing(broadcast_id, timezone.now())
    prepare_deliveries(broadcast_id)
    deliver_due(broadcast_id, shift())


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
    """Connection after connection. A server that twice in a row takes an email without a word is in trouble."""
    silences = 0
    while not is_over():
        with open_connection() as connection:
            try:
                if not _send_over(connection, broadcast_id, is_over):
                    finish_broadcast(broadcast_id)
                    return False
                silences = 0
            except InDoubt as doubt:
                silences = 1 if connection.messages else silences + 1
                if silences > 1:
                    raise MailServerTrouble(_("The mail server takes emails without saying so.")) from doubt
    return True


def _send_over(connection: SmtpConnection, broadcast_id: int, is_over: Callable[[], bool]) -> bool:
    """Batch after batch over this connection. False: nothing is due any more. True: go on with a new connection."""
    broadcast = Broadcast.objects.select_related("school", "sender", "broadcast_type").get(pk=broadcast_id)
    sender = BatchSender(broadcast, compile_broadcast(broadcast), connection)
    while not is_over():
        batch = claim_batch(broadcast_id, BATCH, timezone.now())
        if not batch.deliveries:
            return _has_due_rows(broadcast_id)  # a whole batch may have been on the Blocked Email list
        try:
            sender.send(batch)
        except OurFault:
            raise
        except MailServerTrouble:
            if not connection.answers:
                raise
            return True  # many servers close a connection after so many messages
    return True


def _has_due_rows(broadcast_id: int) -> bool:
    due = Delivery.objects.filter(broadcast=broadcast_id, broadcast__status__in=SENDING).due(timezone.now())
    return due.exists()
