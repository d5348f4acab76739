"""What is read most and least: figures added up by type, school, sender, weekday, hour and month."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Count, Model, QuerySet, Sum

from broadcasts.models import Broadcast, BroadcastType, School, Sender, User
from reports.behaviour.period import Period
from reports.models import BroadcastFigures

UTC = ZoneInfo("UTC")
# No clock on earth is further from UTC.
FURTHEST = timedelta(hours=15)
KINDS = ("kind", "school", "sender")


@dataclass(frozen=True, slots=True)
class Sums:
    broadcasts: int = 0
    emails: int = 0
    opened: int = 0
    automatic: int = 0

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(
            self.broadcasts + other.broadcasts,
            self.emails + other.emails,
            self.opened + other.opened,
            self.automatic + other.automatic,
        )

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


Thing = TypeVar("Thing", bound=Model)
Key = TypeVar("Key")
Month = tuple[int, int]


@dataclass(frozen=True)
class Reading:
    user: User
    period: Period
    school: School | None = None

    @property
    def _figures(self) -> QuerySet[BroadcastFigures]:
        """Of broadcasts of which at least one email left."""
        rows = BroadcastFigures.objects.visible_to(self.user).filter(emails__gt=0).order_by()
        rows = rows.filter(day__range=(self.period.first, self.period.last))
        return rows.filter(school=self.school) if self.school else rows

    def _added_up(self, *fields: str) -> Iterator[tuple[tuple[Any, ...], Sums]]:
        numbers = (Count("pk"), Sum("emails"), Sum("opened"), Sum("automatic"))
        for row in self._figures.values_list(*fields).annotate(*numbers):
            yield row[: len(fields)], Sums(*row[len(fields) :])

    @cached_property
    def _kinds(self) -> list[tuple[tuple[int, int, int], Sums]]:
        """Few combinations: each of a school's types and senders."""
        return [((kind, school, sender), sums) for (kind, school, sender), sums in self._added_up(*KINDS)]

    @cached_property
    def _days(self) -> list[tuple[date, Sums]]:
        return [(day, sums) for (day,), sums in self._added_up("day")]

    @property
    def has_several_schools(self) -> bool:
        return self.school is None and self.user.schools.count() > 1

    @cached_property
    def uncounted(self) -> int:
        """Broadcasts of the period whose turn to be counted has not come yet."""
        begins = datetime.combine(self.period.first, time.min, UTC) - FURTHEST
        ends = datetime.combine(self.period.last + timedelta(days=1), time.min, UTC) + FURTHEST
        rows = Broadcast.objects.visible_to(self.user).filter(prepared_at__gte=begins, prepared_at__lt=ends)
        rows = rows.filter(school=self.school) if self.school else rows
        missing = rows.filter(figures__isnull=True).order_by().values_list("school__time_zone", "prepared_at")
        return sum(self._is_within(at.astimezone(ZoneInfo(zone))) for zone, at in missing if at)

    def _is_within(self, began: datetime) -> bool:
        return self.period.first <= began.date() <= self.period.last

    @cached_property
    def total(self) -> Sums:
        return sum((sums for _, sums in self._days), Sums())

    @property
    def by_type(self) -> list[tuple[BroadcastType, Sums]]:
        return _named(BroadcastType.objects.all(), _folded((kind, sums) for (kind, _, _), sums in self._kinds))

    @property
    def by_school(self) -> list[tuple[School, Sums]]:
        return _named(self.user.schools, _folded((school, sums) for (_, school, _), sums in self._kinds))

    @property
    def by_sender(self) -> list[tuple[Sender, Sums]]:
        return _named(Sender.objects.all(), _folded((sender, sums) for (_, _, sender), sums in self._kinds))

    @property
    def by_weekday(self) -> list[tuple[int, Sums]]:
        """0 is Monday."""
        return sorted(_folded((day.weekday(), sums) for day, sums in self._days).items())

    @property
    def by_hour(self) -> list[tuple[int, Sums]]:
        return sorted((hour, sums) for (hour,), sums in self._added_up("hour"))

    @property
    def by_month(self) -> list[tuple[Month, Sums]]:
        """Year and month. Between the first and the last none is left out: a gap must be seen."""
        sums = _folded(((day.year, day.month), sums) for day, sums in self._days)
        return [(month, sums.get(month, Sums())) for month in _months_between(sums)]


def _folded(pairs: Iterable[tuple[Key, Sums]]) -> dict[Key, Sums]:
    sums: dict[Key, Sums] = {}
    for key, one in pairs:
        sums[key] = sums.get(key, Sums()) + one
    return sums


def _months_between(months: Iterable[Month]) -> Iterator[Month]:
    numbers = [12 * year + month - 1 for year, month in months]
    for number in range(min(numbers, default=0), max(numbers, default=-1) + 1):
        yield number // 12, number % 12 + 1


def _named(things: Iterable[Thing], sums: Mapping[int, Sums]) -> list[tuple[Thing, Sums]]:
    return [(thing, sums[thing.pk]) for thing in things if thing.pk in sums]
