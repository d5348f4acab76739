"""What is left to hand over, and what nobody can vouch for. The cost follows the backlog, never the whole log."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from broadcasts.delivering.claiming import SENDING
from broadcasts.models import UNDER_WAY, Attempt, Broadcast, Delivery

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
    due = Delivery.objects.filter(broadcast=OuterRef("pk")).due(now)
    starting = Q(status__in=[Status.SCHEDULED, Status.PREPARING], send_at__lte=now)
    found = Broadcast.objects.filter(starting | Q(Exists(due), status__in=SENDING)).select_related("broadcast_type")
    every = [_backlog(broadcast, now, is_counted=is_counted) for broadcast in found.order_by("pk")]
    return sorted(every, key=lambda one: one.due_since or now)


def _backlog(broadcast: Broadcast, now: datetime, *, is_counted: bool) -> Backlog:
    rows = Delivery.objects.filter(broadcast=broadcast).due(now)
    is_starting = broadcast.status in (Status.SCHEDULED, Status.PREPARING)
    oldest = (
        None if is_starting else rows.order_by("next_attempt_at").values_list("next_attempt_at", flat=True).first()
    )
    kind = broadcast.broadcast_type
    return Backlog(
        broadcast=broadcast.pk,
        name=str(broadcast),
        lane=EMERGENCY if kind is not None and kind.is_emergency else ORDINARY,
        due=0 if is_starting or not is_counted else rows.order_by()[: MOST_COUNTED + 1].count(),
        due_since=broadcast.send_at if is_starting else oldest,
        trouble=broadcast.trouble,
        trouble_since=broadcast.trouble_since,
    )


def doubts(now: datetime) -> list[Doubts]:
    return [*_tally(_in_doubt(now), is_open=True), *_tally(_unconfirmed(), is_open=False)]


def _in_doubt(now: datetime) -> QuerySet[Delivery]:
    """Marked before they left, and the worker that held them is gone."""
    return Delivery.objects.filter(state=Delivery.State.IN_DOUBT, lease_until__lt=now)


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
