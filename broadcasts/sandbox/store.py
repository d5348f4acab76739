"""What the sandbox must not forget when its process is killed: messages, reports still to be sent, attempts.

A file of its own, apart from the product's database: the sandbox plays somebody else's machine.
"""

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from django.conf import settings

from broadcasts.sandbox.recipients import PlannedReport, ReportKind

FILE_NAME = "mailboxes.sqlite3"
SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY, delivery_id INTEGER, sender TEXT NOT NULL, recipient TEXT NOT NULL,
    received_at REAL NOT NULL, envelope_id TEXT NOT NULL, original_recipient TEXT NOT NULL,
    subject TEXT NOT NULL, raw BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS reports (
    id INTEGER PRIMARY KEY, message_id INTEGER NOT NULL REFERENCES messages, kind TEXT NOT NULL,
    due_at REAL NOT NULL, done_at REAL, outcome TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS reports_due ON reports (due_at) WHERE done_at IS NULL;
CREATE TABLE IF NOT EXISTS refusals (
    sender TEXT NOT NULL, recipient TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (sender, recipient)
) WITHOUT ROWID;
"""
ADD_MESSAGE = """
INSERT INTO messages (delivery_id, sender, recipient, received_at, envelope_id, original_recipient, subject, raw)
VALUES (:delivery_id, :sender, :recipient, :now, :envelope_id, :original_recipient, :subject, :raw)
"""
# Forgets the oldest messages; not those that still have something to report.
CLEAR = (
    "DELETE FROM messages WHERE id <= ? AND id NOT IN (SELECT message_id FROM reports WHERE done_at IS NULL)",
    "DELETE FROM reports WHERE message_id NOT IN (SELECT id FROM messages)",
)

MESSAGES_KEPT = 20_000
MESSAGES_BETWEEN_CLEARING = 1_000


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message at one recipient's door, and the reports that this recipient will cause."""

    sender: str
    recipient: str
    envelope_id: str
    original_recipient: str
    subject: str
    raw: bytes
    reports: tuple[PlannedReport, ...]
    delivery_id: int | None  # for our own page: a real server could not know it


@dataclass(frozen=True, slots=True)
class DueReport:
    """A report to be sent now, with what it is about."""

    id: int
    kind: ReportKind
    message_id: int
    sender: str
    recipient: str
    received_at: float
    envelope_id: str
    original_recipient: str
    start: bytes  # of the message: all of its headers


def sandbox_folder() -> Path:
    return Path(settings.MESSENGER_HOME) / "sandbox"


class Store:
    """One connection, usable from several threads in turn."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(folder / FILE_NAME, timeout=20, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode=WAL")
        # NORMAL: a commit outlives this process without waiting for the disk; only a power cut could take it.
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.executescript(SCHEMA)

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._connection:
            yield self._connection

    def accept(self, arrivals: Iterable[Arrival], now: float) -> None:
        with self._transaction() as db:
            for one in arrivals:
                message = db.execute(ADD_MESSAGE, {**asdict(one), "now": now}).lastrowid
                if message and message % MESSAGES_BETWEEN_CLEARING == 0:
                    db.execute(CLEAR[0], (message - MESSAGES_KEPT,))
                    db.execute(CLEAR[1])
                db.executemany(
                    "INSERT INTO reports (message_id, kind, due_at) VALUES (?, ?, ?)",
                    [(message, report.kind.value, now + report.after) for report in one.reports],
                )

    def count_refusal(self, sender: str, recipient: str) -> int:
        """Note one more attempt; how many there have been, with this one."""
        with self._transaction() as db:
            [count] = db.execute(
                "INSERT INTO refusals VALUES (?, ?, 1)"
                " ON CONFLICT (sender, recipient) DO UPDATE SET count = count + 1 RETURNING count",
                (sender.lower(), recipient.lower()),
            ).fetchone()
        return int(count)

    def due_reports(self, now: float, limit: int = 100) -> list[DueReport]:
        with self._transaction() as db:
            # A report returns the headers, which come first: no need to read attachments.
            rows = db.execute(
                "SELECT r.id, r.kind, m.id, m.sender, m.recipient, m.received_at, m.envelope_id,"
                " m.original_recipient, substr(m.raw, 1, 32768) FROM reports r JOIN messages m ON m.id = r.message_id"
                " WHERE r.done_at IS NULL AND r.due_at <= ? ORDER BY r.due_at, r.id LIMIT ?",
                (now, limit),
            ).fetchall()
        return [DueReport(row[0], ReportKind(row[1]), *row[2:]) for row in rows]

    def next_due_at(self) -> float | None:
        with self._transaction() as db:
            [due_at] = db.execute("SELECT MIN(due_at) FROM reports WHERE done_at IS NULL").fetchone()
        return None if due_at is None else float(due_at)

    def finish_reports(self, outcomes: Iterable[tuple[int, str]], now: float) -> None:
        with self._transaction() as db:
            db.executemany(
                "UPDATE reports SET done_at = ?, outcome = ? WHERE id = ?",
                [(now, outcome, report) for report, outcome in outcomes],
            )

    def postpone_reports(self, reports: Iterable[int], until: float) -> None:
        with self._transaction() as db:
            db.executemany("UPDATE reports SET due_at = ? WHERE id = ?", [(until, report) for report in reports])
