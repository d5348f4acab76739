"""One statement about one import. The statements of this room are constants; what differs goes in here."""

from typing import Any

from django.db import connection
from django.utils import timezone

from broadcasts.models import Import

# One of the keys in a text like '3,7'.
LISTS = "((',' || {text} || ',') LIKE ('%%,' || CAST({key} AS TEXT) || ',%%'))"


def execute(import_: Import, statement: str, **values: Any) -> int:
    """How many rows it wrote. `{in_scope}` in it: whether this import is about the person `p`."""
    with connection.cursor() as cursor:
        cursor.execute(_complete(import_, statement), _values(import_, values))
        return int(cursor.rowcount)


def fetch(import_: Import, statement: str, **values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(_complete(import_, statement), _values(import_, values))
        return list(cursor.fetchall())


def count(import_: Import, statement: str, **values: Any) -> int:
    return int(fetch(import_, statement, **values)[0][0] or 0)


def _complete(import_: Import, statement: str) -> str:
    # As a constant, so that the database can choose its index by it.
    scope = "TRUE" if import_.school_id is None else f"p.school_id = {int(import_.school_id)}"
    return statement.replace("{in_scope}", scope)


def _values(import_: Import, values: dict[str, Any]) -> dict[str, Any]:
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    return {"import": import_.pk, "school": import_.school_id or 0, "now": now} | values
