"""The door that mail servers knock at: a report is theirs until it is in the database."""

import smtplib
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import pytest
from django.db import OperationalError

from broadcasts.models import Delivery
from broadcasts.results import Result
from tests.tracking.rows import BOUNCE_DOMAIN, SECONDS, bounce_address, make_delivery
from tests.tracking.test_ingesting import dsn
from tracking.bounces import conversing
from tracking.bounces.listener import BounceListener
from tracking.models import Event, UnusedReport

pytestmark = pytest.mark.django_db(transaction=True)
MEGABYTE = 1024 * 1024
both = pytest.mark.parametrize("lmtp", [False, True])


@contextmanager
def knocking(*, lmtp: bool) -> Iterator[smtplib.SMTP]:
    listener = BounceListener("127.0.0.1", 0, lmtp=lmtp)
    listener.start()
    host, port = listener.address
    try:
        with smtplib.LMTP(host, port) if lmtp else smtplib.SMTP(host, port, timeout=SECONDS) as server:
            yield server
    finally:
        listener.stop()


def say_all_the_same(server: smtplib.SMTP, address: str, raw: bytes) -> int:
    """Without saying first how much it is."""
    server.ehlo_or_helo_if_needed()
    assert server.mail("")[0] == 250
    assert server.rcpt(address)[0] == 250
    return server.data(raw)[0]


@both
def test_a_report_is_stored_before_the_250(lmtp: bool) -> None:
    delivery = make_delivery()
    with knocking(lmtp=lmtp) as server:
        server.sendmail("", [bounce_address(delivery)], dsn())
        assert Delivery.objects.get(pk=delivery.pk).result == Result.FAILED


@both
def test_second_arrival_is_welcome_and_changes_nothing(lmtp: bool) -> None:
    delivery = make_delivery()
    with knocking(lmtp=lmtp) as server:
        for _ in range(2):
            server.sendmail("", [bounce_address(delivery)], dsn())
    assert Event.objects.count() == 1


@both
def test_without_the_database_it_asks_to_come_again(lmtp: bool) -> None:
    delivery = make_delivery()
    with knocking(lmtp=lmtp) as server:
        with (
            patch("django.db.backends.utils.CursorWrapper.execute", side_effect=OperationalError),
            pytest.raises(smtplib.SMTPDataError) as refused,
        ):
            server.sendmail("", [bounce_address(delivery)], dsn())
        assert refused.value.smtp_code == 451
        server.sendmail("", [bounce_address(delivery)], dsn())
    assert Event.objects.count() == 1


@both
def test_other_domains_are_not_ours(lmtp: bool) -> None:
    with knocking(lmtp=lmtp) as server, pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        server.sendmail("", ["ann@home.example"], dsn())
    assert refused.value.recipients["ann@home.example"][0] == 550


def test_lmtp_answers_for_each_recipient() -> None:
    first, second = make_delivery(), make_delivery("ben@home.example")
    with knocking(lmtp=True) as server:
        server.ehlo_or_helo_if_needed()
        server.mail("")
        for delivery in (first, second):
            server.rcpt(bounce_address(delivery))
        assert server.data(dsn())[0] == 250
        assert server.getreply()[0] == 250
        assert server.noop()[0] == 250
    assert Event.objects.count() == 2


def test_lmtp_takes_no_ehlo() -> None:
    with knocking(lmtp=True) as server:
        assert server.docmd("EHLO", "mx.example")[0] == 500


def test_a_two_megabyte_body_is_taken() -> None:
    delivery = make_delivery()
    with knocking(lmtp=False) as server:
        server.sendmail("", [bounce_address(delivery)], dsn() + b"x" * 70 * 1000 + b"\r\n" + b"y\r\n" * 2 * MEGABYTE)
    assert Delivery.objects.get(pk=delivery.pk).result == Result.FAILED


def test_too_big_by_its_own_word_is_refused_before_it_comes() -> None:
    with knocking(lmtp=False) as server:
        server.ehlo()
        code, _words = server.docmd("MAIL", f"FROM:<> SIZE={100 * MEGABYTE}")
    assert code == 552


@both
def test_too_big_is_refused_and_the_conversation_goes_on(lmtp: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversing, "LARGEST_REPORT_BYTES", 2 * MEGABYTE)
    delivery = make_delivery()
    with knocking(lmtp=lmtp) as server:
        assert say_all_the_same(server, bounce_address(delivery), dsn() + b"x\r\n" * MEGABYTE) == 552
        server.sendmail("", [bounce_address(delivery)], dsn())
    assert Event.objects.count() == 1


def test_without_room_it_asks_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    delivery = make_delivery()
    monkeypatch.setattr(conversing.Room, "take", lambda _room, _wanted: False)
    with knocking(lmtp=False) as server, pytest.raises(smtplib.SMTPDataError) as refused:
        server.sendmail("", [bounce_address(delivery)], dsn())
    assert refused.value.smtp_code == 451
    assert not Event.objects.exists()
    assert not UnusedReport.objects.exists()


def test_room_that_was_taken_is_given_back() -> None:
    room = conversing.Room(10)
    assert room.take(7)
    assert not room.take(4)
    room.give(7)
    assert room.take(10)


def test_a_connection_that_breaks_stores_nothing() -> None:
    delivery = make_delivery()
    listener = BounceListener("127.0.0.1", 0)
    listener.start()
    try:
        with socket.create_connection(listener.address) as wire:
            wire.sendall(
                f"EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<{bounce_address(delivery)}>\r\nDATA\r\n".encode() + dsn()
            )
        host, port = listener.address
        with smtplib.SMTP(host, port, timeout=SECONDS) as server:
            assert server.noop()[0] == 250
    finally:
        listener.stop()
    assert not Event.objects.exists()


def test_many_at_once_are_all_stored() -> None:
    deliveries = [make_delivery()]
    broadcast = deliveries[0].broadcast
    deliveries += [make_delivery(f"p{number}@home.example", broadcast=broadcast) for number in range(30)]
    listener = BounceListener("127.0.0.1", 0, lmtp=True)
    listener.start()

    def tell(delivery: Delivery) -> None:
        host, port = listener.address
        with smtplib.LMTP(host, port) as server:
            server.sendmail("", [bounce_address(delivery)], dsn())

    try:
        with ThreadPoolExecutor(10) as pool:
            list(pool.map(tell, deliveries))
    finally:
        listener.stop()
    assert Event.objects.count() == 31


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Only Linux says how much memory was used.")
def test_fifty_megabytes_take_little_memory(tmp_path: Path) -> None:
    listening = subprocess.Popen(
        [sys.executable, "manage.py", "listen_for_reports"],
        cwd=Path(__file__).resolve().parents[3],
        env={"MESSENGER_HOME": str(tmp_path), "BOUNCE_DOMAIN": BOUNCE_DOMAIN},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert listening.stdout
        found = listening.stdout.readline().split("127.0.0.1:")[1].split()[0]
        with smtplib.SMTP("127.0.0.1", int(found), timeout=300) as server:
            fifty = b"Subject: Undelivered\r\n\r\n" + b"x\r\n" * (17 * MEGABYTE)
            assert say_all_the_same(server, f"b+x@{BOUNCE_DOMAIN}", fifty) == 552
            assert server.noop()[0] == 250
        status = Path(f"/proc/{listening.pid}/status").read_text()
        assert int(status.split("VmHWM:")[1].split()[0]) < 200 * 1024
    finally:
        listening.terminate()
        assert listening.wait(SECONDS) == 0


@both
def test_a_report_may_have_other_letters_and_our_addresses_have_none(lmtp: bool) -> None:
    delivery = make_delivery()
    with knocking(lmtp=lmtp) as server:
        server.ehlo_or_helo_if_needed()
        assert server.has_extn("smtputf8")
        assert server.docmd("MAIL FROM:<> SMTPUTF8 BODY=8BITMIME")[0] == 250
        assert server.sock is not None
        server.sock.sendall(b"RCPT TO:<b+\xff\xfc@%b>\r\n" % BOUNCE_DOMAIN.encode())
        assert server.getreply()[0] == 550
        assert server.rcpt(bounce_address(delivery))[0] == 250
        assert server.data(dsn())[0] == 250
    assert Delivery.objects.get(pk=delivery.pk).result == Result.FAILED
