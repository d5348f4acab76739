"""What a worker writes about its rows: the marks before messages leave, and what became of others, in one commit."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, OuterRef, Subquery

from broadcasts.among import among
from broadcasts.models import Attempt, Delivery
from broadcasts.results import STILL_TRYING, Result, raised_in_sql

State = Delivery.State
TRYING = ", ".join(str(result.value) for result in STILL_TRYING)
# The lease, locked until the commit: whoever closes it meanwhile waits, and then finds what was done here.
MINE = "SELECT 1 FROM broadcasts_lease WHERE token = %s AND is_open AND until >"
# A row that was refused before its message left was never marked. A report that overtook the server's own answer has
# settled the row: then no further attempt.
WRITE = f"""
UPDATE broadcasts_delivery AS d SET state = {State.IDLE.value}, lease_token = NULL,
    next_attempt_at = CASE WHEN d.result IN ({TRYING}) THEN heard.again END,
    attempts = heard.number, last_attempt_at = heard.at, note = heard.note,
    provider_message_id = COALESCE(heard.message_id, d.provider_message_id),
    {raised_in_sql("d.result", "COALESCE(heard.result, 0)")}
FROM heard WHERE d.id = heard.id
    AND (d.lease_token = %s OR (
        d.state = {State.WAITING.value} AND d.attempts = heard.number - 1 AND EXISTS (SELECT 1 FROM mine)
    ))
"""  # noqa: S608 - numbers of our own
ATTEMPTS = """
INSERT INTO broadcasts_attempt
    (delivery_id, number, at, outcome, result, phase, code, enhanced_code, text, rule)
"""
MARK = f"""
UPDATE broadcasts_delivery SET state = {State.IN_DOUBT.value}, lease_token = %s,
    attempts = attempts + 1, last_attempt_at = %s
WHERE id IN (SELECT id FROM wanted) AND state = {State.WAITING.value} AND result IN ({TRYING})
    AND EXISTS (SELECT 1 FROM mine)
"""  # noqa: S608 - numbers of our own

# What was heard and what is to leave come as JSON: one parameter each, however many rows.
COLUMNS = {
    "id": "bigint",
    "number": "smallint",
    "at": "timestamptz",
    "outcome": "text",
    "result": "smallint",
    "phase": "text",
    "code": "smallint",
    "enhanced_code": "text",
    "text": "text",
    "rule": "text",
    "again": "timestamptz",
    "note": "text",
    "message_id": "text",
}
HEARD = "SELECT id, number, at, outcome, result, phase, code, enhanced_code, text, rule FROM heard"

# One statement is one round trip and one commit. The limits limit nothing: they tell the planner how few rows come.
ON_POSTGRESQL = f"""
WITH mine AS MATERIALIZED ({MINE} statement_timestamp() FOR SHARE
), heard AS (
    SELECT * FROM json_to_recordset(%s::json) AS row ({", ".join(map(" ".join, COLUMNS.items()))}) LIMIT %s
), written AS ({WRITE} RETURNING d.id
), recorded AS ({ATTEMPTS} {HEARD} WHERE id IN (SELECT id FROM written) ON CONFLICT DO NOTHING
), wanted (id) AS (SELECT value::bigint FROM json_array_elements_text(%s::json) LIMIT %s
), marked AS ({MARK} RETURNING id)
SELECT id FROM marked
"""  # noqa: S608 - numbers of our own

HEARD_BY_SQLITE = f"""
mine AS ({MINE} %s
), heard AS (
    SELECT {", ".join(f"json_extract(value, '$.{column}') AS {column}" for column in COLUMNS)} FROM json_each(%s)
)
"""  # noqa: S608 - names of our own
WRITTEN_BY_SQLITE = f"WITH {HEARD_BY_SQLITE} {WRITE} RETURNING id"
ATTEMPTS_BY_SQLITE = f"""
{ATTEMPTS} WITH {HEARD_BY_SQLITE} {HEARD} WHERE id IN (SELECT value FROM json_each(%s)) ON CONFLICT DO NOTHING
"""  # noqa: S608 - names of our own
MARKED_BY_SQLITE = f"""
WITH mine AS ({MINE} %s), wanted (id) AS (SELECT value FROM json_each(%s)) {MARK} RETURNING id
"""  # noqa: S608 - numbers of our own


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one attempt came to."""

    delivery_id: int
    number: int
    at: datetime
    outcome: Attempt.Outcome
    result: Result | None = None  # the result it argues for
    phase: str = ""
    code: int | None = None
    enhanced_code: str = ""
    text: str = ""
    rule: str = ""
    next_attempt_at: datetime | None = None
    note: str = ""
    provider_message_id: str | None = None

    def as_row(self) -> dict[str, Any]:
        """Of COLUMNS."""
        return {
            "id": self.delivery_id,
            "number": self.number,
            "at": _moment(self.at),
            "outcome": self.outcome.value,
            "result": self.result,
            "phase": self.phase,
            "code": self.code,
            "enhanced_code": self.enhanced_code,
            "text": _storable(self.text),
            "rule": self.rule,
            "again": _moment(self.next_attempt_at),
            "note": str(self.note),
            "message_id": self.provider_message_id and _storable(self.provider_message_id),
        }


def record(token: UUID, outcomes: Sequence[Outcome], to_mark: Collection[int], now: datetime) -> set[int]:
    """Write what is known so far and, in the same commit, that these rows' messages are about to leave.

    An outcome is written only of a row that we marked, or that waits while the lease is ours.
    Returns the rows that were marked. The others are no longer ours (the lease ran out and somebody else may have
    sent them) or need no email any more (a report came in): they must not be sent.
    """
    # In the order in which reports lock them too: so two transactions do not wait in a circle.
    heard = json.dumps([outcome.as_row() for outcome in sorted(outcomes, key=lambda one: one.delivery_id)])
    wanted = json.dumps(sorted(to_mark))
    if connection.vendor == "postgresql":
        values = [token, heard, len(outcomes), token, wanted, len(to_mark), token, now]
        return _execute(ON_POSTGRESQL, values)
    return _record_on_sqlite(token, heard, wanted, _moment(now))


def take_back_marks(token: UUID, ids: Collection[int]) -> None:
    """Nothing of these emails left, and that is certain: as if they had not been tried. They are still ours."""
    tries = Attempt.objects.filter(delivery=OuterRef("pk")).order_by("-number").values("at")[:1]
    Delivery.objects.filter(among("pk", ids), lease_token=token, state=State.IN_DOUBT).update(
        state=State.WAITING, lease_token=None, attempts=F("attempts") - 1, last_attempt_at=Subquery(tries)
    )


@transaction.atomic
def _record_on_sqlite(token: UUID, heard: str, wanted: str, now: str) -> set[int]:
    mine = token.hex, now
    ours = _execute(WRITTEN_BY_SQLITE, [*mine, heard, token.hex])
    if ours:
        with connection.cursor() as cursor:
            cursor.execute(ATTEMPTS_BY_SQLITE, [*mine, heard, json.dumps(list(ours))])
    return _execute(MARKED_BY_SQLITE, [*mine, wanted, *mine])


def _storable(text: str) -> str:
    """Of others' words: no database takes half a character, and PostgreSQL no NUL."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def _moment(at: datetime | None) -> Any:
    """As the database writes it."""
    return at and str(connection.ops.adapt_datetimefield_value(at))


def _execute(statement: str, values: Sequence[Any]) -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return {pk for (pk,) in cursor.fetchall()}
