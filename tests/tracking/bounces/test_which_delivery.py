"""Which of our emails a report is about: by what we signed, and by nothing else; and which of its many recipients."""

from datetime import timedelta

import pytest
from django.utils import timezone

from broadcasts.models import Broadcast
from broadcasts.results import Result
from broadcasts.tokens import make_token
from tests.tracking.rows import BOUNCE_DOMAIN, bounce_address, make_delivery
from tests.tracking.test_ingesting import dsn, result_of
from tracking.bounces.ingesting import ingest_report
from tracking.models import UnusedReport

pytestmark = pytest.mark.django_db

QMAIL = (
    b"From: MAILER-DAEMON@mx.home.example\r\nSubject: failure notice\r\n\r\n"
    b"Hi. This is the qmail-send program at mx.home.example.\r\n\r\n<ann@home.example>:\r\n"
    b"192.0.2.1 does not like recipient.\r\nRemote host said: 550 5.1.1 User unknown\r\n\r\n"
    b"--- Below this line is a copy of the message.\r\n\r\nSubject: Snow day\r\n"
)


def test_a_text_for_people_is_understood_when_the_envelope_names_the_delivery() -> None:
    delivery = make_delivery()
    assert ingest_report(QMAIL, bounce_address(delivery)) == 1
    event = delivery.events.get()
    assert (event.result, event.code, event.rule) == (Result.FAILED, "5.1.1", "report: failed, user unknown")


def test_a_text_may_give_our_header_back() -> None:
    delivery = make_delivery()
    returned = b"X-Delivery-Id: " + make_token(delivery.pk, "bounce").encode() + b"\r\n"
    assert ingest_report(QMAIL + returned, "office@lincoln.example") == 1


def test_an_address_alone_decides_nothing() -> None:
    delivery = make_delivery("ann@home.example")
    assert ingest_report(QMAIL, f"postmaster@{BOUNCE_DOMAIN}") == 0
    assert ingest_report(dsn(), "office@lincoln.example") == 0
    assert result_of(delivery) == Result.SENT
    assert "does not say which of our emails" in UnusedReport.objects.first().reason  # type: ignore[union-attr]


def test_our_header_at_the_top_is_not_a_report_s_own_word() -> None:
    delivery = make_delivery()
    own = b"X-Delivery-Id: " + make_token(delivery.pk, "bounce").encode() + b"\r\n"
    assert ingest_report(own + QMAIL, "") == 0
    assert result_of(delivery) == Result.SENT


def test_the_name_of_another_broadcast_s_email_is_that_one_s() -> None:
    ours, other = make_delivery(), make_delivery("ben@home.example")
    assert ours.broadcast != other.broadcast
    report = dsn(envelope=f"Original-Envelope-Id: {make_token(other.pk, 'bounce')}")
    assert ingest_report(report, bounce_address(ours)) == 1
    assert (result_of(ours), result_of(other)) == (Result.FAILED, Result.SENT)


@pytest.mark.parametrize("cut", [1, 10, 21])
def test_a_cut_name_is_no_name(cut: int) -> None:
    delivery = make_delivery()
    assert ingest_report(dsn(), f"b+{make_token(delivery.pk, 'bounce')[:-cut]}@{BOUNCE_DOMAIN}") == 0
    assert result_of(delivery) == Result.SENT


@pytest.mark.parametrize("year", ["1970", "2100"])
def test_a_year_that_cannot_be_is_the_moment_we_heard(year: str) -> None:
    delivery = make_delivery()
    Broadcast.objects.update(prepared_at=timezone.now())
    raw = dsn("delivered", "2.0.0").replace(b"11 May 2017", f"11 May {year}".encode())
    assert ingest_report(raw, bounce_address(delivery)) == 1
    assert timezone.now() - delivery.events.get().at < timedelta(minutes=1)


def blocks(count: int) -> bytes:
    each = "Final-Recipient: rfc822; p{}@home.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
    return "".join(each.format(number) for number in range(count)).encode()


def test_of_five_thousand_recipients_ours_counts() -> None:
    delivery = make_delivery()
    raw = dsn("delivered", "2.0.0").replace(
        b"Final-Recipient: rfc822; ann", blocks(4999) + b"Final-Recipient: rfc822; ann"
    )
    assert ingest_report(raw, bounce_address(delivery)) == 1
    assert result_of(delivery) == Result.DELIVERED


def test_of_thousands_of_strangers_a_few_are_noted() -> None:
    delivery = make_delivery("elsewhere@home.example")
    raw = dsn().replace(b"Final-Recipient: rfc822; ann", blocks(4999) + b"Final-Recipient: rfc822; ann")
    assert ingest_report(raw, bounce_address(delivery)) == 20


def test_a_late_bounce_is_told_in_plain_words() -> None:
    delivery = make_delivery()
    ingest_report(dsn("delivered", "2.0.0"), bounce_address(delivery))
    closed = dsn(status="5.2.1", text="550 5.2.1 The account is disabled", name="2")
    ingest_report(closed.replace(b"09:4", b"10:4"), bounce_address(delivery))
    delivery.refresh_from_db()
    assert (delivery.result, delivery.late_bounce_reason) == (Result.DELIVERED, "mailbox closed")


@pytest.mark.parametrize("action", ["deliverable", "undeliverable"])
def test_an_address_that_somebody_only_asked_about_says_nothing(action: str) -> None:
    delivery = make_delivery()
    assert ingest_report(dsn(action), bounce_address(delivery)) == 0
    assert "nothing about an email that was sent" in UnusedReport.objects.get().reason
