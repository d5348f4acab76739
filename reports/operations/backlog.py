"""What is left to hand over, and what nobody can vouch for. The cost follows the backlog, never the whole log."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet
from django.utils import timezone

from broadcasts.among import among
from broadcasts.delivering.claiming import SENDING, has_rows_to_send
from broadcasts.delivering.clock import lease_clock
from broadcasts.models import UNDER_WAY, Attempt, Broadcast, Delivery, Lease

EMERGENCY, ORDINARY = "emergency", "broadcast"
LANES = (EMERGENCY, ORDINARY)  # as the queues are called
# Beyond this the exact number changes nothing about what to do.
MOST_COUNTED = 10_000
Status = Broadcast.Status


@dataclass(frozen=True, slots=True)
class Backlog:
    """One broadcast with something due."""

    broadcast: int
    name: str
    lane: str
    due: int  # emails, at most MOST_COUNTED + 1; 0 when it was not counted
    due_since: datetime | None
    trouble: str
    trouble_since: datetime | None


@dataclass(frozen=True, slots=True)
class Doubts:
    """Emails of one broadcast that left, perhaps: no server has said so."""

    broadcast: int
    rows: int
    since: datetime | None
    is_open: bool  # it waits for reports and is then sent again; otherwise it stays as it is


def backlogs(now: datetime, *, is_counted: bool = True) -> list[Backlog]:
    """Broadcasts with something due, whichever waits longest first. Counting is what costs."""
    starting = Q(status__in=[Status.SCHEDULED, Status.PREPARING], send_at__lte=now)
    sending = Q(has_rows_to_send(now), status__in=SENDING)
    found = Broadcast.objects.filter(starting | sending).select_related("broadcast_type")
    every = [_backlog(broadcast, now, is_counted=is_counted) for broadcast in found.order_by("pk")]
    return sorted(every, key=lambda one: one.due_since or now)


def _backlog(broadcast: Broadcast, now: datetime, *, is_counted: bool) -> Backlog:
    is_starting = broadcast.status in (Status.SCHEDULED, Status.PREPARING)
    return Backlog(
        broadcast=broadcast.pk,
        name=str(broadcast),
        lane=EMERGENCY if broadcast.is_emergency else ORDINARY,
        due=0 if is_starting or not is_counted else _count_due(broadcast, now),
        due_since=broadcast.send_at if is_starting else _due_since(broadcast, now),
        trouble=broadcast.trouble,
        trouble_since=broadcast.trouble_since,
    )


def _due_since(broadcast: Broadcast, now: datetime) -> datetime | None:
    """Of first attempts, since they were prepared; of what a worker left behind, since it did."""
    again = Delivery.objects.filter(broadcast=broadcast).due(now).order_by("next_attempt_at")
    moments = [
        broadcast.prepared_at if broadcast.next_row is not None else None,
        _left_behind(broadcast, now).order_by("until").values_list("until", flat=True).first(),
        again.values_list("next_attempt_at", flat=True).first(),
    ]
    return min((moment for moment in moments if moment), default=None)


def _count_due(broadcast: Broadcast, now: datetime) -> int:
    most = MOST_COUNTED + 1
    rows = Delivery.objects.filter(broadcast=broadcast).order_by()
    count = rows.due(now)[:most].count()
    count += sum(map(len, _left_behind(broadcast, now).values_list("rows", flat=True)))
    if broadcast.next_row is not None:
        count += rows.filter(pk__gte=broadcast.next_row, state=Delivery.State.WAITING)[:most].count()
    return min(count, most)


def _left_behind(broadcast: Broadcast, now: datetime) -> QuerySet[Lease]:
    return Lease.objects.filter(broadcast=broadcast, is_open=True, until__lte=lease_clock(now))


def doubts(now: datetime) -> list[Doubts]:
    return [*_tally(_in_doubt(now), is_open=True), *_tally(_unconfirmed(), is_open=False)]


def _in_doubt(now: datetime) -> QuerySet[Delivery]:
    """Marked before they left, and the worker that held them is gone."""
    held = [
        pk for rows in Lease.objects.filter(until__lt=lease_clock(now)).values_list("rows", flat=True) for pk in rows
    ]
    return Delivery.objects.filter(among("pk", held), state=Delivery.State.IN_DOUBT)


def _unconfirmed() -> QuerySet[Delivery]:
    """Found by their attempts, of which few are in doubt: nothing in the log itself is indexed by its state."""
    doubted = Attempt.objects.filter(outcome=Attempt.Outcome.IN_DOUBT).values("delivery")
    return Delivery.objects.filter(pk__in=doubted, state=Delivery.State.UNCONFIRMED)


def _tally(rows: QuerySet[Delivery], *, is_open: bool) -> Iterator[Doubts]:
    since: dict[int, list[datetime]] = {}
    for broadcast, at in rows.order_by("broadcast").values_list("broadcast_id", "last_attempt_at")[:MOST_COUNTED]:
        since.setdefault(broadcast, []).append(at or timezone.now())
    for broadcast, moments in since.items():
        yield Doubts(broadcast, len(moments), min(moments), is_open)


def by_status() -> dict[str, int]:
    """Broadcasts under way; and how many of them are in trouble."""
    under_way = Broadcast.objects.filter(status__in=UNDER_WAY)
    found = list(under_way.order_by().values_list("status", "trouble_since"))
    counts = {str(status): sum(one == status for one, _ in found) for status in UNDER_WAY}
    return counts | {"trouble": sum(since is not None for _, since in found)}
