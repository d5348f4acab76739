"""Days of the Email Log: a day begins when it begins at the row's school."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from broadcasts.models import Broadcast, School
from reports.email_log.wanted import Days


def days_of(
    broadcasts: QuerySet[Broadcast], schools: Iterable[School], first: date | None, last: date | None
) -> list[Days]:
    """From the first day to the end of the last one, for each clock that these schools go by."""
    if not (first or last):
        return []
    clocks: dict[str, list[int]] = defaultdict(list)
    for school in schools:
        clocks[school.time_zone].append(school.pk)
    return [
        _on_clock(broadcasts.filter(school__in=pks), ZoneInfo(zone), first, last, is_only=len(clocks) == 1)
        for zone, pks in clocks.items()
    ]


def _on_clock(
    broadcasts: QuerySet[Broadcast], clock: ZoneInfo, first: date | None, last: date | None, *, is_only: bool
) -> Days:
    begin = datetime.combine(first, time.min, clock) if first else None
    end = datetime.combine(last + timedelta(days=1), time.min, clock) if last else None
    numbers = dict(broadcasts.order_by().values_list("pk", "prepared_at"))
    within = [pk for pk, at in numbers.items() if at and (begin is None or at >= begin) and (end is None or at < end)]
    return Days(None if is_only else list(numbers), begin, end, within)
