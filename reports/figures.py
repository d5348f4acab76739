"""How broadcasts were read, counted from their rows. Whoever can know it cheaper changes this function only."""

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Count, Exists, OuterRef

from broadcasts.models import Delivery
from broadcasts.results import Result
from tracking.models import Event

# Many servers never confirm: without Sent, whoever did not open would not be counted at all.
HANDED_OVER = (Result.SENT, Result.DELIVERED, Result.OPENED)


@dataclass(frozen=True, slots=True)
class Figures:
    emails: int = 0
    opened: int = 0
    automatic: int = 0


def figures_of(broadcasts: Collection[int]) -> dict[int, Figures]:
    """Per number of a broadcast; those without any such row have zeros."""
    by_result = _by_result(broadcasts)
    automatic = _opened_by_mailbox(broadcasts)
    return {
        pk: Figures(
            sum(by_result.get((pk, result), 0) for result in HANDED_OVER),
            by_result.get((pk, Result.OPENED), 0),
            automatic.get(pk, 0),
        )
        for pk in broadcasts
    }


def _by_result(broadcasts: Collection[int]) -> dict[tuple[int, int], int]:
    rows = Delivery.objects.filter(broadcast__in=broadcasts, result__in=HANDED_OVER).order_by()
    counted = rows.values_list("broadcast", "result").annotate(Count("pk"))
    return {(broadcast, result): count for broadcast, result, count in counted}


def _opened_by_mailbox(broadcasts: Collection[int]) -> dict[int, int]:
    """Those that a mailbox opened ahead of time and nobody after it."""
    fetched = Event.objects.filter(
        delivery=OuterRef("pk"), kind=Event.Kind.OPENED, label=Event.Label.AUTOMATIC
    ).order_by()
    unread = [result for result in HANDED_OVER if result != Result.OPENED]
    rows = Delivery.objects.filter(Exists(fetched), broadcast__in=broadcasts, result__in=unread)
    return dict(rows.order_by().values_list("broadcast").annotate(Count("pk")))
