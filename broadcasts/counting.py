"""The ten counts of whole broadcasts, read from the counts that the database keeps (`keeping_counts.py`)."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from django.db.models import Sum

from broadcasts.among import among
from broadcasts.models import Broadcast, ResultCount
from broadcasts.results import by_label


def count_broadcast(broadcast: Broadcast) -> dict[str, int]:
    """All ten labels with their counts; they add up to its rows."""
    return counts_by_broadcast([broadcast])[broadcast.pk]


def count_all(broadcasts: Collection[int] | None) -> dict[str, int]:
    """The same of all these broadcasts together, by their numbers; None: of all there are."""
    parts = (
        ResultCount.objects.all()
        if broadcasts is None
        else ResultCount.objects.filter(among("broadcast", broadcasts))
    )
    return by_label(dict(parts.order_by().values_list("result").annotate(Sum("count"))))


def counts_by_broadcast(broadcasts: Iterable[Broadcast]) -> dict[int, dict[str, int]]:
    """Per broadcast's number all ten labels in the design's order, in one query; each adds up to its rows."""
    return {number: by_label(codes) for number, codes in codes_by_broadcast(broadcasts).items()}


def codes_by_broadcast(broadcasts: Iterable[Broadcast]) -> dict[int, Mapping[int, int]]:
    """The same by stored code, without those that no row has. One statement, so that all are of one moment."""
    numbers = [broadcast.pk for broadcast in broadcasts]
    found: dict[int, dict[int, int]] = defaultdict(dict)
    parts = ResultCount.objects.filter(broadcast__in=numbers).order_by().values_list("broadcast_id", "result")
    for number, code, count in parts.annotate(Sum("count")):
        if count:
            found[number][code] = count
    return {number: found[number] for number in numbers}
