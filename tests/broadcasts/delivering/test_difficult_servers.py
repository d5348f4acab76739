"""Servers that hang up, stay silent or take their time: one recipient's trouble is never everybody's."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.utils import timezone
from pytest_django import Settings

from broadcasts.blocking import block_addresses
from broadcasts.composing.compiling import CompiledBroadcast, Recipient
from broadcasts.delivering import conversing, holding
from broadcasts.delivering.controlling import cancel, pause
from broadcasts.delivering.evidence import apply_evidence
from broadcasts.delivering.leasing import take_over
from broadcasts.delivering.sweeping import sweep
from broadcasts.delivering.working import deliver_due
from broadcasts.models import BlockedEmail, Broadcast, BroadcastType, Delivery, User
from broadcasts.results import Result
from tests.broadcasts.delivering.steps import deliver, make_due, make_people, results_of, row_of, start
from tests.broadcasts.delivering.test_sweeping import later
from tests.smtp_server import DROP, Script

pytestmark = pytest.mark.django_db
State = Delivery.State


def end_the_doubt(settings: Settings) -> None:
    later(settings.LEASE_SECONDS + settings.IN_DOUBT_GRACE_SECONDS + 5)
    sweep(timezone.now())


@pytest.mark.parametrize("hang_up", [DROP, "421 4.7.0 too many errors"])
def test_a_server_that_hangs_up_after_a_refusal_has_refused_all_the_same(mail_server: Script, hang_up: str) -> None:
    mail_server.answer("rcpt", "550 5.1.1 no such user", recipient="anna")
    mail_server.answer("rset", hang_up)
    broadcast = start(make_people("anna@x.example", "ben@x.example"))
    deliver(broadcast)
    assert results_of(broadcast) == {"anna@x.example": "Failed", "ben@x.example": "Sent"}
    assert broadcast.trouble == ""


@pytest.mark.parametrize("phase", ["rcpt", "data", "dot"])
def test_a_421_about_one_recipient_lets_the_others_pass(mail_server: Script, phase: str) -> None:
    mail_server.answer(phase, "421 4.7.0 [TS01] temporarily deferred", recipient="anna")
    broadcast = start(make_people("anna@x.example", "ben@x.example", "cleo@x.example"))
    for _ in range(2):
        deliver(broadcast)
    assert results_of(broadcast) == {"anna@x.example": "Unsent", "ben@x.example": "Sent", "cleo@x.example": "Sent"}
    row = row_of(broadcast, "anna@x.example")
    assert row.attempts == 1
    assert row.next_attempt_at is not None
    assert row.next_attempt_at > timezone.now()


@pytest.mark.django_db(transaction=True)
def test_a_server_that_stays_silent_for_longer_than_a_shift_is_noticed(
    mail_server: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversing, "COMMAND_SECONDS", 0.5)
    is_over, is_done = threading.Event(), threading.Event()

    def stay_silent(_recipient: str) -> None:
        is_over.set()
        is_done.wait(20)

    mail_server.on_rcpt = stay_silent
    broadcast = start(make_people("anna@x.example"))
    deliver_due(broadcast.pk, is_over.is_set)
    is_done.set()
    row = broadcast.deliveries.get()
    assert (row.attempts, row.get_result_display(), row.state) == (1, "Unsent", State.IDLE)
    assert row.next_attempt_at is not None
    assert row.next_attempt_at > timezone.now()


@pytest.mark.parametrize("phase", ["rcpt", "data"])
def test_garbage_is_no_refusal(mail_server: Script, phase: str) -> None:
    mail_server.answer(phase, "what?", recipient="anna", times=1)
    broadcast = start(make_people("anna@x.example", "ben@x.example"))
    for _ in range(2):
        deliver(broadcast)
    assert results_of(broadcast) == {"anna@x.example": "Unsent", "ben@x.example": "Sent"}
    make_due(broadcast)
    deliver(broadcast)
    assert results_of(broadcast)["anna@x.example"] == "Sent"


def test_a_recipient_over_whom_the_server_always_breaks_off_is_soft_bounced_and_given_up(
    mail_server: Script, settings: Settings
) -> None:
    settings.RETRY_MINUTES = (1.0, 1.0, 1.0, 1.0)
    mail_server.answer("rcpt", "421 4.7.0 not now", recipient="anna")
    broadcast = start(make_people("anna@x.example"))
    seen = []
    for _ in range(6):
        deliver(broadcast)
        seen.append(results_of(broadcast)["anna@x.example"])
        make_due(broadcast)
    assert seen == ["Unsent", "Unsent", "Soft Bounced", "Soft Bounced", "Bounced", "Bounced"]


def test_a_server_that_always_goes_silent_after_the_dot_is_left_alone_after_two(mail_server: Script) -> None:
    mail_server.answer("dot", DROP)
    broadcast = start(make_people(*(f"p{number}@x.example" for number in range(20))))
    deliver(broadcast)
    assert broadcast.deliveries.filter(state=State.IN_DOUBT).count() == 2
    assert broadcast.trouble
    assert broadcast.deliveries.filter(state=State.WAITING, result=Result.UNSENT).count() == 18


def test_a_message_is_not_repeated_for_ever(mail_server: Script, settings: Settings) -> None:
    mail_server.answer("dot", DROP)
    broadcast = start(make_people("anna@x.example"))
    for _ in range(6):
        deliver(broadcast)
        end_the_doubt(settings)
    row = broadcast.deliveries.get()
    assert len(mail_server.received) == 3
    assert (row.state, row.next_attempt_at) == (State.UNCONFIRMED, None)
    broadcast.refresh_from_db()
    assert broadcast.status == Broadcast.Status.SENT


@pytest.mark.django_db(transaction=True)
def test_refusals_are_written_while_a_slow_server_goes_on_refusing(
    mail_server: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holding, "WRITE_EVERY", timedelta(0))
    mail_server.answer("rcpt", "550 5.1.1 no such user")
    broadcast = start(make_people(*(f"p{number}@x.example" for number in range(4))))
    written: list[int] = []

    def look(_recipient: str) -> None:
        written.append(broadcast.deliveries.filter(result=Result.FAILED).count())
        connection.close()

    mail_server.on_rcpt = look
    deliver(broadcast)
    assert written == [0, 1, 2, 3]
    assert set(results_of(broadcast).values()) == {"Failed"}


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_lost_its_lease_stops(mail_server: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holding, "WRITE_EVERY", timedelta(0))
    broadcast = start(make_people("anna@x.example", "ben@x.example", "cleo@x.example"))
    mail_server.answer("rcpt", "550 5.1.1 no such user", recipient="anna")

    def lose_it(recipient: str) -> None:
        if recipient.startswith("ben"):
            take_over(broadcast.leases.all())
        connection.close()

    mail_server.on_rcpt = lose_it
    deliver(broadcast)
    assert not mail_server.received
    assert not broadcast.deliveries.filter(attempts__gt=0).exclude(email="anna@x.example").exists()


def test_a_relay_that_refuses_us_marks_nobody_however_long(mail_server: Script, settings: Settings) -> None:
    settings.RETRY_MINUTES = (1.0,)
    mail_server.answer("rcpt", "554 5.7.1 Relay access denied", recipient="anna")
    broadcast = start(make_people("ben@x.example", "anna@x.example"))
    for _ in range(4):
        deliver(broadcast)
        make_due(broadcast)
    assert results_of(broadcast) == {"ben@x.example": "Sent", "anna@x.example": "Unsent"}
    assert "Relay access denied" in broadcast.trouble


def test_a_database_error_at_the_mark_keeps_what_is_known_of_the_message_before(mail_server: Script) -> None:
    broadcast = start(make_people("anna@x.example", "ben@x.example"))
    marks: list[str] = []

    def fail_at_the_second_mark(execute: Any, sql: str, params: Any, many: Any, context: Any) -> Any:
        if "attempts = attempts + 1" in sql:
            marks.append(sql)
            if len(marks) == 2:
                raise OperationalError("database is locked")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(fail_at_the_second_mark), pytest.raises(OperationalError):
        deliver(broadcast)
    assert results_of(broadcast) == {"anna@x.example": "Sent", "ben@x.example": "Unsent"}
    broadcast.refresh_from_db()
    assert broadcast.trouble
    deliver(broadcast)
    assert [received.recipient for received in mail_server.received] == ["anna@x.example", "ben@x.example"]


def test_an_address_blocked_after_a_doubt_is_not_called_blocked(mail_server: Script, settings: Settings) -> None:
    mail_server.answer("dot", DROP, times=1)
    broadcast = start(make_people("anna@x.example"))
    deliver(broadcast)
    end_the_doubt(settings)
    block_addresses(["anna@x.example"], reason="asked us", source=BlockedEmail.Source.STAFF)
    deliver(broadcast)
    row = broadcast.deliveries.get()
    assert (row.get_result_display(), row.state, row.next_attempt_at) == ("Unsent", State.UNCONFIRMED, None)
    apply_evidence([row.pk], Result.DELIVERED)
    assert results_of(broadcast) == {"anna@x.example": "Delivered"}


def test_a_delayed_report_after_a_doubt_proves_that_the_server_has_it(
    mail_server: Script, settings: Settings
) -> None:
    mail_server.answer("dot", DROP, times=1)
    broadcast = start(make_people("anna@x.example"))
    deliver(broadcast)
    end_the_doubt(settings)
    apply_evidence([broadcast.deliveries.get().pk], Result.SOFT_BOUNCED)
    deliver(broadcast)
    assert len(mail_server.received) == 1


def test_an_unconfirmed_soft_bounce_is_closed_too(mail_server: Script, settings: Settings) -> None:
    mail_server.answer("rcpt", "451 4.3.0 later", times=1)
    mail_server.answer("dot", DROP)
    broadcast = start(make_people("anna@x.example"))
    BroadcastType.objects.update(repeat_when_in_doubt=False)
    deliver(broadcast)
    make_due(broadcast)
    deliver(broadcast)
    end_the_doubt(settings)
    later(80 * 3600)
    sweep(timezone.now())
    assert results_of(broadcast) == {"anna@x.example": "Bounced"}


def test_trouble_ends_with_the_first_accepted_email_and_with_cancel(mail_server: Script, alice: User) -> None:
    mail_server.answer("connect", "421 busy", times=1)
    broadcast = start(make_people("anna@x.example"))
    deliver(broadcast)
    assert broadcast.trouble
    assert cancel(broadcast, alice)
    assert (broadcast.trouble, broadcast.trouble_since) == ("", None)


@pytest.mark.django_db(transaction=True)
def test_rows_whose_answers_are_not_written_yet_are_not_forgotten(
    mail_server: Script, monkeypatch: pytest.MonkeyPatch, alice: User
) -> None:
    """Small batches, so that rows are claimed while refusals wait to be written; then somebody pauses."""
    monkeypatch.setattr(holding.Holding, "batch", 4)
    mail_server.answer("rcpt", "450 4.2.1 come again")
    broadcast = start(make_people(*(f"p{number:02}@x{number}.example" for number in range(40))))

    def stop_at_the_twentieth(recipient: str) -> None:
        if recipient.startswith("p20"):
            pause(broadcast, alice)
        connection.close()

    mail_server.on_rcpt = stop_at_the_twentieth
    deliver(broadcast)
    named = {pk for lease in broadcast.leases.all() for pk in lease.rows}
    ahead = broadcast.deliveries.filter(pk__gte=broadcast.next_row or 2**62)
    waiting = broadcast.deliveries.filter(state__in=[State.WAITING, State.IN_DOUBT])
    assert set(waiting.values_list("pk", flat=True)) <= named | set(ahead.values_list("pk", flat=True))
    assert (broadcast.status, waiting.exists()) == ("paused", True)


def test_rows_that_nobody_names_are_found_before_a_broadcast_counts_as_sent(mail_server: Script) -> None:
    broadcast = start(make_people("anna@x.example", "ben@x.example"))
    Broadcast.objects.filter(pk=broadcast.pk).update(next_row=None)  # as if it had been lost
    sweep(timezone.now())
    deliver(broadcast)
    assert set(results_of(broadcast).values()) == {"Sent"}


def test_what_was_deferred_and_then_taken_is_not_called_bounced_later(mail_server: Script) -> None:
    mail_server.answer("rcpt", "450 4.2.1 come again", times=1)
    broadcast = start(make_people("anna@x.example"))
    deliver(broadcast)
    make_due(broadcast)
    deliver(broadcast)
    later(100 * 3600)
    sweep(timezone.now())
    assert results_of(broadcast) == {"anna@x.example": "Soft Bounced"}


def test_an_email_that_we_cannot_write_holds_up_nobody_else(
    mail_server: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = CompiledBroadcast.message_for

    def stumble_over_anna(compiled: CompiledBroadcast, recipient: Recipient) -> bytes:
        if recipient.email.startswith("anna"):
            raise ValueError("what nobody thought of")
        return write(compiled, recipient)

    monkeypatch.setattr(CompiledBroadcast, "message_for", stumble_over_anna)
    broadcast = start(make_people("anna@x.example", "ben@x.example", "cleo@x.example"))
    deliver(broadcast)
    assert results_of(broadcast) == {"anna@x.example": "Unsent", "ben@x.example": "Sent", "cleo@x.example": "Sent"}
    row = row_of(broadcast, "anna@x.example")
    assert (row.state, row.attempts, row.next_attempt_at is not None) == (State.IDLE, 1, True)
    assert "could not write this email" in row.tries.get().text
