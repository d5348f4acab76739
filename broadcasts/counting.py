"""The ten counts of several broadcasts at once."""

from collections import defaultdict
from collections.abc import Iterable

from django.db.models import Count

from broadcasts.models import Broadcast, Delivery
from broadcasts.results import by_label


def counts_by_broadcast(broadcasts: Iterable[Broadcast]) -> dict[int, dict[str, int]]:
    """Per broadcast's number all ten labels in the design's order, in one query; each adds up to its rows."""
    numbers = [broadcast.pk for broadcast in broadcasts]
    found: dict[int, dict[int, int]] = defaultdict(dict)
    rows = Delivery.objects.filter(broadcast__in=numbers).order_by().values_list("broadcast_id", "result")
    for number, code, count in rows.annotate(Count("pk")):
        found[number][code] = count
    return {number: by_label(found[number]) for number in numbers}
