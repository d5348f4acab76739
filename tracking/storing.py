"""Many events into their table with one statement, which says itself which of them were new."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from tracking.models import Event

# Each with its type in PostgreSQL, which cannot guess it from JSON.
COLUMNS = {
    "delivery_id": "bigint",
    "kind": "text",
    "at": "timestamptz",
    "recorded_at": "timestamptz",
    "source": "text",
    "key": "text",
    "result": "smallint",
    "code": "text",
    "text": "text",
    "rule": "text",
    "label": "text",
    "agent": "text",
    "network": "text",
    "last_at": "timestamptz",
    "times": "integer",
}
# Not kept about a delivery from which a rule of retention has removed such things.
ABOUT_A_PERSON = ("text", "agent", "network")
# SQLite takes 32,766 values in one statement.
TOGETHER = 2000
# Further than this nobody counts, and no number of fetches is too large for its column.
MOST_TIMES = 1_000_000
_TIMES = [name for name, kind in COLUMNS.items() if kind == "timestamptz"]
_KEY, _COUNT = list(COLUMNS).index("key"), list(COLUMNS).index("times")
TABLE = Event._meta.db_table  # noqa: SLF001

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Stored:
    """Keys: of what was not there before, and of what was there and is counted once more."""

    new: set[str] = field(default_factory=set)
    again: set[str] = field(default_factory=set)


def store_events(rows: Sequence[Row]) -> Stored:
    """`rows`: values in the order of COLUMNS, no key twice. An event that is told again changes nothing; a picture
    that is fetched again counts, whichever of the fetches is heard of first.
    """
    stored = Stored()
    with connection.cursor() as cursor:
        for start in range(0, len(rows), TOGETHER):
            some = rows[start : start + TOGETHER]
            statement, values = _insert(some)
            cursor.execute(statement, values)
            told = {row[_KEY]: row[_COUNT] for row in some}
            for key, times in cursor.fetchall():
                (stored.new if times == told[key] else stored.again).add(key)
    return stored


def without_words(row: Row) -> Row:
    """As it is stored about a delivery that keeps none."""
    return tuple("" if name in ABOUT_A_PERSON else value for name, value in zip(COLUMNS, row, strict=True))


def _insert(rows: Sequence[Row]) -> tuple[str, Sequence[Any]]:
    if connection.vendor == "postgresql":
        source, values = f"SELECT * FROM ({told_in_sql()}) AS told", columns_of(rows)  # noqa: S608
    else:
        source = "VALUES " + ", ".join(["(" + ", ".join(["%s"] * len(COLUMNS)) + ")"] * len(rows))
        values = list(_adapted(rows))
    return f'{insert_in_sql(source)} RETURNING "key", "times"', values


def insert_in_sql(source: str) -> str:
    names = ", ".join(f'"{name}"' for name in COLUMNS)
    return f"INSERT INTO {TABLE} AS known ({names}) {source} {_again()}"


def told_in_sql() -> str:
    """The rows as PostgreSQL reads them from `columns_of`."""
    columns = ", ".join(f"json_array_elements_text(%s::json) AS {name}" for name in COLUMNS)
    typed = ", ".join(f'"{name}"::{kind} AS "{name}"' for name, kind in COLUMNS.items())
    return f"SELECT {typed} FROM (SELECT {columns}) AS told"  # noqa: S608


def columns_of(rows: Sequence[Row]) -> list[str]:
    """Each column is one value: writing them as JSON costs a tenth of what quoting each of 15,000 values does."""
    return [json.dumps(column, default=str) for column in zip(*rows, strict=True)]


def _again() -> str:
    """Whose words stay: those of the earliest."""
    least, greatest = ("LEAST", "GREATEST") if connection.vendor == "postgresql" else ("MIN", "MAX")
    earliest = "CASE WHEN excluded.at < known.at THEN excluded.{0} ELSE known.{0} END"
    last_of_known, last_told = "COALESCE(known.last_at, known.at)", "COALESCE(excluded.last_at, excluded.at)"
    return (
        f'ON CONFLICT ("key") DO UPDATE SET times = {least}(known.times + excluded.times, {MOST_TIMES}),'
        f" at = {least}(known.at, excluded.at), last_at = {greatest}({last_of_known}, {last_told}),"
        f" agent = {earliest.format('agent')}, network = {earliest.format('network')}"
        f" WHERE excluded.source = '{Event.Source.PIXEL.value}'"
    )


def _adapted(rows: Iterable[Row]) -> Iterable[Any]:
    for row in rows:
        for name, value in zip(COLUMNS, row, strict=True):
            yield connection.ops.adapt_datetimefield_value(value) if value and name in _TIMES else value
