"""What others report about a delivery, applied to its row. Downstream's only way to change a result."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from broadcasts.among import among
from broadcasts.delivering.doubts import doubtful
from broadcasts.models import Attempt, Delivery
from broadcasts.results import STILL_TRYING, Result, raise_results, raised_in_sql

State = Delivery.State
IN_DOUBT = (State.UNCONFIRMED, State.IN_DOUBT)
_TABLE = Delivery._meta.db_table  # noqa: SLF001
_NAMED = f"FROM {_TABLE} WHERE id = ANY(%s::bigint[]) AND is_sendable"

# --- for statements of tracking that do all at once (PostgreSQL); each takes an array of keys ---------------

LOCK_IN_SQL = f"SELECT id {_NAMED} ORDER BY id FOR NO KEY UPDATE"
# `is_busy`: hearing of it may end a doubt or an attempt, which `apply_results` knows how to do.
# `keeps_words`: otherwise nothing that could name the recipient is to be stored about it any more.
STANDING_IN_SQL = (
    f"SELECT id, result, state <> {State.IDLE} OR next_attempt_at IS NOT NULL AS is_busy,"
    f" removed = {Delivery.Removed.NOTHING} AS keeps_words {_NAMED}"
)


def raise_in_sql(heard: str) -> str:
    """`heard`: a table of delivery_id and result. What is not busy needs no more than this."""
    greatest = f"SELECT delivery_id, MAX(result) AS result FROM {heard} GROUP BY delivery_id"  # noqa: S608
    return (
        f"UPDATE {_TABLE} AS stored SET {raised_in_sql('stored.result', 'greatest.result')} FROM ({greatest})"  # noqa: S608
        " AS greatest WHERE stored.id = greatest.delivery_id AND stored.result < greatest.result"
    )


# --- step by step -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Standing:
    """A row as it stands while we hold its lock: what it needs no update for, it gets none."""

    pk: int
    result: int
    state: int
    has_attempt_due: bool
    keeps_words: bool


def lock_deliveries(delivery_ids: Collection[int]) -> Mapping[int, Standing]:
    """Those that may carry an email, in primary key order, so that two transactions never wait in a circle."""
    rows = Delivery.objects.filter(among("pk", delivery_ids), is_sendable=True).order_by("pk")
    values = rows.select_for_update(no_key=True).values_list("pk", "result", "state", "next_attempt_at", "removed")
    return {
        pk: Standing(pk, result, state, due is not None or state == State.WAITING, not removed)
        for pk, result, state, due, removed in values
    }


@transaction.atomic
def apply_evidence(delivery_ids: Collection[int], result: Result) -> int:
    """Raise these deliveries to `result`; how many moved forward."""
    return apply_results(lock_deliveries(delivery_ids), {result: delivery_ids})


def apply_results(locked: Mapping[int, Standing], heard: Mapping[Result, Collection[int]]) -> int:
    """Raise each delivery to the greatest result heard of it; how many moved forward. Within a transaction.

    Whatever is reported proves that the server has the message, so a doubt that nobody is working on ends too;
    a final result also ends our own retries.
    """
    greatest = {pk: result for result in sorted(heard) for pk in heard[result] if pk in locked}
    changed = _raise(locked, greatest)
    named = [locked[pk] for pk in greatest]
    ended = {pk for result, ids in heard.items() if result not in STILL_TRYING for pk in ids}
    _end_doubts([row.pk for row in named if row.state in IN_DOUBT])
    due = [row.pk for row in named if row.has_attempt_due]
    # Also of rows that a worker holds: it will find that they need no email any more.
    _end_attempts([pk for pk in due if pk in ended])
    _end_repetitions([pk for pk in due if pk not in ended])
    return changed


def _raise(locked: Mapping[int, Standing], greatest: Mapping[int, Result]) -> int:
    rising: dict[Result, list[int]] = defaultdict(list)
    for pk, result in greatest.items():
        if locked[pk].result < result:
            rising[result].append(pk)
    return sum(raise_results(Delivery.objects.filter(among("pk", ids)), result) for result, ids in rising.items())


def _end_doubts(ids: Collection[int]) -> None:
    if ids:
        Delivery.objects.filter(doubtful(timezone.now()), pk__in=ids).update(
            state=State.IDLE, lease_token=None, next_attempt_at=None
        )


def _end_attempts(ids: Collection[int]) -> None:
    if ids:
        rows = Delivery.objects.filter(pk__in=ids)
        rows.update(next_attempt_at=None)
        rows.filter(state=State.WAITING).update(state=State.IDLE)


def _end_repetitions(ids: Collection[int]) -> None:
    """An attempt that is due only because nobody could vouch for the last one."""
    if ids:
        repeated = Attempt.objects.filter(
            delivery=OuterRef("pk"), number=OuterRef("attempts"), outcome=Attempt.Outcome.IN_DOUBT
        )
        rows = Delivery.objects.filter(Exists(repeated), pk__in=ids, state__in=[State.IDLE, State.WAITING])
        rows.update(next_attempt_at=None, state=State.IDLE)


def note_late_bounce(delivery_id: int, at: datetime, reason: str) -> None:
    """A failure after Delivered or Opened: the result stays, the page shows both.

    The caller names the first one of all it knows; what it says last counts.
    """
    Delivery.objects.filter(pk=delivery_id).update(late_bounce_at=at, late_bounce_reason=reason[:500])
