"""Events and results in one statement for PostgreSQL: one round trip, and rows are locked no longer than it takes."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from psycopg import Cursor

from broadcasts.among import array_of
from broadcasts.delivering.evidence import LOCK_IN_SQL, STANDING_IN_SQL, raise_in_sql
from broadcasts.results import Result
from tracking.storing import ABOUT_A_PERSON, COLUMNS, TABLE, Row, columns_of, insert_in_sql, told_in_sql

PREPARE_AFTER = 3  # executions
ARRIVED, RETURNED = (Result.DELIVERED, Result.OPENED), (Result.BOUNCED, Result.FAILED)


@dataclass(frozen=True, slots=True)
class AtOnce:
    known: Collection[int] = field(default_factory=set)
    busy: Collection[int] = field(default_factory=set)  # nothing was stored of these: they need more than a statement
    old: Collection[str] = field(default_factory=set)  # keys of what was there before


def store_at_once(rows: Sequence[Row], delivery_ids: Collection[int]) -> AtOnce:
    """Store what is new about deliveries that need no more than that, and raise their results.

    `delivery_ids`: those to lock; that no event is about some of them does no harm.
    """
    keys = array_of(delivery_ids)
    known, busy, old = _run(keys, [*columns_of(rows), keys])
    return AtOnce(set(known or ()), set(busy or ()), set(old or ()))


def _run(keys: str, values: Sequence[str]) -> Any:
    """In one round trip, and planned once for each connection: for a single event, planning is most of the work."""
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    raw = connection.connection
    # Behind a pooler of connections nothing stays prepared, and its users say so to Django with this setting.
    if raw.prepare_threshold is None and not connection.settings_dict["DISABLE_SERVER_SIDE_CURSORS"]:
        raw.prepare_threshold = PREPARE_AFTER
    with connection.wrap_database_errors, raw.pipeline(), Cursor(raw) as locking, Cursor(raw) as storing:
        # Two statements of one transaction: the second sees what those who held the locks have done.
        locking.execute(_LOCK, [keys])
        storing.execute(_STATEMENT, values)
        return storing.fetchone()


def _codes(results: Sequence[Result]) -> str:
    return ", ".join(str(result.value) for result in results)


_LOCK = f"SELECT count(*) FROM ({LOCK_IN_SQL}) AS locked"  # noqa: S608
_VALUES = ", ".join(
    f"""CASE WHEN plain.keeps_words THEN told."{name}" ELSE '' END""" if name in ABOUT_A_PERSON else f'told."{name}"'
    for name in COLUMNS
)
_INSERT = insert_in_sql(f"SELECT {_VALUES} FROM told JOIN plain ON plain.id = told.delivery_id")  # noqa: S608
# A bounce may be late, or become so by what is told now, only if the delivery has come back and arrived.
_STATEMENT = f"""
WITH told AS MATERIALIZED ({told_in_sql()}),
standing AS MATERIALIZED ({STANDING_IN_SQL}),
ends AS (
    SELECT standing.id,
        standing.result >= {Result.DELIVERED} OR bool_or(told.result IN ({_codes(ARRIVED)})) AS has_arrived,
        bool_or(told.result IN ({_codes(RETURNED)})) AS has_returned
    FROM told JOIN standing ON standing.id = told.delivery_id
    WHERE told.result IN ({_codes((*ARRIVED, *RETURNED))}) GROUP BY standing.id, standing.result
),
busy AS MATERIALIZED (
    SELECT id FROM standing WHERE is_busy UNION ALL
    SELECT id FROM ends WHERE has_arrived AND (has_returned OR EXISTS (
        SELECT FROM {TABLE} AS event WHERE event.delivery_id = ends.id AND event.result IN ({_codes(RETURNED)})
    ))
),
plain AS (SELECT id, keeps_words FROM standing WHERE id NOT IN (SELECT id FROM busy)),
stored AS ({_INSERT} RETURNING "key", delivery_id, result, times),
news AS (SELECT stored.* FROM stored JOIN told ON told.key = stored.key AND told.times = stored.times),
raised AS ({raise_in_sql("news")})
SELECT
    (SELECT array_agg(id) FROM standing),
    (SELECT array_agg(id) FROM busy),
    (SELECT array_agg(key) FROM told WHERE key NOT IN (SELECT key FROM news))
"""  # noqa: S608
