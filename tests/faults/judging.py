"""The relay's own count against the ledger, row by row. The only place here that knows how the ledger is stored."""

from collections import Counter, defaultdict
from dataclasses import dataclass

import psycopg

from broadcasts.models import Attempt, Broadcast, Delivery
from broadcasts.results import Result
from tests.faults.running import Relay

State = Delivery.State


@dataclass
class Row:
    email: str
    result: Result
    state: Delivery.State
    attempts: int
    note: str
    is_sendable: bool
    tries: list[str]


def read_rows(url: str, broadcast: int) -> list[Row]:
    with psycopg.connect(url) as connection:
        tries: dict[int, list[str]] = defaultdict(list)
        query = """SELECT delivery_id, outcome FROM broadcasts_attempt a JOIN broadcasts_delivery d
            ON d.id = delivery_id WHERE broadcast_id = %s ORDER BY delivery_id, number"""
        for pk, outcome in connection.execute(query, [broadcast]):
            tries[pk].append(outcome)
        rows = connection.execute(
            "SELECT id, email, result, state, attempts, note, is_sendable FROM broadcasts_delivery"
            " WHERE broadcast_id = %s ORDER BY id",
            [broadcast],
        )
        return [
            Row(email, Result(result), State(state), attempts, note, is_sendable, tries[pk])
            for pk, email, result, state, attempts, note, is_sendable in rows
        ]


def status_of(url: str, broadcast: int) -> str:
    return str(_ask(url, "SELECT status FROM broadcasts_broadcast WHERE id = %s", broadcast))


def trouble_of(url: str, broadcast: int) -> str:
    return str(_ask(url, "SELECT trouble FROM broadcasts_broadcast WHERE id = %s", broadcast))


def rows_of(url: str, broadcast: int) -> int:
    return int(str(_ask(url, "SELECT count(*) FROM broadcasts_delivery WHERE broadcast_id = %s", broadcast)))


def is_sent(url: str, broadcast: int) -> bool:
    return status_of(url, broadcast) == Broadcast.Status.SENT


def is_settled(url: str, broadcast: int) -> bool:
    """Sent, and nobody is tried again either."""
    again = "SELECT count(*) FROM broadcasts_delivery WHERE broadcast_id = %s AND next_attempt_at IS NOT NULL"
    return is_sent(url, broadcast) and _ask(url, again, broadcast) == 0


def _ask(url: str, query: str, broadcast: int) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(query, [broadcast]).fetchone()
        assert row is not None
        return row[0]


@dataclass
class Verdict:
    """Of a send that has come to its end."""

    recipients: int
    lost: list[str]  # their email should have arrived and did not, and nobody said so
    strangers: list[str]  # got an email that the ledger does not know of
    unmarked: list[str]  # more copies than their row has doubts
    misreported: list[str]  # the row says what the relay did not see
    repeated: int  # copies beyond the first
    doubts: int  # marks of doubt that the ledger remembers
    unconfirmed: int

    def assert_fair(self, most_repeated: int) -> None:
        assert not self.lost, f"lost: {self.lost[:10]}"
        assert not self.strangers, f"written to without a row: {self.strangers[:10]}"
        assert not self.unmarked, f"repeated without a mark: {self.unmarked[:10]}"
        assert not self.misreported, f"the ledger disagrees with the relay: {self.misreported[:10]}"
        assert self.repeated <= most_repeated, f"{self.repeated} repeated, at most {most_repeated} can be in doubt"


def judge(relay: Relay, url: str, broadcast: int) -> Verdict:
    rows = read_rows(url, broadcast)
    sendable = {row.email: row for row in rows if row.is_sendable}
    lines = relay.lines()
    copies = Counter(recipient for _, _, recipient, _ in lines)
    names = {(recipient, name) for _, _, recipient, name in lines}
    assert len(names) == len(copies), "a copy left with another Message-ID"
    assert len({name for _, name in names}) == len(copies), "two recipients share a Message-ID"
    return Verdict(
        recipients=len(sendable),
        lost=[email for email, row in sendable.items() if not copies[email] and not _is_accounted_for(row)],
        strangers=[email for email in copies if email not in sendable],
        unmarked=[email for email, row in sendable.items() if copies[email] > 1 + _doubts(row)],
        misreported=[email for email, row in sendable.items() if not _is_true(row, copies[email])],
        repeated=copies.total() - len(copies),
        doubts=sum(map(_doubts, sendable.values())),
        unconfirmed=sum(row.state == State.UNCONFIRMED for row in sendable.values()),
    )


def _doubts(row: Row) -> int:
    return row.tries.count(Attempt.Outcome.IN_DOUBT)


def _is_accounted_for(row: Row) -> bool:
    """Everybody sees that this email may not have arrived."""
    return row.state == State.UNCONFIRMED or row.note == Delivery.Note.CANCELLED.value


def _is_true(row: Row, copies: int) -> bool:
    """Every try is on record, and what counts as handed over is what the relay has seen."""
    accepted = row.tries.count(Attempt.Outcome.ACCEPTED)
    is_counted = len(row.tries) == row.attempts
    if accepted:  # results only go forward: Soft Bounced stands above Sent
        return is_counted and accepted == 1 and copies >= 1 and row.result in (Result.SENT, Result.SOFT_BOUNCED)
    return is_counted and row.result == Result.UNSENT and copies <= _doubts(row)
