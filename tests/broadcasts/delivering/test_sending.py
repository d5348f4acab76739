"""From due rows to results, over a real SMTP conversation."""

from email import message_from_bytes, policy

import pytest
from django.db import connection
from pytest_django import Settings

from broadcasts.blocking import block_addresses
from broadcasts.models import Attempt, BlockedEmail, Broadcast, Delivery
from broadcasts.tokens import read_token
from tests.broadcasts.delivering.steps import deliver, make_due, make_people, results_of, row_of, start
from tests.smtp_server import DROP, Received, Script

pytestmark = pytest.mark.django_db


def test_an_accepted_email_is_sent_and_its_attempt_on_record(mail_server: Script) -> None:
    broadcast = start(make_people("anna@x.example"))
    assert deliver(broadcast) is False
    row = row_of(broadcast, "anna@x.example")
    assert (row.get_result_display(), row.attempts, row.state) == ("Sent", 1, Delivery.State.IDLE)
    assert row.last_attempt_at is not None
    assert row.next_attempt_at is None
    attempt = row.tries.get()
    assert (attempt.outcome, attempt.code, attempt.text) == ("accepted", 250, "2.0.0 taken")
    assert broadcast.status == Broadcast.Status.SENT


def test_the_envelope_names_the_delivery_and_asks_for_reports(mail_server: Script) -> None:
    broadcast = start(make_people("anna@x.example"))
    deliver(broadcast)
    received = mail_server.received[0]
    token, _, domain = received.sender.removeprefix("b+").partition("@")
    assert read_token(token, "bounce") == row_of(broadcast, "anna@x.example").pk
    assert domain == "bounces.school.test"
    mail = next(command for command in mail_server.commands if command.startswith("MAIL"))
    rcpt = next(command for command in mail_server.commands if command.startswith("RCPT"))
    assert f"ENVID={token}" in mail
    assert "NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;anna@x.example" in rcpt


def test_a_line_that_starts_with_a_dot_arrives_as_written(mail_server: Script) -> None:
    broadcast = start(make_people("anna@x.example"))
    broadcast.contents.update(body_text="first\n.hidden\n..twice")
    deliver(broadcast)
    message = message_from_bytes(mail_server.received[0].message, policy=policy.default)
    text = message.get_body(("plain",))
    assert text is not None
    assert "\r\n.hidden\r\n..twice\r\n" in text.get_content()


@pytest.mark.parametrize(
    ("phase", "reply", "result", "outcome"),
    [
        ("rcpt", "550 5.1.1 no such user", "Failed", "refused"),
        ("rcpt", "550 User unknown", "Failed", "refused"),
        ("rcpt", "452 4.2.2 mailbox full", "Soft Bounced", "deferred"),
        ("rcpt", "550 5.7.1 go away", "Bounced", "refused"),
        ("data", "554 5.7.1 no thanks", "Bounced", "refused"),
        ("data", "451 4.3.0 later", "Soft Bounced", "deferred"),
        ("dot", "550 5.7.1 message content rejected", "Bounced", "refused"),
        ("dot", "552 5.3.4 too big", "Bounced", "refused"),
        ("dot", "451 4.7.1 greylisted", "Soft Bounced", "deferred"),
    ],
)
def test_a_refusal_marks_its_recipient_alone(
    mail_server: Script, phase: str, reply: str, result: str, outcome: str
) -> None:
    mail_server.answer(phase, reply, recipient="anna")
    broadcast = start(make_people("anna@x.example", "ben@x.example"))
    deliver(broadcast)
    assert results_of(broadcast) == {"anna@x.example": result, "ben@x.example": "Sent"}
    attempt = row_of(broadcast, "anna@x.example").tries.get()
    assert (attempt.outcome, attempt.phase if phase != "dot" else "dot") == (outcome, phase)
    assert row_of(broadcast, "anna@x.example").attempts == 1


def test_a_soft_bounced_email_is_tried_again_and_then_sent(mail_server: Script) -> None:
    mail_server.answer("rcpt", "452 4.2.2 mailbox full", times=2)
    broadcast = start(make_people("anna@x.example"))
    for _ in range(3):
        deliver(broadcast)
        make_due(broadcast)
    row = row_of(broadcast, "anna@x.example")
    # Soft Bounced stays the result until somebody reports a better one: results only move forward.
    assert (row.get_result_display(), row.attempts, row.next_attempt_at) == ("Soft Bounced", 3, None)
    assert len(mail_server.received) == 1
    assert [attempt.number for attempt in row.tries.order_by("number")] == [1, 2, 3]


def test_after_the_last_attempt_it_is_bounced(mail_server: Script, settings: Settings) -> None:
    settings.RETRY_MINUTES = (1.0,)
    mail_server.answer("rcpt", "452 4.2.2 mailbox full")
    broadcast = start(make_people("anna@x.example"))
    deliver(broadcast)
    make_due(broadcast)
    deliver(broadcast)
    row = row_of(broadcast, "anna@x.example")
    assert (row.get_result_display(), row.attempts, row.note) == ("Bounced", 2, "gave_up")
    assert row.next_attempt_at is None


@pytest.mark.parametrize(
    ("phase", "reply"),
    [
        ("connect", "554 no service"),
        ("connect", "421 too busy"),
        ("mail", "530 5.7.0 authentication required"),
        ("mail", "451 4.3.0 trouble"),
        ("rcpt", "550 5.7.1 relaying denied"),
        ("rcpt", "421 4.3.2 shutting down"),
        ("rcpt", DROP),
        ("data", DROP),
        ("dot", "421 4.3.2 shutting down"),
    ],
)
def test_our_own_trouble_marks_nobody_and_is_shown(mail_server: Script, phase: str, reply: str) -> None:
    mail_server.answer(phase, reply)
    broadcast = start(make_people("anna@x.example", "ben@x.example"))
    deliver(broadcast)
    assert results_of(broadcast) == {"anna@x.example": "Unsent", "ben@x.example": "Unsent"}
    assert broadcast.trouble
    assert broadcast.trouble_since is not None
    assert broadcast.status == Broadcast.Status.SENDING
    assert not broadcast.deliveries.filter(state=Delivery.State.IN_DOUBT).exists()


def test_sending_goes_on_when_the_server_is_back(mail_server: Script) -> None:
    mail_server.answer("connect", "421 too busy", times=1)
    broadcast = start(make_people("anna@x.example"))
    deliver(broadcast)
    assert "too busy" in broadcast.trouble
    deliver(broadcast)
    assert results_of(broadcast) == {"anna@x.example": "Sent"}
    assert (broadcast.trouble, broadcast.trouble_since) == ("", None)


def test_a_server_that_closes_after_each_message_is_no_trouble(mail_server: Script) -> None:
    mail_server.answer("mail", "250 ok", times=1)
    mail_server.answer("mail", "421 4.7.0 one message for each connection", times=1)
    broadcast = start(make_people("anna@x.example", "ben@x.example"))
    deliver(broadcast)
    assert results_of(broadcast) == {"anna@x.example": "Sent", "ben@x.example": "Sent"}
    assert mail_server.connections == 2


def test_silence_after_the_dot_leaves_the_email_in_doubt_and_the_others_go_on(mail_server: Script) -> None:
    mail_server.answer("dot", DROP, recipient="anna")
    broadcast = start(make_people("anna@x.example", "ben@x.example"))
    deliver(broadcast)
    assert results_of(broadcast) == {"anna@x.example": "Unsent", "ben@x.example": "Sent"}
    row = row_of(broadcast, "anna@x.example")
    assert (row.state, row.attempts) == (Delivery.State.IN_DOUBT, 1)
    assert broadcast.status == Broadcast.Status.SENDING


@pytest.mark.django_db(transaction=True)
def test_the_mark_stands_before_the_message_leaves(mail_server: Script) -> None:
    broadcast = start(make_people("anna@x.example", "ben@x.example"))
    states: list[list[int]] = []

    def look(_received: Received) -> None:
        states.append(list(broadcast.deliveries.order_by("pk").values_list("state", flat=True)))
        connection.close()

    mail_server.on_dot = look
    deliver(broadcast)
    assert states == [
        [Delivery.State.IN_DOUBT, Delivery.State.WAITING],
        [Delivery.State.IDLE, Delivery.State.IN_DOUBT],
    ]


def test_an_address_blocked_after_preparing_is_not_written_to(mail_server: Script) -> None:
    broadcast = start(make_people("anna@x.example", "ben@x.example"))
    block_addresses(["Anna@X.example"], reason="asked us", source=BlockedEmail.Source.STAFF)
    deliver(broadcast)
    assert results_of(broadcast) == {"anna@x.example": "Blocked", "ben@x.example": "Sent"}
    assert [received.recipient for received in mail_server.received] == ["ben@x.example"]
    assert broadcast.status == Broadcast.Status.SENT


def test_an_address_blocked_between_two_attempts_is_bounced(mail_server: Script) -> None:
    mail_server.answer("rcpt", "452 4.2.2 mailbox full", times=1)
    broadcast = start(make_people("anna@x.example"))
    deliver(broadcast)
    block_addresses(["anna@x.example"], reason="asked us", source=BlockedEmail.Source.STAFF)
    make_due(broadcast)
    deliver(broadcast)
    row = row_of(broadcast, "anna@x.example")
    # Blocked is entered from Unsent only.
    assert (row.get_result_display(), row.note, row.next_attempt_at) == ("Bounced", "blocked", None)
    assert not mail_server.received


def test_a_second_worker_does_not_send_again(mail_server: Script) -> None:
    broadcast = start(make_people("anna@x.example"))
    deliver(broadcast)
    deliver(broadcast)
    assert len(mail_server.received) == 1
    assert Attempt.objects.count() == 1


def test_every_attempt_carries_the_same_message_id(mail_server: Script) -> None:
    mail_server.answer("dot", "451 4.3.0 later", times=1)
    seen: list[str] = []
    mail_server.on_dot = lambda received: seen.append(str(message_from_bytes(received.message)["Message-ID"]))
    broadcast = start(make_people("anna@x.example"))
    deliver(broadcast)
    make_due(broadcast)
    deliver(broadcast)
    assert len(seen) == 2
    assert len(set(seen)) == 1
