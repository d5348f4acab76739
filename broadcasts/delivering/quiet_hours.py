"""Quiet hours of a school: what is no emergency waits until they end, whether it is new or tried again."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from broadcasts.models import Broadcast, School


def quiet_until(school: School, now: datetime) -> datetime | None:
    """When the quiet hours end that `now` lies in; None outside of them."""
    start, end = school.quiet_from, school.quiet_until
    if start is None or end is None or start == end:
        return None
    zone = ZoneInfo(school.time_zone)
    today = now.astimezone(zone).date()
    for day in (today - timedelta(days=1), today):
        # A clock time that happens twice, or never, when clocks change: the quiet hours are the longer ones.
        begins = min(_instants(datetime.combine(day, start, zone)))
        last_day = day if start < end else day + timedelta(days=1)
        ends = max(_instants(datetime.combine(last_day, end, zone)))
        if begins <= now < ends:
            return ends
    return None


def _instants(clock: datetime) -> list[datetime]:
    return [clock.replace(fold=fold).astimezone(ZoneInfo("UTC")) for fold in (0, 1)]


def waits_until(broadcast: Broadcast, now: datetime) -> datetime | None:
    """When the quiet hours let this broadcast go; None: it may leave now. An emergency never waits."""
    if broadcast.is_emergency:
        return None
    return quiet_until(broadcast.school, now)


def look_again(school: School) -> None:
    """Its quiet hours were changed: what waits for their end may not have to."""
    waiting = Broadcast.objects.filter(school=school, next_try_at__isnull=False, trouble_since__isnull=True)
    waiting.update(next_try_at=None, worked_on_at=None)
