"""One page of the log: as dear at the end as at the beginning, whatever the order."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import sqrt

from django.db import connection
from django.db.models import QuerySet

from broadcasts.among import among
from broadcasts.models import Broadcast, Delivery, User
from broadcasts.results import Result
from reports.email_log.counting import Number, on_every_broadcast, rows_in_all
from reports.email_log.sampling import sample
from reports.email_log.sorting import Place, Sort, beyond
from reports.email_log.walking import Walk
from reports.email_log.wanted import Wanted

# So few rows are always read and sorted.
FEW = 5_000
# Seen: 0.2 µs for an entry of an index, 5 µs for a row somewhere in the table.
PASSED_WHILE_ONE_IS_READ = 25


@dataclass(frozen=True)
class Asked:
    """Which page: after a row, before one, the last one; by default the first."""

    after: Place | None = None
    before: Place | None = None
    is_last: bool = False

    @property
    def backwards(self) -> bool:
        return self.is_last or self.before is not None


@dataclass(frozen=True)
class LogPage:
    rows: Sequence[Delivery]
    sort: Sort
    has_previous: bool
    has_next: bool

    @property
    def first(self) -> Place:
        return Place.of(self.rows[0], self.sort)

    @property
    def last(self) -> Place:
        return Place.of(self.rows[-1], self.sort)


def read_page(wanted: Wanted, sort: Sort, asked: Asked, size: int, total: Number, user: User) -> LogPage:
    place = asked.before or asked.after
    start = _row_at(place, sort, user) if place else None
    if place and start is None:  # that row is gone: begin anew
        asked = Asked()
    pks = _numbers(wanted, sort, start, size + 1, backwards=asked.backwards, total=total)
    has_more, pks = len(pks) > size, pks[:size]
    if asked.backwards:
        pks.reverse()
    if not pks and start:
        return read_page(wanted, sort, Asked(is_last=not asked.backwards), size, total, user)
    before, after = (has_more, start is not None) if asked.backwards else (start is not None, has_more)
    return LogPage(read_rows(pks), sort, before, after)


def read_rows(pks: Sequence[int]) -> list[Delivery]:
    """With all that a page shows of them. Many rows share a broadcast: joined, it would be made once for each."""
    found = Delivery.objects.in_bulk(pks)
    rows = [found[pk] for pk in pks if pk in found]
    named = Broadcast.objects.select_related("broadcast_type", "school")
    broadcasts = named.in_bulk({row.broadcast_id for row in rows})
    carriers = Delivery.objects.in_bulk({row.duplicate_of_id for row in rows if row.duplicate_of_id})
    for row in rows:
        row.broadcast = broadcasts[row.broadcast_id]
        row.duplicate_of = carriers[row.duplicate_of_id] if row.duplicate_of_id else None
    return rows


def _row_at(place: Place, sort: Sort, user: User) -> Delivery | None:
    rows = Delivery.objects.visible_to(user).select_related("broadcast__broadcast_type", "broadcast__school")
    row = rows.filter(pk=place.pk).first()
    if row:
        place.take_value(row, sort)
    return row


def _numbers(
    wanted: Wanted, sort: Sort, start: Delivery | None, limit: int, *, backwards: bool, total: Number
) -> list[int]:
    if connection.vendor == "postgresql":
        if total.rows > worth_collecting(sort, limit) or (wanted.words and not total.is_exact):
            return Walk(replace(wanted, reads_in_order=True), sort, limit, start, backwards).rows()
        wanted = on_every_broadcast(sample(wanted, rows_in_all()).wanted if len(wanted.words) > 1 else wanted)
    rows: QuerySet[Delivery] = Delivery.objects.filter(wanted.condition())
    if wanted.words and connection.vendor == "postgresql":
        # Asked for the first ones in an order, the planner would go through all rows in that order to find the few.
        rows = Delivery.objects.filter(among("pk", list(rows.order_by().values_list("pk", flat=True))))
    if start:
        rows = beyond(rows, sort, start, backwards=backwards)
    return list(sort.apply(rows, backwards=backwards).values_list("pk", flat=True)[:limit])


def worth_collecting(sort: Sort, limit: int) -> float:
    """Up to how many rows it is cheaper to read all of them and sort them than to walk along an index.

    Where rows of all broadcasts are mixed, a walk passes rows that are not wanted: to fill a page from each of a
    dozen ranges about `limit * 12 * all / wanted` of them, within the index. Collecting reads `wanted` rows.
    """
    if sort.column not in ("name", "email", "last_attempt"):
        return FEW
    passed = limit * len(Result) * rows_in_all()
    return max(sqrt(passed / PASSED_WHILE_ONE_IS_READ), FEW)
