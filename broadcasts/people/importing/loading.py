"""Many rows into a table of their own, by the fastest way that each database has."""

import json
from collections.abc import Iterable, Sequence
from typing import Any, cast

from django.db import connection
from django.db.models import Field, JSONField, Model

Values = tuple[Any, ...]


def load_rows(model: type[Model], fields: Sequence[str], rows: Iterable[Values]) -> None:
    """COPY on PostgreSQL, a prepared INSERT on SQLite. Fields not named keep what the database puts there."""
    found = [cast("Field[Any, Any]", model._meta.get_field(name)) for name in fields]  # noqa: SLF001
    table = connection.ops.quote_name(model._meta.db_table)  # noqa: SLF001
    columns = ", ".join(connection.ops.quote_name(field.column or "") for field in found)
    structured = [place for place, field in enumerate(found) if isinstance(field, JSONField)]
    ready = (_with_json(row, structured) for row in rows) if structured else rows
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                for row in ready:
                    copy.write_row(row)
        else:
            places = ", ".join(["%s"] * len(found))
            cursor.executemany(f"INSERT INTO {table} ({columns}) VALUES ({places})", list(ready))  # noqa: S608


def next_keys(model: type[Model], count: int) -> list[int]:
    """Keys that nobody else gets. On SQLite inside the transaction that uses them: there is one writer."""
    table = model._meta.db_table  # noqa: SLF001
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT nextval(pg_get_serial_sequence(%s, 'id')::regclass) FROM generate_series(1, %s)",
                [table, count],
            )
            return [key for (key,) in cursor.fetchall()]
        cursor.execute("SELECT COALESCE(MAX(seq), 0) FROM sqlite_sequence WHERE name = %s", [table])
        first = cursor.fetchone()[0] + 1
        return list(range(first, first + count))


def settle_statistics(*models: type[Model]) -> None:
    """Without it both databases plan for tables as they were before so much was stored: for empty ones.

    PostgreSQL does it by itself a minute later, SQLite never; and each connection of SQLite reads it for itself.
    """
    with connection.cursor() as cursor:
        for model in models:
            cursor.execute(f"ANALYZE {connection.ops.quote_name(model._meta.db_table)}")  # noqa: SLF001


def _with_json(row: Values, places: list[int]) -> Values:
    values = list(row)
    for place in places:
        values[place] = json.dumps(values[place]) if values[place] else "[]"
    return tuple(values)
