"""The counts of results beside the rows: kept by the database itself, so that no way of writing can dodge them.

The triggers are set up after every migrate, for SQLite loses them whenever a migration remakes the table.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from broadcasts.models import ResultCount

TABLE = ResultCount._meta.db_table  # noqa: SLF001
ONE_OF_EACH = "(broadcast_id, result) WHERE is_folded"

# Triggers that see whole statements cannot be limited to columns: where no result changed, nothing is left over.
_FUNCTION_OF_POSTGRESQL = f"""
CREATE OR REPLACE FUNCTION count_results() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO {TABLE} (broadcast_id, result, count)
        SELECT broadcast_id, result, count(*) FROM after_it GROUP BY 1, 2;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO {TABLE} (broadcast_id, result, count)
        SELECT broadcast_id, result, -count(*) FROM before_it GROUP BY 1, 2;
    ELSIF TG_OP = 'UPDATE' THEN
        INSERT INTO {TABLE} (broadcast_id, result, count)
        SELECT broadcast_id, result, sum(change) FROM (
            SELECT broadcast_id, result, 1 AS change FROM after_it
            UNION ALL SELECT broadcast_id, result, -1 FROM before_it
        ) AS changes GROUP BY 1, 2 HAVING sum(change) <> 0;
    ELSE
        DELETE FROM {TABLE};
    END IF;
    RETURN NULL;
END $$
"""  # noqa: S608 - names of our own
_SHOWN_TO = {
    "INSERT": "REFERENCING NEW TABLE AS after_it",
    "UPDATE": "REFERENCING OLD TABLE AS before_it NEW TABLE AS after_it",
    "DELETE": "REFERENCING OLD TABLE AS before_it",
    "TRUNCATE": "",
}
_ADD = f"""INSERT INTO {TABLE} (broadcast_id, result, count, is_folded) VALUES (NEW.broadcast_id, NEW.result, 1, 1)
    ON CONFLICT {ONE_OF_EACH} DO UPDATE SET count = count + 1;"""  # noqa: S608 - names of our own
_TAKE = f"""UPDATE {TABLE} SET count = count - 1
    WHERE (broadcast_id, result) = (OLD.broadcast_id, OLD.result) AND is_folded;"""  # noqa: S608 - names of our own
_CHANGED = "OF broadcast_id, result"
_WHEN_CHANGED = "WHEN OLD.result <> NEW.result OR OLD.broadcast_id <> NEW.broadcast_id"
_ON_SQLITE = {
    "INSERT": f"AFTER INSERT ON broadcasts_delivery BEGIN {_ADD} END",
    "UPDATE": f"AFTER UPDATE {_CHANGED} ON broadcasts_delivery {_WHEN_CHANGED} BEGIN {_TAKE} {_ADD} END",
    "DELETE": f"AFTER DELETE ON broadcasts_delivery BEGIN {_TAKE} END",
}

_COUNT_ANEW = f"""
INSERT INTO {TABLE} (broadcast_id, result, count, is_folded)
SELECT broadcast_id, result, count(*), true FROM broadcasts_delivery GROUP BY broadcast_id, result
"""  # noqa: S608 - names of our own
_COMPARE = f"""
SELECT broadcast_id, result, sum(of_rows), sum(counted) FROM (
    SELECT broadcast_id, result, count(*) AS of_rows, 0 AS counted FROM broadcasts_delivery GROUP BY 1, 2
    UNION ALL SELECT broadcast_id, result, 0, count FROM {TABLE}
) AS both_sides
GROUP BY broadcast_id, result HAVING sum(of_rows) <> sum(counted) ORDER BY broadcast_id, result
"""  # noqa: S608 - names of our own
_FOLD = f"""
WITH taken AS (
    DELETE FROM {TABLE} WHERE id IN (SELECT id FROM {TABLE} WHERE NOT is_folded FOR UPDATE SKIP LOCKED)
    RETURNING broadcast_id, result, count
)
INSERT INTO {TABLE} (broadcast_id, result, count, is_folded)
SELECT broadcast_id, result, sum(count), true FROM taken GROUP BY 1, 2 ORDER BY 1, 2
ON CONFLICT {ONE_OF_EACH} DO UPDATE SET count = {TABLE}.count + EXCLUDED.count
"""  # noqa: S608 - names of our own


class Difference(NamedTuple):
    broadcast_id: int
    result: int
    rows: int
    counted: int


def keep_counts(using: str = "default", **_of_signal: Any) -> bool:
    """Make sure that the triggers are there; where they were not, count everything. True: they were not."""
    connection = connections[using]
    if TABLE not in connection.introspection.table_names() or not missing_triggers(using):
        return False
    repair_counts(using)
    return True


def missing_triggers(using: str = "default") -> set[str]:
    connection = connections[using]
    if connection.vendor == "postgresql":
        there = "SELECT tgname FROM pg_trigger WHERE tgrelid = 'broadcasts_delivery'::regclass AND tgenabled <> 'D'"
        wanted = _SHOWN_TO
    else:
        there = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'broadcasts_delivery'"
        wanted = _ON_SQLITE
    return {_name(deed) for deed in wanted} - {name for (name,) in _run(connection, there)}


def repair_counts(using: str = "default") -> None:
    """Set up the triggers and count all rows anew. Nobody writes results meanwhile; pages go on."""
    connection = connections[using]
    with transaction.atomic(using=using):
        if connection.vendor == "postgresql":
            _run(connection, f"LOCK TABLE broadcasts_delivery, {TABLE} IN SHARE ROW EXCLUSIVE MODE")
        drop_triggers(connection)
        for statement in _triggers(connection):
            _run(connection, statement)
        _run(connection, f"DELETE FROM {TABLE}")  # noqa: S608 - names of our own
        _run(connection, _COUNT_ANEW)


def drop_triggers(connection: BaseDatabaseWrapper) -> None:
    """Before a migration that changes the table of counts: SQLite would stumble over them."""
    on = " ON broadcasts_delivery" if connection.vendor == "postgresql" else ""
    for deed in _SHOWN_TO:
        _run(connection, f"DROP TRIGGER IF EXISTS {_name(deed)}{on}")


def differences(using: str = "default") -> list[Difference]:
    """Where the counts are not those of the rows, both looked at in the same moment. It counts all rows there are."""
    return [Difference(*map(int, row)) for row in _run(connections[using], _COMPARE)]


def fold_counts(using: str = "default") -> None:
    """Many small rows into one for each broadcast and result. Several may do it at once."""
    if connections[using].vendor == "postgresql":
        _run(connections[using], _FOLD)


def _triggers(connection: BaseDatabaseWrapper) -> list[str]:
    if connection.vendor != "postgresql":
        return [f"CREATE TRIGGER {_name(deed)} {does}" for deed, does in _ON_SQLITE.items()]
    return [_FUNCTION_OF_POSTGRESQL] + [
        f"CREATE TRIGGER {_name(deed)} AFTER {deed} ON broadcasts_delivery {shown} "
        "FOR EACH STATEMENT EXECUTE FUNCTION count_results()"
        for deed, shown in _SHOWN_TO.items()
    ]


def _name(deed: str) -> str:
    """Whoever changes what a trigger does gives it another number: then it is set up anew, and all is counted."""
    return f"count_results_{deed.lower()}_1"


def _run(connection: BaseDatabaseWrapper, statement: str) -> Sequence[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []
