"""Orders in which the rows of all broadcasts are mixed: by name, by address, by the Last Attempt (PostgreSQL)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Lower

from broadcasts.models import Broadcast, Delivery
from reports.email_log.sorting import Sort
from reports.email_log.streams import TABLE, Arm, Cell, beyond, take
from reports.email_log.wanted import Wanted

Rows = QuerySet[Delivery]
# Cells read at once, of those that may hold the next rows.
FIRST_CELLS, GROWTH = 24, 8


@dataclass(frozen=True)
class Merge:
    wanted: Wanted
    sort: Sort
    limit: int
    start: Delivery | None  # the row before the first one
    backwards: bool = False

    @property
    def falls(self) -> bool:
        return self.sort.is_descending ^ self.backwards

    def rows(self) -> list[int]:
        """Rows with a value, then those without one; backwards the other way round."""
        read: Callable[[Merge, bool], list[int]] = by_moment if self.sort.column == "last_attempt" else by_text
        found: list[int] = []
        begun = self.start is None
        for is_empty in (True, False) if self.backwards else (False, True):
            if self.start and not begun and self.has_no_value(self.start) != is_empty:
                continue
            rest = replace(self, limit=self.limit - len(found), start=None if begun else self.start)
            begun = True
            found += read(rest, is_empty) if rest.limit else []
        return found

    def has_no_value(self, row: Delivery) -> bool:
        if self.sort.column == "last_attempt":
            return row.last_attempt_at is None
        return self.sort.column == "email" and not row.email

    def after_start(self, rows: Rows, column: str, value: object) -> Rows:
        if self.start is None:
            return rows
        if not column:
            return rows.filter(**{"pk__lt" if self.falls else "pk__gt": self.start.pk})
        return beyond(rows, column, value, self.start.pk, falls=self.falls)

    def settled(self) -> Rows:
        return Delivery.objects.filter(self.wanted.settled())

    def unsettled(self) -> Rows:
        return Delivery.objects.filter(self.wanted.unsettled())


def by_text(merge: Merge, is_empty: bool) -> list[int]:  # noqa: FBT001
    """One range for each result; the database merges them, for its order of letters is its own."""
    name = merge.sort.column
    column = f'LOWER({TABLE}."{name}")'
    if is_empty and name == "name":
        return []
    # Not "=": sorted by number alone, the planner would look for the empty ones along the row numbers of all.
    kept = [f"{column} {'<=' if is_empty else '>'} ''"] if name == "email" else []
    key = Lower(name)
    value = getattr(merge.start, name) if merge.start else None
    settled, others = (
        merge.after_start(rows.extra(where=kept), column, value)  # noqa: S610
        for rows in (_without_results(merge).settled(), merge.unsettled())
    )
    cells = [Cell(value=int(code)) for code in merge.wanted.codes]
    arm = Arm(settled, key, "settled_result", is_bounded=False)
    found = take(cells, [arm], falls=merge.falls, limit=merge.limit, besides=[Arm(others, key)])
    return [pk for _, _, pk in found]


def by_moment(merge: Merge, is_empty: bool) -> list[int]:  # noqa: FBT001
    """Each broadcast's rows of one result are a range. Most ranges lie elsewhere: their first rows tell."""
    settled, others = (
        _at(merge, rows, column, is_empty=is_empty)
        for rows, column in (
            (replace(_without_results(merge), wanted=_of_rows(merge.wanted)).settled(), "settled_last_attempt_at"),
            (merge.unsettled(), "last_attempt_at"),
        )
    )
    everything = _at(merge, Delivery.objects.filter(is_settled=True), "settled_last_attempt_at", is_empty=is_empty)
    # Also where it is empty: in that order the rows of a cell lie in the index.
    key, own_key = "settled_last_attempt_at", "last_attempt_at"
    cells = _cells(merge.wanted)
    probe = Arm(everything, F(key), "settled_result", is_bounded=False)
    firsts = take(cells, [probe], falls=merge.falls, of_each=1) if cells else []
    found = take([], [], falls=merge.falls, limit=merge.limit, besides=[Arm(others, F(own_key))])
    first_ones = sorted((Place(at, pk, cells[rank]) for rank, at, pk in firsts), reverse=merge.falls)
    arm = Arm(settled, F(key), "settled_result", is_bounded=False)
    return [place.pk for place in _merge(merge, first_ones, arm, [Place(at, pk) for _, at, pk in found])]


@dataclass(frozen=True)
class Place:
    at: datetime | None
    pk: int
    cell: Cell | None = None

    def __lt__(self, other: "Place") -> bool:
        """Rows without a moment are never among those with one."""
        if self.at is None or other.at is None:
            return self.pk < other.pk
        return (self.at, self.pk) < (other.at, other.pk)


def _merge(merge: Merge, firsts: Sequence[Place], arm: Arm, found: Sequence[Place]) -> list[Place]:
    """`firsts`: the first row of each cell, in order. A page full before one of them needs no further cell."""
    rows, size = list(found), FIRST_CELLS
    while firsts and not (len(rows) >= merge.limit and _is_before(rows[merge.limit - 1], firsts[0], merge)):
        batch = [replace(first.cell, rank=0) for first in firsts[:size] if first.cell]
        rows += [Place(at, pk) for _, at, pk in take(batch, [arm], falls=merge.falls, limit=merge.limit)]
        # A row that was settled in between came both ways.
        rows = sorted({row.pk: row for row in rows}.values(), reverse=merge.falls)[: merge.limit]
        firsts, size = firsts[size:], size * GROWTH
    return rows


def _is_before(one: Place, other: Place, merge: Merge) -> bool:
    return other < one if merge.falls else one < other


def _cells(wanted: Wanted) -> list[Cell]:
    pks = wanted.broadcasts
    if pks is None:
        pks = list(Broadcast.objects.filter(prepared_at__isnull=False).order_by().values_list("pk", flat=True))
    pairs = [(pk, int(code)) for pk in pks for code in wanted.codes]
    return [Cell(pk, code, rank) for rank, (pk, code) in enumerate(pairs)]


def _at(merge: Merge, rows: Rows, column: str, *, is_empty: bool) -> Rows:
    rows = rows.filter(Q(**{f"{column}__isnull": is_empty}))
    name = "" if is_empty else f'{TABLE}."{column}"'
    return merge.after_start(rows, name, merge.start.last_attempt_at if merge.start else None)


def _without_results(merge: Merge) -> Merge:
    """The cells say which results."""
    return replace(merge, wanted=merge.wanted.of_any_result())


def _of_rows(wanted: Wanted) -> Wanted:
    """The cells say which broadcasts and results."""
    return replace(wanted, broadcasts=None, results=())
