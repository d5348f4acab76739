"""Reports out of a mailbox (IMAP, RFC 3501): stored first, marked as seen after, so that a crash loses none."""

import imaplib
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

from django.db import Error as DatabaseTrouble

from tracking.bounces.explaining import LARGEST_READ
from tracking.bounces.ingesting import Arrived, ingest_reports
from tracking.bounces.naming import recipient_in

IMAP_PORT, IMAPS_PORT = 143, 993
SECONDS = 60
# So many are held at a time, each with LARGEST_READ bytes at most.
TOGETHER = 10


log = logging.getLogger(__name__)


class MailboxTrouble(Exception):
    """Its text says what the mailbox would not do."""


def poll_mailbox(url: str) -> tuple[int, int]:
    """How many unread messages were read, and how many new events they gave.

    Raises MailboxTrouble, and DatabaseError with the messages unread as before.
    """
    messages = events = 0
    with _open_mailbox(url) as mailbox:
        unseen = _ask(mailbox, "SEARCH", "UNSEEN")[0].split()
        for start in range(0, len(unseen), TOGETHER):
            numbers = [number.decode() for number in unseen[start : start + TOGETHER]]
            events += _ingest(list(_fetch(mailbox, numbers)))
            # Committed. Who dies here reads them once more, and the same report changes nothing twice.
            _ask(mailbox, "STORE", ",".join(numbers), "+FLAGS.SILENT", r"(\Seen)")
            messages += len(numbers)
    return messages, events


def _ingest(reports: Sequence[Arrived]) -> int:
    """One that nobody can read must not keep the others from being read, now and at every later look."""
    try:
        return ingest_reports(reports)
    except DatabaseTrouble:
        raise
    except Exception:
        if len(reports) == 1:
            log.exception("A message of the bounce mailbox cannot be read; it stays there, marked as read")
            return 0
    return sum(_ingest([report]) for report in reports)


@contextmanager
def _open_mailbox(url: str) -> Iterator[imaplib.IMAP4]:
    parts = urlsplit(url)
    folder = unquote(parts.path.strip("/")) or "INBOX"
    try:
        with _connect(parts.scheme, parts.hostname or "", parts.port) as mailbox:
            mailbox.login(unquote(parts.username or ""), unquote(parts.password or ""))
            answer, data = mailbox.select(f'"{folder}"')
            if answer != "OK":
                raise MailboxTrouble(f"{folder}: {_words(data)}")
            yield mailbox
    except (OSError, imaplib.IMAP4.error, UnicodeError) as error:
        raise MailboxTrouble(str(error)) from error


def _connect(scheme: str, host: str, port: int | None) -> imaplib.IMAP4:
    if scheme == "imaps":
        return imaplib.IMAP4_SSL(host, port or IMAPS_PORT, timeout=SECONDS)
    return imaplib.IMAP4(host, port or IMAP_PORT, timeout=SECONDS)


def _ask(mailbox: imaplib.IMAP4, *command: str) -> list[Any]:
    answer, data = mailbox.uid(*command)
    if answer != "OK":
        raise MailboxTrouble(f"{command[0]}: {_words(data)}")
    return data if data and data[0] is not None else [b""]


def _words(data: Sequence[Any]) -> str:
    return " ".join(part.decode("utf-8", "replace") for part in data if isinstance(part, bytes))


def _fetch(mailbox: imaplib.IMAP4, numbers: Sequence[str]) -> Iterator[Arrived]:
    for number in numbers:
        data = _ask(mailbox, "FETCH", number, f"(BODY.PEEK[]<0.{LARGEST_READ}>)")
        # Nothing, when somebody deleted it in the meantime.
        for raw in (part[1] for part in data if isinstance(part, tuple)):
            yield Arrived(raw, recipient_in(raw))
