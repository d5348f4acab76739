"""One round of counting: the broadcasts that changed since they were counted, and no others.

Years of broadcasts do not change any more, so the page reads a small row of each. What can change a figure is an
event, or a worker that is at the broadcast; both leave a trace that is looked for here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from broadcasts.models import Broadcast
from broadcasts.templatetags.messenger import localtime
from reports.figures import Figures, figures_of
from reports.models import BroadcastFigures, CountingRound
from tracking.models import Event

PAUSE = timedelta(seconds=20)
LEASE = timedelta(minutes=10)
FRESH = timedelta(minutes=5)
# An event may become visible after one with a higher number: what is younger is looked at once more.
SETTLED = timedelta(minutes=5)
# From taking up a row to writing down what came of it: the server's last reply may take ten minutes.
WORK = timedelta(minutes=15)
AT_ONCE = 20


@dataclass(frozen=True)
class Freshness:
    counted_at: datetime | None
    is_old: bool


def freshness(now: datetime) -> Freshness:
    """When the last round ended; old when a reader should be told that another one is on its way."""
    ended = CountingRound.objects.values_list("ended_at", flat=True).first()
    return Freshness(ended, is_old=ended is None or ended < now - FRESH)


def is_round_due(now: datetime) -> bool:
    return CountingRound.objects.filter(_free(now)).exists() or not CountingRound.objects.exists()


def _free(now: datetime) -> Q:
    nobody = Q(until__isnull=True) | Q(until__lt=now)
    return nobody & (Q(ended_at__isnull=True) | Q(ended_at__lte=now - PAUSE))


def count_what_changed(now: datetime) -> int:
    """How many broadcasts were counted. Of two at once, one counts; after a round there is a pause."""
    CountingRound.objects.get_or_create(pk=1)
    if not CountingRound.objects.filter(_free(now), pk=1).update(until=now + LEASE):
        return 0
    mark_changed(now)
    waiting = list(changed().order_by("-pk").values_list("pk", flat=True))
    for part in _parts(waiting):
        count(part)
        CountingRound.objects.filter(pk=1).update(until=timezone.now() + LEASE)
    CountingRound.objects.filter(pk=1).update(until=None, ended_at=timezone.now())
    return len(waiting)


def _parts(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(numbers), AT_ONCE):
        yield numbers[start : start + AT_ONCE]


def changed() -> QuerySet[Broadcast]:
    prepared = Broadcast.objects.filter(prepared_at__isnull=False).alias(zone=F("school__time_zone"))
    return prepared.filter(
        Q(figures__isnull=True)
        | Q(figures__is_changed=True)
        | Q(worked_on_at__gt=F("figures__counted_at") - WORK)
        | ~Q(zone=F("figures__zone"))  # an administrator has put it right
    )


@transaction.atomic
def mark_changed(now: datetime) -> None:
    """Broadcasts of which something was heard since the last round."""
    last = CountingRound.objects.get(pk=1).last_event
    news = Event.objects.filter(pk__gt=last).order_by()
    if BroadcastFigures.objects.exists():
        BroadcastFigures.objects.filter(broadcast__in=news.values("delivery__broadcast")).update(is_changed=True)
    settled = news.filter(recorded_at__lt=now - SETTLED).order_by("-pk").values_list("pk", flat=True).first()
    if settled is not None:
        CountingRound.objects.filter(pk=1).update(last_event=settled)


def count(broadcasts: Sequence[int]) -> None:
    now, figures = timezone.now(), figures_of(broadcasts)
    found = Broadcast.objects.filter(pk__in=broadcasts, prepared_at__isnull=False).select_related("school")
    BroadcastFigures.objects.bulk_create(
        [_row(each, figures[each.pk], now) for each in found],
        update_conflicts=True,
        unique_fields=["broadcast"],
        update_fields=["zone", "day", "hour", "emails", "opened", "automatic", "counted_at", "is_changed"],
    )


def _row(broadcast: Broadcast, figures: Figures, now: datetime) -> BroadcastFigures:
    began = localtime(broadcast.prepared_at or now, broadcast.school)
    return BroadcastFigures(
        broadcast=broadcast,
        school=broadcast.school,
        kind_id=cast("int", broadcast.broadcast_type_id),  # what is prepared has both
        sender_id=cast("int", broadcast.sender_id),
        zone=broadcast.school.time_zone,
        day=began.date(),
        hour=began.hour,
        emails=figures.emails,
        opened=figures.opened,
        automatic=figures.automatic,
        counted_at=now,
    )
