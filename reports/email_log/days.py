"""Days of the Email Log: a day begins when it begins at the row's school.

Most broadcasts lie within some days with all their rows, or with none. Only for the others rows are looked at.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Exists, F, OuterRef, QuerySet

from broadcasts.models import Broadcast, Delivery, School
from broadcasts.results import Result
from reports.email_log.streams import Arm, Cell, take
from reports.email_log.wanted import Days, Wanted


def within_days(
    wanted: Wanted, visible: QuerySet[Broadcast], schools: Iterable[School], first: date | None, last: date | None
) -> Wanted:
    """The same rows, from the first day to the end of the last one, on the clock of each school."""
    if not (first or last):
        return wanted
    if wanted.broadcasts is not None:
        visible = visible.filter(pk__in=wanted.broadcasts)
    clocks: dict[str, list[int]] = defaultdict(list)
    for school in schools:
        clocks[school.time_zone].append(school.pk)
    whole: list[int] = []
    partly = []
    for zone, pks in clocks.items():
        at_schools = visible.filter(school__in=pks).order_by().values_list("pk", "prepared_at")
        begun = {pk: at for pk, at in at_schools if at}
        all_within, some_within = _on_clock(begun, ZoneInfo(zone), first, last)
        whole += all_within
        partly += [some_within] if some_within.broadcasts else []
    broadcasts = sorted([*whole, *(pk for days in partly for pk in days.broadcasts)])
    return replace(wanted, broadcasts=broadcasts, whole=sorted(whole) if partly else (), days=partly)


def _on_clock(
    begun: Mapping[int, datetime], clock: ZoneInfo, first: date | None, last: date | None
) -> tuple[list[int], Days]:
    """Those with all their rows within, and those with some."""
    begin = datetime.combine(first, time.min, clock) if first else None
    end = datetime.combine(last + timedelta(days=1), time.min, clock) if last else None
    # No row was tried before its broadcast was prepared.
    older = [pk for pk, at in begun.items() if begin and at < begin]
    within = [pk for pk, at in begun.items() if (begin is None or at >= begin) and (end is None or at < end)]
    latest = _last_attempts([*older, *within] if end else older)
    partly = [pk for pk in older if begin and (at := latest[pk]) and at >= begin]
    if end:
        partly += [pk for pk in within if (at := latest[pk]) and at >= end]
    whole = sorted(set(within) - set(partly))
    return whole, Days(partly, begin, end, sorted(set(within).intersection(partly)))


def _last_attempts(broadcasts: Collection[int]) -> dict[int, datetime | None]:
    """Settled rows are asked for the last one of each broadcast and result; one that is not settled may be any."""
    may_be_any = datetime.max.replace(tzinfo=ZoneInfo("UTC"))
    if not broadcasts or connection.vendor != "postgresql":
        return dict.fromkeys(broadcasts, may_be_any)
    found: dict[int, datetime | None] = dict.fromkeys(broadcasts)
    cells = [Cell(pk, int(code), pk) for pk in broadcasts for code in Result]
    tried = Delivery.objects.filter(settled_last_attempt_at__isnull=False, is_settled=True)
    arm = Arm(tried, F("settled_last_attempt_at"), "settled_result", is_bounded=False)
    for pk, at, _ in take(cells, [arm], falls=True, of_each=1):
        found[pk] = max(found[pk] or at, at)
    left = Delivery.objects.filter(broadcast=OuterRef("pk"), is_settled=False)
    changing = Broadcast.objects.filter(Exists(left), pk__in=broadcasts).values_list("pk", flat=True)
    return found | dict.fromkeys(changing, may_be_any)
