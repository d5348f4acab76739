"""How many rows of a broadcast have which result, by what only their people know: counted before these go."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import Count, QuerySet

from broadcasts.models import Broadcast, Delivery, Removal, RetentionRule

Counts = dict[Any, dict[int, int]]


def count_schools(broadcast: Broadcast) -> Counts:
    """By the key of each person's home school; None: nobody knows."""
    kept = _kept(broadcast, "schools")
    if kept is not None:
        return {int(school) if school else None: codes for school, codes in kept.items()}
    return count_rows(broadcast.deliveries.order_by(), "person__school")


def count_grades(broadcast: Broadcast) -> Counts:
    """Guardians count in the grade of each of their students."""
    kept = _kept(broadcast, "grades")
    if kept is not None:
        return kept
    rows = broadcast.deliveries.order_by()
    own = count_rows(rows.exclude(person__grade=""), "person__grade")
    return merge_counts([own, count_rows(rows.filter(person__grade=""), "person__wards__student__grade")])


def groups_to_keep(broadcast: Broadcast) -> dict[str, Any]:
    schools = {school or "": codes for school, codes in count_schools(broadcast).items()}
    return {"schools": schools, "grades": count_grades(broadcast)}


def count_rows(rows: QuerySet[Delivery], key: str, **added: Any) -> Counts:
    found: Counts = defaultdict(dict)
    for name, code, count in rows.annotate(**added).values_list(key, "result").annotate(Count("pk")):
        found[name or ""][code] = count
    return found


def merge_counts(parts: Iterable[Mapping[Any, Mapping[int, int]]]) -> Counts:
    merged: Counts = defaultdict(lambda: defaultdict(int))
    for part in parts:
        for name, codes in part.items():
            for code, count in codes.items():
                merged[name][code] += count
    return merged


def _kept(broadcast: Broadcast, what: str) -> Counts | None:
    removal = Removal.objects.filter(broadcast=broadcast, kind=RetentionRule.Kind.ADDRESSES).first()
    if removal is None:
        return None
    return {name: {int(code): count for code, count in codes.items()} for name, codes in removal.groups[what].items()}
