"""One page out of millions of rows: only its own rows are read, from the indexes of settled rows (PostgreSQL).

Two ways. Where an order goes by the broadcast, or by a value that many rows share, the rows of one such cell follow
those of another: cells are read one after the other until the page is full. A name, an address or a moment is in no
order of broadcasts: there the first rows of all cells are merged (`merging`). What is not settled is little, and
joins in.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from django.db.models import F, Max, QuerySet
from django.db.models.functions import Lower

from broadcasts.models import Broadcast, Delivery
from broadcasts.results import Result
from reports.email_log.merging import Merge
from reports.email_log.sorting import Sort
from reports.email_log.streams import Arm, Cell, take
from reports.email_log.wanted import Wanted

# Cells asked for at once: few for a page that the first ones fill, all in some rounds for one that needs them.
FIRST_CELLS, GROWTH = 4, 8
BOTH_BLOCKED = (Result.BLOCKED_BY_PROVIDER, Result.BLOCKED)
CODES = [code for code in Result if code is not Result.BLOCKED]


@dataclass(frozen=True)
class Walk:
    wanted: Wanted
    sort: Sort
    limit: int
    start: Delivery | None  # the row before the first one
    backwards: bool = False

    @property
    def falls(self) -> bool:
        """In which direction row numbers go."""
        return self.sort.is_descending ^ self.backwards

    def rows(self) -> list[int]:
        """The numbers of the rows, in the order of the walk."""
        if self.sort.column in ("name", "email", "last_attempt"):
            return Merge(self.wanted, self.sort, self.limit, self.start, self.backwards).rows()
        return list(_in_cells(self, _cells(self)))


def settled(wanted: Wanted) -> "QuerySet[Delivery]":
    return Delivery.objects.filter(wanted.settled())


def unsettled(wanted: Wanted) -> "QuerySet[Delivery]":
    return Delivery.objects.filter(wanted.unsettled())


def broadcasts_in_order(walk: Walk) -> list[int]:
    """All that may have rows, as the column sorts them."""
    found = Broadcast.objects.filter(prepared_at__isnull=False)
    if walk.wanted.broadcasts is not None:
        found = found.filter(pk__in=walk.wanted.broadcasts)
    key: dict[str, Lower | F] = {
        "broadcast": Lower("name"),
        "type": F("broadcast_type__name"),
        "school": F("school__name"),
    }
    named = [key[walk.sort.column]] if walk.sort.column in key else []
    pks = list(found.order_by(*named, "pk").values_list("pk", flat=True))
    is_reversed = not walk.sort.column or walk.sort.is_descending
    return pks[::-1] if is_reversed ^ walk.backwards else pks


def _cells(walk: Walk) -> list[Cell]:
    """Those of this order from the start on."""
    broadcasts = broadcasts_in_order(walk)
    if walk.sort.column not in ("result", "attempts"):
        cells = [Cell(pk, rank=rank) for rank, pk in enumerate(broadcasts)]
    else:
        values = _values(walk)
        pairs = [(codes, pk) for codes in (values[::-1] if walk.falls else values) for pk in broadcasts]
        cells = [Cell(pk, code, rank) for rank, (codes, pk) in enumerate(pairs) for code in codes]
    return _from_start(walk, cells)


def _from_start(walk: Walk, cells: list[Cell]) -> list[Cell]:
    if walk.start is None:
        return cells
    value = getattr(walk.start, walk.sort.column) if walk.sort.column in ("result", "attempts") else None
    own = [cell.rank for cell in cells if (cell.broadcast, cell.value) == (walk.start.broadcast_id, value)]
    if not own:
        return cells
    rest = [cell for cell in cells if cell.rank >= own[0]]
    return [replace(cell, bound=walk.start.pk) if cell.rank == own[0] else cell for cell in rest]


def _values(walk: Walk) -> list[tuple[int, ...]]:
    """The column's values from the lowest on; two codes that share a label stand together."""
    if walk.sort.column == "attempts":
        fewest, most = walk.wanted.attempts or (0, 10_000)
        return [(number,) for number in range(fewest, min(most, _most_attempts(walk.wanted)) + 1)]
    wanted = walk.wanted.codes
    codes = [BOTH_BLOCKED if code is Result.BLOCKED_BY_PROVIDER else (code,) for code in CODES]
    return [kept for group in codes if (kept := tuple(int(code) for code in group if code in wanted))]


def _most_attempts(wanted: Wanted) -> int:
    broadcasts = broadcasts_in_order(Walk(wanted, Sort(), 1, None))
    if not broadcasts:
        return 0
    rows = Delivery.objects.filter(is_settled=True)
    arm = Arm(rows, F("settled_attempts"))
    settled_most = [key for _, key, _ in take([Cell(pk) for pk in broadcasts], [arm], falls=True, limit=1)]
    others = Delivery.objects.filter(is_settled=False).aggregate(most=Max("attempts"))["most"]
    return int(max([*settled_most, others or 0]))


def _settled_arms(wanted: Wanted, column: str) -> list[Arm]:
    """By attempts and result the index is in order: one arm for each result, and none reads more than a page."""
    if column == "attempts" and wanted.results and not wanted.words:
        each = [replace(wanted, results=[code]) for code in wanted.results]
        return [Arm(settled(one), F("pk"), "settled_attempts") for one in each]
    return [Arm(settled(wanted), F("pk"), column and f"settled_{column}", is_sorted=not wanted.words)]


def _in_cells(walk: Walk, cells: Sequence[Cell]) -> Iterator[int]:
    """One cell after the other, more of them with each round, until there are enough rows."""
    column = walk.sort.column if walk.sort.column in ("result", "attempts") else ""
    wanted = replace(walk.wanted, broadcasts=None)
    if column == "result":
        wanted = wanted.of_any_result()
    arms = [*_settled_arms(wanted, column), Arm(unsettled(wanted), F("pk"), column)]
    if not column and (wanted.are_many or not wanted.asks_about_rows):
        arms = [Arm(Delivery.objects.filter(wanted.of_row()), F("pk"))]
    missing, size = walk.limit, FIRST_CELLS
    while cells and missing:
        found = take(cells[:size], arms, falls=walk.falls, limit=missing)
        yield from (pk for _, _, pk in found)
        missing -= len(found)
        cells, size = cells[size:], size * GROWTH
