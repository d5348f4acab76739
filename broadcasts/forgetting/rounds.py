"""Following the rules: what they would remove, and removing it, once a day, by whichever worker is asked."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import DatabaseError, transaction
from django.utils import timezone

from broadcasts import audit
from broadcasts.forgetting.also import LOOSE, Loose
from broadcasts.forgetting.anonymous import shared_domains
from broadcasts.forgetting.deliveries import LEVELS, ROWS_AT_ONCE, begin, count_rows_left, due_broadcasts, remove_some
from broadcasts.forgetting.rules import Kind, Scope, scopes, scopes_in_force
from broadcasts.models import Broadcast, RetentionRound, RetentionRule

EVERY = timedelta(days=1)
# A worker that was asked so long ago and has not ended is gone, or the queue has lost the question.
PATIENCE = timedelta(minutes=10)
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Line:
    """What a rule would remove: `rows` of the Email Log, or of what belongs to no broadcast."""

    scope: Scope
    broadcasts: int
    rows: int


def forecast(now: datetime) -> list[Line]:
    """The dry run: also of rules that begin only tomorrow. It changes nothing and reads no row of the log."""
    return [_expect(scope, now) for scope in scopes()]


def _expect(scope: Scope, now: datetime) -> Line:
    if scope.kind in LEVELS:
        due = due_broadcasts(scope, now)
        return Line(scope, due.count(), count_rows_left(due, scope.kind))
    return Line(scope, 0, sum(loose.count(scope.until(now)) for loose in LOOSE[scope.kind]))


def follow_rules(
    now: datetime, stop: Callable[[], bool] = lambda: False, *, at_once: bool = False, most: int = ROWS_AT_ONCE
) -> bool:
    """Remove what is due, some rows at a time. False: it was stopped before the end, and may go on any time.

    `at_once`: rules that are not a day old too.
    """
    for scope in scopes() if at_once else scopes_in_force(now):
        for _transaction in _remove(scope, now, most):
            if stop():
                return False
    return True


def _remove(scope: Scope, now: datetime, most: int) -> Iterator[None]:
    """It pauses after each transaction. What fails is logged, and the rest goes on."""
    if scope.kind not in LEVELS:
        yield from _remove_loose(scope, now, most)
        return
    for broadcast in due_broadcasts(scope, now):
        try:
            yield from _remove_from(broadcast, scope, now, most)
        except DatabaseError:
            said = {"broadcast": broadcast.pk}
            log.exception("Broadcast %s: what is older than its rule was not removed", broadcast.pk, extra=said)


def _remove_from(broadcast: Broadcast, scope: Scope, now: datetime, most: int) -> Iterator[None]:
    removal = begin(broadcast, scope, now)
    if removal is None:
        return
    domains = shared_domains(broadcast) if scope.kind == Kind.ADDRESSES else ()
    while remove_some(removal.pk, domains, most):
        yield
    yield


def _remove_loose(scope: Scope, now: datetime, most: int) -> Iterator[None]:
    for loose in LOOSE[scope.kind]:
        while _remove_some_of(loose, scope, now, most):
            yield


@transaction.atomic
def _remove_some_of(loose: Loose, scope: Scope, now: datetime, most: int) -> int:
    rows = loose.remove(scope.until(now), most)
    if rows:
        audit.record(None, f"{scope.kind}.removed", scope.rule, rows=rows, days=scope.days)
    return rows


# --- once a day ---------------------------------------------------------------------------------------------


def rounds_to_ask_for(now: datetime) -> list[int]:
    """The round, when a worker is to be asked for it; being asked is noted. Without rules there is none."""
    current = RetentionRound.objects.first()
    if (current and not _is_due(current, now)) or not RetentionRule.objects.exists():
        return []
    current = current or RetentionRound.objects.get_or_create(pk=1, defaults={"begun_at": now})[0]
    # Of several sweepers one asks.
    ours = RetentionRound.objects.filter(pk=current.pk, asked_at=current.asked_at)
    begun_at = now if current.ended_at else current.begun_at
    return [current.pk] if ours.update(asked_at=now, begun_at=begun_at, ended_at=None) else []


def _is_due(current: RetentionRound, now: datetime) -> bool:
    if current.ended_at:
        return current.begun_at <= now - EVERY
    return current.asked_at is None or current.asked_at < now - PATIENCE


def work_on_round(round_id: int, stop: Callable[[], bool]) -> bool:
    """A shift of it. False: there is more to do."""
    now = timezone.now()
    mine = RetentionRound.objects.filter(pk=round_id, ended_at=None)
    if not mine.update(asked_at=now):
        return True
    if not follow_rules(now, stop):
        return False
    mine.update(ended_at=timezone.now())
    return True
