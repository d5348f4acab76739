"""Reading what the sandbox's recipients got, as they would read it."""

import re
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as modern
from functools import cached_property

from broadcasts.models import Delivery, User
from broadcasts.sandbox.store import FILE_NAME, sandbox_folder

SUMMARY = "SELECT id, delivery_id, recipient, subject, received_at FROM messages"
IDS_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Summary:
    id: int
    delivery_id: int | None
    recipient: str
    subject: str
    received_at: datetime


@dataclass(frozen=True)
class Letter:
    """One message, opened."""

    summary: Summary
    raw: bytes

    @cached_property
    def message(self) -> EmailMessage:
        return message_from_bytes(self.raw, policy=modern)

    @property
    def html(self) -> str:
        return self._body("html")

    @property
    def text(self) -> str:
        return self._body("plain")

    @property
    def raw_headers(self) -> str:
        return self.raw.partition(b"\r\n\r\n")[0].decode("utf-8", "replace").replace("\r\n", "\n")

    @cached_property
    def parts(self) -> list["Part"]:
        """What hangs on it besides its text, numbered as they come."""
        found = [one for one in self.message.walk() if isinstance(one, EmailMessage) and _is_file(one)]
        return [Part(number, one) for number, one in enumerate(found)]

    def _body(self, subtype: str) -> str:
        part = self.message.get_body((subtype,))
        if part is None:
            return ""
        charset = part.get_content_charset("utf-8")
        content = part.get_payload(decode=True)
        try:
            return content.decode(charset, "replace") if isinstance(content, bytes) else ""
        except LookupError:
            return content.decode("utf-8", "replace") if isinstance(content, bytes) else ""


@dataclass(frozen=True, slots=True)
class Part:
    """A file or a picture of a message."""

    number: int
    part: EmailMessage

    @property
    def filename(self) -> str:
        return self.part.get_filename() or ""

    @property
    def content_id(self) -> str:
        return str(self.part["Content-ID"] or "").strip().strip("<>")

    @property
    def is_inline(self) -> bool:
        return bool(self.content_id) and self.part.get_content_maintype() == "image"

    @property
    def content(self) -> bytes:
        content = self.part.get_payload(decode=True)
        return content if isinstance(content, bytes) else b""

    @property
    def size(self) -> int:
        return len(self.content)


def _is_file(part: EmailMessage) -> bool:
    return not part.is_multipart() and bool(part.get_filename() or part["Content-ID"])


@contextmanager
def _reading() -> Iterator[sqlite3.Connection | None]:
    """None before the sandbox has been started for the first time."""
    file = sandbox_folder() / FILE_NAME
    if not file.exists():
        yield None
        return
    connection = sqlite3.connect(file, timeout=20)
    try:
        yield connection
    finally:
        connection.close()


def find_messages(user: User, search: str = "") -> list[int]:
    """The numbers of the messages this user may read, newest first."""
    pattern = "%" + re.sub(r"([\\%_])", r"\\\1", search.strip()) + "%"
    with _reading() as db:
        if db is None:
            return []
        rows = db.execute(
            "SELECT id, delivery_id, recipient FROM messages WHERE recipient LIKE ? ESCAPE '\\' ORDER BY id DESC",
            (pattern,),
        ).fetchall()
    if user.is_administrator:
        return [row[0] for row in rows]
    visible = _visible_deliveries(user, [row[1] for row in rows if row[1] is not None])
    return [row[0] for row in rows if row[1] in visible or _is_own(user, row[2])]


def read_summaries(ids: Iterable[int]) -> list[Summary]:
    wanted = list(ids)
    places = ",".join("?" * len(wanted))
    with _reading() as db:
        if db is None:
            return []
        rows = db.execute(f"{SUMMARY} WHERE id IN ({places}) ORDER BY id DESC", wanted).fetchall()
    return [_summary(row) for row in rows]


def open_message(user: User, number: int) -> Letter | None:
    """None when there is none, or none that this user may read."""
    with _reading() as db:
        row = db.execute(f"{SUMMARY} WHERE id = ?", (number,)).fetchone() if db else None
        raw = db.execute("SELECT raw FROM messages WHERE id = ?", (number,)).fetchone() if db else None
    if row is None or raw is None:
        return None
    summary = _summary(row)
    may_read = (
        user.is_administrator
        or _is_own(user, summary.recipient)
        or bool(_visible_deliveries(user, [summary.delivery_id] if summary.delivery_id else []))
    )
    return Letter(summary, raw[0]) if may_read else None


def _summary(row: tuple[int, int | None, str, str, float]) -> Summary:
    return Summary(*row[:4], received_at=datetime.fromtimestamp(row[4], UTC))


def _visible_deliveries(user: User, ids: list[int]) -> set[int]:
    visible: set[int] = set()
    for start in range(0, len(ids), IDS_AT_ONCE):
        rows = Delivery.objects.visible_to(user).filter(pk__in=ids[start : start + IDS_AT_ONCE])
        visible.update(rows.values_list("pk", flat=True))
    return visible


def _is_own(user: User, recipient: str) -> bool:
    """A test email to oneself belongs to no delivery."""
    return bool(user.email) and recipient.lower() == user.email.lower()
