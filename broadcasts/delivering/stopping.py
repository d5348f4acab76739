"""A stop after so many refusals in a row: going on would mark more people and spoil our name with their servers."""

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.db.models import F, Q

from broadcasts.delivering.holding import hold
from broadcasts.delivering.ledger import Outcome
from broadcasts.models import Attempt, Broadcast
from broadcasts.results import Result

REFUSED = (Result.BOUNCED, Result.FAILED, Result.BLOCKED_BY_PROVIDER)


class Refusals:
    """Refusals of one broadcast since the last email that was accepted, of all its workers: about.

    Each worker counts on in the broadcast's row, and whoever counted there sets it back when an email is accepted.
    A deferral neither counts nor ends the row; an emergency is counted, for a warning, and never stopped.
    """

    def __init__(self, broadcast: Broadcast) -> None:
        kind = broadcast.broadcast_type
        self.broadcast_id = broadcast.pk
        self.may_stop = not (kind is not None and kind.is_emergency)
        self.has_counted = broadcast.refused_in_row > 0

    def note(self, outcomes: Sequence[Outcome], now: datetime) -> bool:
        """True when the broadcast is paused because of it."""
        refusals = [outcome for outcome in outcomes if _is_refusal(outcome)]
        is_accepted = any(outcome.outcome == Attempt.Outcome.ACCEPTED for outcome in outcomes)
        broadcast = Broadcast.objects.filter(pk=self.broadcast_id)
        if is_accepted and self.has_counted:
            broadcast.update(refused_in_row=0, last_refusal="")
            self.has_counted = False
        if is_accepted or not refusals:
            return False
        said = refusals[-1]
        broadcast.update(
            refused_in_row=F("refused_in_row") + len(refusals), last_refusal=f"{said.code or ''} {said.text}"[:500]
        )
        self.has_counted = True
        most = settings.STOP_AFTER_FAILURES
        if not (most and self.may_stop):
            return False
        return hold(self.broadcast_id, Broadcast.Hold.REFUSED, now, only_if=Q(refused_in_row__gte=most))


def _is_refusal(outcome: Outcome) -> bool:
    """An unknown user counts too: fifty without one that exists are a wrong list, or a harvester's to the server."""
    return outcome.outcome == Attempt.Outcome.REFUSED and outcome.result in REFUSED
