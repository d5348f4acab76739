"""Reports as other programs write them; what they change, and what they cannot."""

from datetime import timedelta
from email.utils import format_datetime

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broadcasts.models import BlockedEmail, Delivery
from broadcasts.results import Result
from broadcasts.tokens import make_token
from tests.tracking.rows import BOUNCE_DOMAIN, bounce_address, make_delivery
from tracking.bounces.ingesting import Arrived, ingest_report, ingest_reports
from tracking.models import Event, UnusedReport

pytestmark = pytest.mark.django_db

DSN = """\
From: MAILER-DAEMON@mx.home.example
To: {to}
Subject: Undelivered Mail Returned to Sender
Message-ID: <{name}@mx.home.example>
Date: Thu, 11 May 2017 09:44:00 -0500
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

I'm sorry to have to inform you ...

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.home.example
{envelope}
Arrival-Date: Thu, 11 May 2017 09:40:00 -0500

Final-Recipient: rfc822; ann@home.example
Action: {action}
Status: {status}
Diagnostic-Code: smtp; {text}
Last-Attempt-Date: Thu, 11 May 2017 09:43:21 -0500

--b
Content-Type: text/rfc822-headers

Subject: Snow day
{returned}

--b--
"""

EMPTY_DSN = (
    b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n"
    b"Content-Type: message/delivery-status\r\n\r\n--b--\r\n"
)


def dsn(action: str = "failed", status: str = "5.1.1", **parts: str) -> bytes:
    blanks = {"to": "x@y.example", "name": "1", "envelope": "X-A: b", "returned": "X-A: b"}
    values = {"text": "550 5.1.1 User unknown", **blanks, **parts}
    return DSN.format(action=action, status=status, **values).replace("\n", "\r\n").encode()


def result_of(delivery: Delivery) -> int:
    return Delivery.objects.values_list("result", flat=True).get(pk=delivery.pk)


def test_the_envelope_names_the_delivery() -> None:
    delivery = make_delivery()
    assert ingest_report(dsn(), bounce_address(delivery)) == 1
    assert result_of(delivery) == Result.FAILED
    event = delivery.events.get()
    assert (event.kind, event.code, event.text) == (Event.Kind.BOUNCED, "5.1.1", "550 5.1.1 User unknown")
    assert event.at.isoformat() == "2017-05-11T14:43:21+00:00"


def test_mail_servers_may_change_the_case_of_an_address() -> None:
    delivery = make_delivery()
    assert ingest_report(dsn(), bounce_address(delivery).upper()) == 1


@pytest.mark.parametrize("header", ["envelope", "returned"])
def test_without_the_envelope_the_report_itself_names_it(header: str) -> None:
    delivery = make_delivery()
    name = {"envelope": "Original-Envelope-Id", "returned": "X-Delivery-Id"}[header]
    report = dsn("delivered", "2.0.0", **{header: f"{name}: {make_token(delivery.pk, 'bounce')}"})
    assert ingest_report(report, "postmaster@elsewhere.example") == 1
    assert result_of(delivery) == Result.DELIVERED


def test_the_whole_email_may_come_back() -> None:
    delivery = make_delivery()
    token = make_token(delivery.pk, "bounce")
    headers = b"Content-Type: text/rfc822-headers\r\n\r\n"
    whole = b"Content-Type: message/rfc822\r\n\r\nX-Delivery-Id: " + token.encode() + b"\r\n"
    assert ingest_report(dsn().replace(headers, whole), "") == 1


@pytest.mark.parametrize(
    ("action", "result"),
    [
        ("delivered", Result.DELIVERED),
        ("relayed", Result.DELIVERED),
        ("expanded", Result.DELIVERED),
        ("delayed", Result.SOFT_BOUNCED),
    ],
)
def test_every_action_has_its_result(action: str, result: Result) -> None:
    delivery = make_delivery()
    ingest_report(dsn(action, "2.0.0", text="x"), bounce_address(delivery))
    assert result_of(delivery) == result


def test_second_arrival_of_a_report_does_nothing_more() -> None:
    delivery = make_delivery()
    assert ingest_reports([Arrived(dsn(), bounce_address(delivery))] * 2) == 1
    assert ingest_report(dsn(), bounce_address(delivery)) == 0
    assert ingest_report(dsn(name="2"), bounce_address(delivery)) == 1


def test_a_forged_report_changes_nothing_and_is_kept() -> None:
    delivery = make_delivery()
    other_door = make_token(delivery.pk, "pixel")
    for address in (f"b+1.00000000000000000000@{BOUNCE_DOMAIN}", f"b+{other_door}@{BOUNCE_DOMAIN}"):
        assert ingest_report(dsn(envelope="Original-Envelope-Id: 1.0"), address) == 0
    assert ingest_report(dsn(), f"b+{make_token(delivery.pk, 'bounce')}@elsewhere.example") == 0
    assert result_of(delivery) == Result.SENT
    assert UnusedReport.objects.count() == 3
    assert "not made by this Messenger" in UnusedReport.objects.last().reason  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe\x00nonsense",
        b"Subject: Mail failure\r\n\r\nYour message to ann@home.example could not be delivered.\r\n",
        EMPTY_DSN,
        dsn("unheard-of"),
    ],
)
def test_what_cannot_be_read_is_kept(raw: bytes) -> None:
    delivery = make_delivery()
    assert ingest_report(raw, bounce_address(delivery)) == 0
    assert UnusedReport.objects.count() == 1
    assert result_of(delivery) == Result.SENT


def test_one_bad_report_does_not_hold_up_the_others() -> None:
    delivery = make_delivery()
    reports = [Arrived(b"nonsense", ""), Arrived(dsn(), bounce_address(delivery))]
    assert ingest_reports(reports) == 1
    assert UnusedReport.objects.count() == 1


def test_a_complaint_blocks_the_address() -> None:
    delivery = make_delivery()
    raw = (
        b"Content-Type: multipart/report; report-type=feedback-report; boundary=b\r\n\r\n--b\r\n\r\nspam\r\n--b\r\n"
        b"Content-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nVersion: 1\r\n\r\n--b--\r\n"
    )
    assert ingest_report(raw, bounce_address(delivery)) == 1
    assert result_of(delivery) == Result.DELIVERED
    blocked = BlockedEmail.objects.get()
    assert (blocked.address, blocked.source) == (delivery.email, "complaint")
    assert "Snow day" in blocked.reason
    assert ingest_report(raw.replace(b"abuse", b"not-spam"), bounce_address(delivery)) == 0


def test_a_vacation_reply_proves_delivered() -> None:
    delivery = make_delivery()
    raw = b"Auto-Submitted: auto-replied (vacation)\r\nSubject: =?utf-8?q?Ferien?=\r\n\r\nAway.\r\n"
    assert ingest_report(raw, bounce_address(delivery)) == 1
    assert result_of(delivery) == Result.DELIVERED
    assert delivery.events.get().kind == Event.Kind.AUTO_REPLIED


def test_a_person_who_answers_is_no_report() -> None:
    delivery = make_delivery()
    assert ingest_report(b"Subject: Re: Snow day\r\n\r\nThank you!\r\n", bounce_address(delivery)) == 0
    assert UnusedReport.objects.count() == 1


def test_a_wrong_clock_does_not_put_events_into_our_future() -> None:
    delivery = make_delivery()
    tomorrow = format_datetime(timezone.now() + timedelta(days=1))
    raw = dsn().replace(b"Thu, 11 May 2017 09:43:21 -0500", tomorrow.encode())
    ingest_report(raw, bounce_address(delivery))
    assert delivery.events.get().at <= timezone.now()


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 1500), rubbish=st.binary(max_size=60), cut=st.integers(0, 200))
def test_no_report_is_too_broken_to_be_taken_in(db: None, place: int, rubbish: bytes, cut: int) -> None:
    raw = dsn(envelope=f"Original-Envelope-Id: {make_token(1, 'bounce')}")
    with transaction.atomic():
        ingest_report(raw[:place] + rubbish + raw[place + cut :], f"b+{make_token(1, 'bounce')}@{BOUNCE_DOMAIN}")
        transaction.set_rollback(True)


@pytest.mark.parametrize("text", [b"550 caf\xe9 \x00 closed", b"=?utf-8?b?8J+YgA==?=", b"=?x?y?z?=", b"\xf0\x9f\x98"])
def test_the_servers_words_may_be_in_any_bytes(text: bytes) -> None:
    delivery = make_delivery()
    assert ingest_report(dsn().replace(b"550 5.1.1 User unknown", text), bounce_address(delivery)) == 1
    assert result_of(delivery) == Result.FAILED


@pytest.mark.parametrize("date", ["Mon, 32 Jan 2017 00:00:00 +0900", "Fri, 31 Dec 9999 23:59:59 -0900", "yesterday"])
def test_an_impossible_date_is_the_moment_we_heard(date: str) -> None:
    delivery = make_delivery()
    raw = dsn().replace(b"Thu, 11 May 2017 09:43:21 -0500", date.encode()).replace(b"Date: Thu", b"X: Thu")
    assert ingest_report(raw, bounce_address(delivery)) == 1
    assert timezone.now() - delivery.events.get().at < timedelta(minutes=1)
