"""What is read most and least: figures added up by type, school, sender, weekday, hour and month."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import cached_property
from typing import NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Model, QuerySet

from broadcasts.models import Broadcast, BroadcastType, School, Sender, User
from reports.behaviour.period import Period

UTC = ZoneInfo("UTC")
# No clock on earth is further from UTC.
FURTHEST = timedelta(hours=15)


class Row(NamedTuple):
    """A broadcast: when it began on its school's clock, and how it was read."""

    kind: int
    school: int
    sender: int
    began: datetime
    emails: int
    opened: int
    automatic: int


@dataclass(frozen=True, slots=True)
class Sums:
    broadcasts: int = 0
    emails: int = 0
    opened: int = 0
    automatic: int = 0

    @property
    def is_enough(self) -> bool:
        """A rate of a few emails says nothing about readers in general, and too much about these few."""
        return self.emails >= settings.FEWEST_EMAILS_FOR_A_RATE

    @property
    def rate(self) -> float:
        return self.opened / self.emails if self.emails else 0.0

    @property
    def percent(self) -> int:
        return round(100 * self.rate)

    @property
    def automatic_percent(self) -> int:
        """Beside the other in one bar, so never more than what is left of it."""
        return min(round(100 * self.automatic / self.emails), 100 - self.percent) if self.emails else 0


Key = TypeVar("Key", int, tuple[int, int])
Thing = TypeVar("Thing", bound=Model)
Month = tuple[int, int]


@dataclass(frozen=True)
class Reading:
    user: User
    period: Period
    school: School | None = None

    @cached_property
    def _broadcasts(self) -> QuerySet[Broadcast]:
        begins = datetime.combine(self.period.first, time.min, UTC) - FURTHEST
        ends = datetime.combine(self.period.last + timedelta(days=1), time.min, UTC) + FURTHEST
        rows = Broadcast.objects.visible_to(self.user).filter(prepared_at__gte=begins, prepared_at__lt=ends)
        return rows.filter(school=self.school) if self.school else rows

    @cached_property
    def zones(self) -> dict[int, ZoneInfo]:
        return {pk: ZoneInfo(name) for pk, name in self.user.schools.values_list("pk", "time_zone")}

    def _is_within(self, began: datetime) -> bool:
        return self.period.first <= began.date() <= self.period.last

    @cached_property
    def rows(self) -> list[Row]:
        """Those of which at least one email left."""
        fields = ("broadcast_type", "school", "sender", "prepared_at")
        figures = ("figures__emails", "figures__opened", "figures__automatic")
        found = self._broadcasts.filter(figures__emails__gt=0).order_by().values_list(*fields, *figures)
        zones = self.zones
        local = (
            Row(kind, school, sender, at.astimezone(zones[school]), *numbers)
            for kind, school, sender, at, *numbers in found.iterator()
        )
        return [row for row in local if self._is_within(row.began)]

    @cached_property
    def uncounted(self) -> int:
        """Broadcasts of the period whose turn to be counted has not come yet."""
        missing = self._broadcasts.filter(figures__isnull=True).order_by().values_list("school", "prepared_at")
        return sum(self._is_within(at.astimezone(self.zones[school])) for school, at in missing if at)

    @cached_property
    def total(self) -> Sums:
        return self._by(lambda _row: 0).get(0, Sums())

    def _by(self, key: Callable[[Row], Key]) -> dict[Key, Sums]:
        sums: dict[Key, list[int]] = {}
        for row in self.rows:
            one = sums.setdefault(key(row), [0, 0, 0, 0])
            one[0] += 1
            one[1] += row.emails
            one[2] += row.opened
            one[3] += row.automatic
        return {key: Sums(*numbers) for key, numbers in sums.items()}

    @property
    def by_type(self) -> list[tuple[BroadcastType, Sums]]:
        return _named(BroadcastType.objects.all(), self._by(lambda row: row.kind))

    @property
    def by_school(self) -> list[tuple[School, Sums]]:
        return _named(self.user.schools, self._by(lambda row: row.school))

    @property
    def by_sender(self) -> list[tuple[Sender, Sums]]:
        return _named(Sender.objects.all(), self._by(lambda row: row.sender))

    @property
    def by_weekday(self) -> list[tuple[int, Sums]]:
        """0 is Monday."""
        return sorted(self._by(lambda row: row.began.weekday()).items())

    @property
    def by_hour(self) -> list[tuple[int, Sums]]:
        return sorted(self._by(lambda row: row.began.hour).items())

    @property
    def by_month(self) -> list[tuple[Month, Sums]]:
        """Year and month. Between the first and the last none is left out: a gap must be seen."""
        sums = self._by(lambda row: (row.began.year, row.began.month))
        return [(month, sums.get(month, Sums())) for month in _months_between(sums)]


def _months_between(months: Iterable[Month]) -> Iterator[Month]:
    numbers = [12 * year + month - 1 for year, month in months]
    for number in range(min(numbers, default=0), max(numbers, default=-1) + 1):
        yield number // 12, number % 12 + 1


def _named(things: Iterable[Thing], sums: Mapping[int, Sums]) -> list[tuple[Thing, Sums]]:
    return [(thing, sums[thing.pk]) for thing in things if thing.pk in sums]
