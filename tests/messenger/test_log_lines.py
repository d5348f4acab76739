"""The log of a whole sending run: every step with its broadcast, nobody's address."""

import json
import logging
from collections.abc import Iterator

import pytest
from django.core.mail import EmailMessage
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoCaptureOnCommitCallbacks

from broadcasts.actors import sweep_and_wake, work_on_broadcast
from broadcasts.delivering.controlling import pause, resume, send_now
from broadcasts.delivering.trouble import note_trouble
from broadcasts.models import Broadcast, User
from messenger.log_lines import JsonLine, Line
from tests import factory
from tests.broadcasts.delivering.conftest import mail_server
from tests.broadcasts.delivering.steps import make_people
from tests.smtp_server import Script

__all__ = ["mail_server"]
ADDRESSES = ("anna@x.example", "ben@x.example", "full@x.example", "gone@x.example")


class Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture
def kept() -> Iterator[Kept]:
    handler = Kept()
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield handler
    root.removeHandler(handler)
    root.setLevel(level)


def lines_of(kept: Kept) -> list[dict[str, object]]:
    return [json.loads(JsonLine().format(record)) for record in kept.records]


@pytest.mark.django_db
def test_a_sending_run_is_told_step_by_step_and_names_nobody(
    mail_server: Script,
    kept: Kept,
    charlie: User,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    mail_server.answer("rcpt", "550 5.1.1 <gone@x.example>: no such user", "gone@x.example")
    mail_server.answer("rcpt", "452 4.2.2 full@x.example has no room", "full@x.example")
    broadcast = factory.make_broadcast(people=make_people(*ADDRESSES))
    with django_capture_on_commit_callbacks(execute=True):
        assert send_now(broadcast, charlie, undo_seconds=0)
    work_on_broadcast(broadcast.pk)
    note_trouble(broadcast.pk, "550 <anna@x.example> may not send", broadcast.created_at)
    Broadcast.objects.filter(pk=broadcast.pk).update(status="sending")
    with django_capture_on_commit_callbacks(execute=True):
        assert pause(broadcast, charlie)
        assert resume(broadcast, charlie)
    sweep_and_wake()
    # What the code itself says, before the lines are written.
    assert not any("@" in record.getMessage() for record in kept.records)
    lines = lines_of(kept)
    told = [str(line["message"]) for line in lines]
    prefix = f"Broadcast {broadcast.pk}: "
    for words in ("broadcast.sent", "preparing", "prepared", "a shift", "sent:", "trouble:", "broadcast.paused"):
        assert any(line.startswith(prefix + words) for line in told), words
    assert all(line["broadcast"] == broadcast.pk for line in lines if str(line["message"]).startswith("Broadcast"))
    shift = next(line for line in lines if "a shift" in str(line["message"]))
    assert shift["counts"] == {"accepted": 2, "refused": 2}
    assert {"time", "level", "logger", "worker"} <= set(shift)


def record(level: int, words: str, *, error: bool = False) -> logging.LogRecord:
    problem = (ValueError, ValueError("Key (email)=(anna@x.example) exists"), None) if error else None
    return logging.LogRecord("some.library", level, "file.py", 1, words, None, problem)


@pytest.mark.parametrize("line", [Line(), JsonLine()])
def test_what_libraries_say_loses_its_addresses(line: logging.Formatter) -> None:
    said = line.format(record(logging.WARNING, "to=<Anna.B@x.example>, o'b@x.example", error=True))
    assert "@" not in said
    assert said.count("(address)") >= 3
    assert "anna@x.example" in line.format(record(logging.DEBUG, "to anna@x.example"))


def test_a_line_of_json_stays_one() -> None:
    said = JsonLine().format(record(logging.ERROR, 'two\nlines, a "quote" and "anna@x.example"', error=True))
    assert "\n" not in said
    assert json.loads(said)["message"] == 'two\nlines, a "quote" and "(address)"'


@pytest.mark.django_db
def test_signing_in_and_resetting_a_password_name_nobody(
    client: Client, kept: Kept, mailoutbox: list[EmailMessage], alice: User
) -> None:
    client.post(reverse("account_reset_password"), {"email": alice.email})
    client.post(reverse("account_login"), {"login": alice.email, "password": "wrong"})
    assert len(mailoutbox) == 1
    assert not any("@" in record.getMessage() for record in kept.records)
