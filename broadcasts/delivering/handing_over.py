"""By which way the emails of a broadcast leave: the mail servers of MAIL_URL, or a provider's API."""

import logging
from collections.abc import Callable

from django.conf import settings
from django.utils import timezone

from broadcasts.composing.compiling import compile_broadcast
from broadcasts.delivering.holding import Holding
from broadcasts.delivering.limits import Limits
from broadcasts.delivering.lines import Lines
from broadcasts.delivering.naming_relays import read_relays
from broadcasts.delivering.providers.sending import ProviderSending
from broadcasts.delivering.providers.table import Provider, chosen_provider
from broadcasts.delivering.relays import Switchboard, without_trouble
from broadcasts.delivering.sending import Sending
from broadcasts.delivering.transports import open_line
from broadcasts.delivering.trouble import MailServerTrouble
from broadcasts.models import Broadcast

log = logging.getLogger(__name__)


def hand_over(broadcast: Broadcast, is_over: Callable[[], bool]) -> Limits:
    """What is due, until the shift is over; how far the limits went. Raises MailServerTrouble."""
    provider = chosen_provider()
    return _by_provider(broadcast, provider, is_over) if provider else _over_relays(broadcast, is_over)


def _by_provider(broadcast: Broadcast, provider: Provider, is_over: Callable[[], bool]) -> Limits:
    limits = Limits(broadcast, [])
    with ProviderSending(broadcast, compile_broadcast(broadcast), provider, limits) as sending:
        _run(sending, is_over)
    return limits


def _over_relays(broadcast: Broadcast, is_over: Callable[[], bool]) -> Limits:
    """Raises MailServerTrouble when no mail server is left that is not in trouble."""
    relays = read_relays(settings.MAIL_URL)
    # With all of them in trouble, the broadcast's own pauses say when to try.
    usable = (without_trouble(relays, timezone.now()) if len(relays) > 1 else None) or relays
    limits = Limits(broadcast, usable)
    board = Switchboard(usable, open_line, settings.DELIVERING_CONNECTIONS, limits)
    board.are_all = len(usable) == len(relays)
    try:
        with Lines(board.open_line, board.most, board.open_for_utf8) as lines:
            _run(Sending(broadcast, compile_broadcast(broadcast), lines, limits), is_over)
    except MailServerTrouble as trouble:
        if trouble.relay:
            board.failed[trouble.relay] = str(trouble)
        if len(board.failed) == len(usable):
            raise
    finally:
        board.tell_others(timezone.now())
    return limits


def _run(sending: Holding, is_over: Callable[[], bool]) -> None:
    try:
        sending.run(is_over)
    finally:
        if sending.counts:
            tell("a shift of sending", sending.broadcast.pk, **sending.counts)


def tell(what: str, broadcast_id: int, **counts: int) -> None:
    """Figures only: who is written to is for the Email Log alone."""
    said = {"broadcast": broadcast_id, "counts": counts}
    log.info("Broadcast %s: %s %s", broadcast_id, what, counts or "", extra=said)
