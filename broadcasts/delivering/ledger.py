"""What a worker writes about its rows: the mark before a message leaves, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Case, F, Value, When

from broadcasts.models import Attempt, Delivery
from broadcasts.results import STILL_TRYING, Result, raised_to

State = Delivery.State


@dataclass(frozen=True)
class Outcome:
    """What one attempt came to. `result` None: the server accepted responsibility only for silence (in doubt)."""

    attempt: Attempt
    next_attempt_at: datetime | None = None
    note: str = ""


@transaction.atomic
def mark_in_doubt(token: UUID, delivery: Delivery, now: datetime, outcomes: Sequence[Outcome]) -> bool:
    """Write what is known so far and, in the same commit, that this row's message is about to leave.

    False: the row is no longer ours (the lease ran out and somebody else may have sent it) or needs no email any
    more (a report came in); then it must not be sent.
    """
    write_outcomes(token, outcomes)
    ours = Delivery.objects.filter(pk=delivery.pk, lease_token=token, lease_until__gt=now, result__in=STILL_TRYING)
    marked = ours.update(state=State.IN_DOUBT, attempts=F("attempts") + 1, last_attempt_at=now)
    delivery.attempts += marked
    return marked == 1


@transaction.atomic
def write_outcomes(token: UUID, outcomes: Sequence[Outcome]) -> None:
    """Each row by a conditional update: a worker whose lease was given to another writes nothing."""
    attempts = []
    for outcome in outcomes:
        attempt = outcome.attempt
        ours = Delivery.objects.filter(pk=attempt.delivery_id, lease_token=token)
        result = Result(attempt.result) if attempt.result is not None else Result.UNSENT
        # A report that overtook the server's own answer has settled the row: no further attempt.
        again = outcome.next_attempt_at
        due = Case(When(result__in=STILL_TRYING, then=Value(again)), default=None) if again else None
        if ours.update(
            state=State.IDLE,
            lease_token=None,
            lease_until=None,
            next_attempt_at=due,
            attempts=attempt.number,
            last_attempt_at=attempt.at,
            note=outcome.note,
            result=raised_to(result),
        ):
            attempts.append(attempt)
    Attempt.objects.bulk_create(attempts)
