"""Reports out of a mailbox: none lost, none twice."""

import io
from collections.abc import Iterator
from unittest.mock import patch

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError
from pytest_django import Settings

from broadcasts.models import Delivery
from broadcasts.results import Result
from tests.imap_server import ImapServer
from tests.tracking.rows import bounce_address, make_delivery
from tests.tracking.test_ingesting import dsn
from tracking.models import Event, UnusedReport

pytestmark = pytest.mark.django_db


@pytest.fixture
def imap(settings: Settings) -> Iterator[ImapServer]:
    server = ImapServer()
    settings.BOUNCE_IMAP_URL = server.url
    yield server
    server.stop()


def poll() -> str:
    said = io.StringIO()
    call_command("poll_bounces", stdout=said)
    return said.getvalue()


def report_to(delivery: Delivery, name: str = "1") -> bytes:
    return dsn(to=bounce_address(delivery), name=name)


def test_what_is_unread_is_stored_and_marked_as_seen(imap: ImapServer) -> None:
    delivery = make_delivery()
    imap.mailbox.messages = [report_to(delivery), b"Subject: hello\r\n\r\nA person.\r\n"]
    assert poll() == "2 message(s), 1 new event(s)\n"
    assert Delivery.objects.get(pk=delivery.pk).result == Result.FAILED
    assert imap.mailbox.seen == {1, 2}
    assert UnusedReport.objects.count() == 1


def test_second_poll_finds_nothing_new(imap: ImapServer) -> None:
    imap.mailbox.messages = [report_to(make_delivery())]
    poll()
    assert poll() == "0 message(s), 0 new event(s)\n"


def test_many_are_read_in_parts(imap: ImapServer) -> None:
    delivery = make_delivery()
    imap.mailbox.messages = [report_to(delivery, str(number)) for number in range(25)]
    assert poll() == "25 message(s), 25 new event(s)\n"
    assert len(imap.mailbox.seen) == 25


def test_without_the_database_everything_stays_unread(imap: ImapServer) -> None:
    imap.mailbox.messages = [report_to(make_delivery())]
    with (
        patch("django.db.backends.utils.CursorWrapper.execute", side_effect=OperationalError),
        pytest.raises(CommandError) as stopped,
    ):
        poll()
    assert stopped.value.returncode == 75
    assert not imap.mailbox.seen
    assert poll() == "1 message(s), 1 new event(s)\n"


def test_who_dies_between_storing_and_marking_reads_again_and_nothing_happens_twice(imap: ImapServer) -> None:
    imap.mailbox.messages = [report_to(make_delivery())]
    imap.mailbox.drops = "STORE"
    with pytest.raises(CommandError):
        poll()
    imap.mailbox.drops = ""
    assert poll() == "1 message(s), 0 new event(s)\n"
    assert Event.objects.count() == 1


def test_of_a_large_message_the_start_is_read(imap: ImapServer) -> None:
    delivery = make_delivery()
    imap.mailbox.messages = [report_to(delivery) + b"x" * (5 * 1024 * 1024)]
    assert poll() == "1 message(s), 1 new event(s)\n"


@pytest.mark.parametrize("refused", ["LOGIN", "SELECT", "SEARCH", "FETCH", "STORE"])
def test_what_the_mailbox_refuses_is_said(imap: ImapServer, refused: str) -> None:
    imap.mailbox.messages = [report_to(make_delivery())]
    imap.mailbox.refuses = refused
    with pytest.raises(CommandError, match="not today"):
        poll()


def test_a_server_that_is_not_there_is_no_crash(settings: Settings) -> None:
    settings.BOUNCE_IMAP_URL = "imap://a:b@127.0.0.1:1/INBOX"
    with pytest.raises(CommandError) as stopped:
        poll()
    assert stopped.value.returncode == 75


def test_without_a_mailbox_it_says_what_to_set(settings: Settings) -> None:
    settings.BOUNCE_IMAP_URL = ""
    with pytest.raises(CommandError, match="BOUNCE_IMAP_URL"):
        poll()
