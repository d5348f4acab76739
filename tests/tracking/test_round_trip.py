"""The sandbox's recipients, a real listener, and what the Email Log says in the end."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from smtplib import SMTP

import pytest
from django.db import connection

from broadcasts.models import BlockedEmail, Delivery
from broadcasts.results import Result
from broadcasts.sandbox.server import SandboxServer
from tests.tracking.rows import hand_over, make_delivery, running_listener, running_sandbox, wait_until
from tracking.models import Event, UnusedReport

pytestmark = pytest.mark.django_db(transaction=True)
Kind = Event.Kind


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[SandboxServer]:
    with running_listener(), running_sandbox(tmp_path) as server:
        yield server


def kinds(delivery: Delivery) -> list[str]:
    return list(delivery.events.values_list("kind", flat=True))


@pytest.mark.parametrize(
    ("address", "expected", "result"),
    [
        ("ann@home.example", [Kind.DELIVERED], Result.DELIVERED),
        ("late@home.example", [Kind.DELIVERED, Kind.BOUNCED], Result.DELIVERED),
        ("slow@home.example", [Kind.DEFERRED, Kind.DELIVERED], Result.DELIVERED),
        ("ooto@home.example", [Kind.AUTO_REPLIED], Result.DELIVERED),
        ("complaint@home.example", [Kind.DELIVERED, Kind.COMPLAINED], Result.DELIVERED),
    ],
)
def test_reports_reach_the_email_log(
    sandbox: SandboxServer, address: str, expected: list[str], result: Result
) -> None:
    delivery = make_delivery(address)
    code, _ = hand_over(sandbox, delivery)
    assert code == 250
    wait_until(lambda: len(kinds(delivery)) == len(expected))
    assert kinds(delivery) == expected
    delivery.refresh_from_db()
    assert delivery.result == result
    assert not UnusedReport.objects.exists()
    assert bool(delivery.late_bounce_at) is address.startswith("late")
    assert BlockedEmail.objects.filter(key=address, source="complaint").exists() is address.startswith("complaint")


def test_slow_recipient_is_soft_bounced_for_a_while(sandbox: SandboxServer) -> None:
    delivery = make_delivery("slow@home.example")
    hand_over(sandbox, delivery)
    wait_until(lambda: Delivery.objects.get(pk=delivery.pk).result == Result.SOFT_BOUNCED)


def test_reports_wait_for_a_listener_that_is_away_and_for_a_restart(tmp_path: Path) -> None:
    delivery = make_delivery()
    with running_listener():
        pass
    with running_sandbox(tmp_path) as server:
        hand_over(server, delivery)
    assert not delivery.events.exists()
    with running_listener(), running_sandbox(tmp_path):
        wait_until(delivery.events.exists)
    assert kinds(delivery) == [Kind.DELIVERED]


def test_listener_takes_mail_for_its_own_domain_only() -> None:
    with running_listener() as listener, SMTP(*listener.address) as smtp:
        smtp.ehlo("elsewhere.example")
        smtp.mail("<>")
        assert smtp.rcpt("office@lincoln.example")[0] == 550
        assert smtp.rcpt("b+nonsense@bounces.messenger.test")[0] == 250


def test_report_that_cannot_be_stored_stays_with_its_sender() -> None:
    with running_listener() as listener, SMTP(*listener.address) as smtp:
        smtp.ehlo("elsewhere.example")
        with missing_table(UnusedReport._meta.db_table):
            assert tell(smtp)[0] == 451
        assert tell(smtp)[0] == 250
    assert UnusedReport.objects.count() == 1


def test_a_large_report_is_taken_and_its_start_is_read() -> None:
    with running_listener() as listener, SMTP(*listener.address) as smtp:
        smtp.ehlo("elsewhere.example")
        assert tell(smtp, b"x" * 70 + b"\r\n" + (b"y" * 70 + b".\r\n") * 80_000)[0] == 250
        assert tell(smtp)[0] == 250


def tell(smtp: SMTP, report: bytes = b"Subject: no report\r\n\r\nHello\r\n") -> tuple[int, bytes]:
    smtp.mail("<>")
    smtp.rcpt("b+nonsense@bounces.messenger.test")
    return smtp.data(report)


@contextmanager
def missing_table(name: str) -> Iterator[None]:
    """A database that fails, for a moment."""
    with connection.schema_editor() as editor:
        editor.alter_db_table(UnusedReport, name, f"{name}_away")
    try:
        yield
    finally:
        with connection.schema_editor() as editor:
            editor.alter_db_table(UnusedReport, f"{name}_away", name)
