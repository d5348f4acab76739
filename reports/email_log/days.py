"""Days of the Email Log: a day begins when it begins at the row's school."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Exists, F, OuterRef, QuerySet

from broadcasts.models import Broadcast, Delivery, School
from broadcasts.results import Result
from reports.email_log.streams import Arm, Cell, take
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
    # No row was tried before its broadcast was prepared.
    possible = [pk for pk, at in numbers.items() if at and (end is None or at < end)]
    return Days(None if is_only else list(numbers), begin, end, within, possible)


def within_days(days: Iterable[Days], broadcasts: Sequence[int] | None) -> list[int]:
    """Of these broadcasts (None: of all) those that may have a row within the days."""
    found: set[int] = set()
    for each in days:
        older = set(each.possible) - set(each.started_within)
        found |= set(each.started_within)
        found |= _tried_since(older, each.first) if each.first else older
    return sorted(found if broadcasts is None else found.intersection(broadcasts))


def _tried_since(broadcasts: Collection[int], moment: datetime) -> set[int]:
    """Settled rows are asked for the last one of each broadcast and result; one that is not settled may be any."""
    if not broadcasts or connection.vendor != "postgresql":
        return set(broadcasts)
    left = Delivery.objects.filter(broadcast=OuterRef("pk"), is_settled=False)
    changing = Broadcast.objects.filter(Exists(left), pk__in=broadcasts).values_list("pk", flat=True)
    cells = [Cell(pk, int(code), pk) for pk in broadcasts for code in Result]
    tried = Delivery.objects.filter(settled_last_attempt_at__isnull=False, is_settled=True)
    arm = Arm(tried, F("settled_last_attempt_at"), "settled_result", is_bounded=False)
    latest = take(cells, [arm], falls=True, of_each=1)
    return set(changing) | {pk for pk, at, _ in latest if at >= moment}
