"""A stop after so many refusals in a row: going on would mark more people and spoil our name with their servers."""

from datetime import datetime

from django.conf import settings
from django.db.models import F, Q

from broadcasts.delivering.ledger import Outcome
from broadcasts.delivering.putting_on_hold import hold
from broadcasts.models import Attempt, Broadcast
from broadcasts.results import Result

TELL_AFTER = 10
REFUSED = (Result.BOUNCED, Result.FAILED, Result.BLOCKED_BY_PROVIDER)


class Refusals:
    """Refusals of one broadcast since the last email that was accepted, of all its workers: about.

    Each worker counts on in the broadcast's row, and whoever counted there sets it back when an email is accepted.
    A deferral neither counts nor ends the row; an emergency is counted, for a warning, and never stopped.
    """

    def __init__(self, broadcast: Broadcast) -> None:
        self.broadcast_id = broadcast.pk
        self.may_stop = not broadcast.is_emergency
        self.has_counted = broadcast.refused_in_row > 0
        self.in_row, self.words, self.is_accepted = 0, "", False  # since the last `tell`

    @property
    def are_many(self) -> bool:
        """Not to be kept from the others."""
        return self.in_row >= TELL_AFTER

    def note(self, outcome: Outcome) -> None:
        if outcome.outcome == Attempt.Outcome.ACCEPTED:
            self.in_row, self.words, self.is_accepted = 0, "", True
        elif _is_refusal(outcome):
            self.in_row += 1
            self.words = f"{outcome.code or ''} {outcome.text}".strip()[:500]

    def tell(self, now: datetime) -> bool:
        """True when the broadcast is paused because of it."""
        in_row, is_accepted, self.in_row, self.is_accepted = self.in_row, self.is_accepted, 0, False
        if not in_row and not (is_accepted and self.has_counted):
            return False
        # What stopped it stays on its page, whatever is still heard of what was under way.
        broadcast = Broadcast.objects.filter(pk=self.broadcast_id, held_for=Broadcast.Hold.NONE)
        if is_accepted:
            broadcast.update(refused_in_row=in_row, last_refusal=self.words)
        else:
            broadcast.update(refused_in_row=F("refused_in_row") + in_row, last_refusal=self.words)
        self.has_counted = bool(in_row)
        most = settings.STOP_AFTER_FAILURES
        if not (in_row and most and self.may_stop):
            return False
        return hold(self.broadcast_id, Broadcast.Hold.REFUSED, now, only_if=Q(refused_in_row__gte=most))


def _is_refusal(outcome: Outcome) -> bool:
    """An unknown user counts too: fifty without one that exists are a wrong list, or a harvester's to the server."""
    return outcome.outcome == Attempt.Outcome.REFUSED and outcome.result in REFUSED
