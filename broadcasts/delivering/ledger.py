"""What a worker writes about its rows: the marks before messages leave, and what became of others, in one commit."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, OuterRef, Subquery

from broadcasts.models import Attempt, Delivery
from broadcasts.results import STILL_TRYING, Result, raised_in_sql

State = Delivery.State
TRYING = ", ".join(str(result.value) for result in STILL_TRYING)
COLUMNS = "id, number, at, outcome, result, phase, code, enhanced_code, text, rule, again, note, message_id"

# A report that overtook the server's own answer has settled the row: then no further attempt.
WRITE = f"""
UPDATE broadcasts_delivery AS d SET state = {State.IDLE.value}, lease_token = NULL, lease_until = NULL,
    next_attempt_at = CASE WHEN d.result IN ({TRYING}) THEN heard.again END,
    attempts = heard.number, last_attempt_at = heard.at, note = heard.note,
    provider_message_id = COALESCE(heard.message_id, d.provider_message_id),
    {raised_in_sql("d.result", "COALESCE(heard.result, 0)")}
FROM heard WHERE d.id = heard.id AND d.lease_token = %s
"""  # noqa: S608 - numbers of our own
ATTEMPTS = """
INSERT INTO broadcasts_attempt
    (delivery_id, number, at, outcome, result, phase, code, enhanced_code, text, rule)
"""
MARK = f"""
UPDATE broadcasts_delivery SET state = {State.IN_DOUBT.value}, attempts = attempts + 1, last_attempt_at = %s
WHERE id IN (SELECT id FROM wanted) AND lease_token = %s AND lease_until > %s AND result IN ({TRYING})
"""  # noqa: S608 - numbers of our own

# One statement is one round trip and one commit.
ON_POSTGRESQL = f"""
WITH heard ({COLUMNS}) AS (
    SELECT * FROM unnest(%s::bigint[], %s::smallint[], %s::timestamptz[], %s::text[], %s::smallint[], %s::text[],
        %s::smallint[], %s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::text[], %s::text[])
), written AS ({WRITE} RETURNING d.id
), recorded AS ({ATTEMPTS}
    SELECT id, number, at, outcome, result, phase, code, enhanced_code, text, rule
    FROM heard WHERE id IN (SELECT id FROM written)
), wanted (id) AS (SELECT unnest(%s::bigint[])
), marked AS ({MARK} RETURNING id)
SELECT id FROM marked
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

    def as_row(self) -> tuple[Any, ...]:
        """In the order of COLUMNS."""
        result = None if self.result is None else self.result.value
        said = self.phase, self.code, self.enhanced_code, self.text, self.rule
        return (
            self.delivery_id,
            self.number,
            _moment(self.at),
            self.outcome.value,
            result,
            *said,
            _moment(self.next_attempt_at),
            str(self.note),
            self.provider_message_id,
        )


def record(token: UUID, outcomes: Sequence[Outcome], to_mark: Collection[int], now: datetime) -> set[int]:
    """Write what is known so far and, in the same commit, that these rows' messages are about to leave.

    An outcome is written only while its row is ours: a worker whose lease was given to another writes nothing.
    Returns the rows that were marked. The others are no longer ours (the lease ran out and somebody else may have
    sent them) or need no email any more (a report came in): they must not be sent.
    """
    rows = [outcome.as_row() for outcome in outcomes]
    if connection.vendor == "postgresql":
        return _record_on_postgresql(token, rows, to_mark, now)
    return _record_on_sqlite(token, rows, to_mark, now)


def take_back_marks(token: UUID, ids: Collection[int]) -> None:
    """Nothing of these emails left, and that is certain: as if they had not been tried. They are still ours."""
    tries = Attempt.objects.filter(delivery=OuterRef("pk")).order_by("-number").values("at")[:1]
    Delivery.objects.filter(pk__in=ids, lease_token=token, state=State.IN_DOUBT).update(
        state=State.CLAIMED, attempts=F("attempts") - 1, last_attempt_at=Subquery(tries)
    )


def _record_on_postgresql(
    token: UUID, rows: Sequence[tuple[Any, ...]], to_mark: Collection[int], now: datetime
) -> set[int]:
    columns = [list(column) for column in zip(*rows, strict=True)] or [[]] * len(COLUMNS.split(","))
    return _execute(ON_POSTGRESQL, [*columns, token, list(to_mark), now, token, now])


@transaction.atomic
def _record_on_sqlite(
    token: UUID, rows: Sequence[tuple[Any, ...]], to_mark: Collection[int], now: datetime
) -> set[int]:
    if rows:
        places = ", ".join([f"({_places(rows[0])})"] * len(rows))
        heard = f"WITH heard ({COLUMNS}) AS (VALUES {places}) "
        values = [value for row in rows for value in row]
        ours = _execute(f"{heard}{WRITE} RETURNING id", [*values, token.hex])
        attempts = [row[:10] for row in rows if row[0] in ours]
        with connection.cursor() as cursor:
            cursor.executemany(f"{ATTEMPTS} VALUES ({_places(range(10))})", attempts)
    if not to_mark:
        return set()
    wanted = f"WITH wanted (id) AS (VALUES {', '.join(['(%s)'] * len(to_mark))}) "
    moment = _moment(now)
    return _execute(f"{wanted}{MARK} RETURNING id", [*to_mark, moment, token.hex, moment])


def _places(values: Collection[object]) -> str:
    return ", ".join(["%s"] * len(values))


def _moment(at: datetime | None) -> Any:
    return connection.ops.adapt_datetimefield_value(at)


def _execute(statement: str, values: Sequence[Any]) -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return {pk for (pk,) in cursor.fetchall()}
