"""Rows from many index ranges at once, the first few of each: what PostgreSQL calls LATERAL.

A cell is such a range: of a broadcast, of a value of the sorted column, or of both.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import F, Func, QuerySet

from broadcasts.models import Delivery

TABLE = '"broadcasts_delivery"'


@dataclass(frozen=True)
class Cell:
    broadcast: int | None = None
    value: int | None = None
    rank: int = 0  # cells of one rank are one row of rows
    bound: int | None = None  # only rows beyond this number


@dataclass(frozen=True)
class Arm:
    """What each cell is asked for: the rows of `rows` whose `column` is the cell's value, if there is one."""

    rows: "QuerySet[Delivery]"
    key: F | Func
    column: str = ""
    is_bounded: bool = True  # by the cell's `bound`; else the rows themselves begin where they should
    # Few rows of a cell match: along the index of row numbers all of them would be read.
    is_sorted: bool = False

    def sql(self, *, by_broadcast: bool, falls: bool, limit: int, is_cell: bool = True) -> tuple[str, list[Any]]:
        own = [f'{TABLE}."id" {"<" if falls else ">"} cell.bound'] if is_cell and self.is_bounded else []
        own += [f'{TABLE}."broadcast_id" = cell.broadcast'] if by_broadcast else []
        own += [f'{TABLE}."{self.column}" = cell.value'] if self.column else []
        key = [self.key.desc() if falls else self.key.asc()] if self.key != F("pk") else []
        if self.is_sorted:
            key = [(F("pk") + 0).desc() if falls else (F("pk") + 0).asc()]
        rows = self.rows.extra(where=own).order_by(*key, "-pk" if falls else "pk")  # noqa: S610 - names of our own
        return compiled(rows.values_list(self.key, "pk")[:limit])


def compiled(rows: "QuerySet[Any, Any]") -> tuple[str, list[Any]]:
    # Where nothing can match, it is SQL all the same.
    sql, params = rows.query.get_compiler(connection.alias, elide_empty=False).as_sql()
    return sql, list(params)


def take(
    cells: Sequence[Cell],
    arms: Sequence[Arm],
    *,
    falls: bool,
    limit: int | None = None,
    of_each: int | None = None,
    besides: Sequence[Arm] = (),
) -> list[tuple[int, Any, int]]:
    """Up to `limit` rows of all these cells as (rank, key, number), in order; whichever arm they came by.

    `of_each`: how many of each cell, where that is less. `besides` are asked once, not for each cell.
    """
    by_broadcast = bool(cells) and cells[0].broadcast is not None
    parts, params = [], []
    for arm in arms:
        sql, own = arm.sql(by_broadcast=by_broadcast, falls=falls, limit=of_each or limit or 1)
        parts.append(f"SELECT cell.rank, part.* FROM cell CROSS JOIN LATERAL ({sql}) AS part (key, id)")  # noqa: S608
        params += own
    for arm in besides:
        sql, own = arm.sql(by_broadcast=False, falls=falls, limit=limit or 1, is_cell=False)
        parts.append(f"SELECT 0 AS rank, part.* FROM ({sql}) AS part (key, id)")  # noqa: S608
        params += own
    order = "rank, key DESC, id DESC" if falls else "rank, key, id"
    statement = (
        "WITH cell (rank, broadcast, value, bound) AS MATERIALIZED"  # noqa: S608 - compiled by Django
        " (SELECT * FROM unnest(%s::int[], %s::bigint[], %s::int[], %s::bigint[]))"
        f" SELECT rank, key, id FROM ({' UNION ALL '.join(parts)}) AS found ORDER BY {order} LIMIT %s"
    )
    with planned("enable_sort") as cursor:
        cursor.execute(statement, [*_arrays(cells, falls=falls), *params, limit])
        return list(cursor.fetchall())


@contextmanager
def planned(*without: str) -> Iterator[CursorWrapper]:
    """A cursor whose statements are planned without these ways.

    Along an index the first rows come at once; the planner, which cannot know how often a part of a name occurs,
    else reads all rows and sorts them. And no statement of ours runs long enough to be worth compiling.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("; ".join(f"SET LOCAL {name} = off" for name in ("jit", *without)))
        try:
            yield cursor
        finally:
            if connection.in_atomic_block and not connection.needs_rollback:
                cursor.execute("; ".join(f"SET LOCAL {name} = on" for name in without) or "SELECT 1")


def _arrays(cells: Sequence[Cell], *, falls: bool) -> list[list[int | None]]:
    beyond = 2**62 if falls else -1
    return [
        [cell.rank for cell in cells],
        [cell.broadcast for cell in cells],
        [cell.value for cell in cells],
        [beyond if cell.bound is None else cell.bound for cell in cells],
    ]


def beyond(rows: "QuerySet[Delivery]", column: str, value: object, pk: int, *, falls: bool) -> "QuerySet[Delivery]":
    """Those after this value and number, in one comparison of both, which an index answers."""
    sign = "<" if falls else ">"
    return rows.extra(where=[f'({column}, {TABLE}."id") {sign} ({_cast(column)}, %s)'], params=[value, pk])  # noqa: S610


def _cast(column: str) -> str:
    return "LOWER(%s)" if column.startswith("LOWER") else "%s::timestamptz"
