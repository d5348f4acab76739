"""What the sweep finds: nothing that is due waits for ever, whatever died."""

from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone
from pytest_django import Settings

from broadcasts.delivering.claiming import Batch, Job, claim_batch
from broadcasts.delivering.controlling import cancel, pause, resume, send_now
from broadcasts.delivering.evidence import apply_evidence
from broadcasts.delivering.leasing import release_lease
from broadcasts.delivering.ledger import Outcome, record
from broadcasts.delivering.sweeping import recover_after_restart, sweep
from broadcasts.models import Attempt, Broadcast, BroadcastType, Delivery, Lease, User
from broadcasts.results import Result
from tests import factory
from tests.broadcasts.delivering.steps import deliver, make_due, make_people, results_of, row_of, start
from tests.smtp_server import Script

pytestmark = pytest.mark.django_db
State = Delivery.State


def later(seconds: float) -> None:
    """Let this much time pass for every lease and plan."""
    for row in Delivery.objects.all():
        for field in ("next_attempt_at", "last_attempt_at"):
            if (moment := getattr(row, field)) is not None:
                setattr(row, field, moment - timedelta(seconds=seconds))
        row.save()
    Lease.objects.update(until=F("until") - timedelta(seconds=seconds))
    Broadcast.objects.update(prepared_at=F("prepared_at") - timedelta(seconds=seconds))
    asked = Broadcast.objects.filter(worked_on_at__isnull=False)
    asked.update(worked_on_at=F("worked_on_at") - timedelta(seconds=seconds))


def marks(batch: Batch, row: Job) -> bool:
    """Whether this worker may send the row's message now."""
    return record(batch.token, [], [row.pk], timezone.now()) == {row.pk}


def in_doubt(broadcast: Broadcast) -> Delivery:
    """A worker that died between the dot and the reply."""
    batch = claim_batch(broadcast.pk, 1, timezone.now())
    assert marks(batch, batch.jobs[0])
    return broadcast.deliveries.get(pk=batch.jobs[0].pk)


def test_a_broadcast_is_woken_when_its_time_comes() -> None:
    broadcast = factory.make_broadcast(people=make_people("anna@x.example"))
    send_now(broadcast, None)
    now = timezone.now()
    assert sweep(now) == []
    assert sweep(now + timedelta(seconds=11)) == [broadcast.pk]


def test_workers_are_asked_again_only_after_a_while() -> None:
    broadcast = start(make_people("anna@x.example"))
    now = timezone.now()
    assert sweep(now) == [broadcast.pk]
    assert sweep(now + timedelta(seconds=1)) == []
    assert sweep(now + timedelta(seconds=11)) == [broadcast.pk]


def test_rows_of_a_dead_worker_go_to_the_next_one_when_the_lease_ends(settings: Settings) -> None:
    broadcast = start(make_people("anna@x.example", "ben@x.example"))
    first = claim_batch(broadcast.pk, 1, timezone.now())
    assert [job.email for job in first.jobs] == ["anna@x.example"]
    assert [job.email for job in claim_batch(broadcast.pk, 2, timezone.now()).jobs] == ["ben@x.example"]
    assert claim_batch(broadcast.pk, 2, timezone.now()).jobs == []
    later(settings.LEASE_SECONDS + 1)
    assert sweep(timezone.now()) == [broadcast.pk]
    second = claim_batch(broadcast.pk, 1, timezone.now())
    assert [job.email for job in second.jobs] == ["anna@x.example"]
    assert marks(first, first.jobs[0]) is False
    assert marks(second, second.jobs[0])


def test_a_worker_that_comes_back_after_its_lease_ended_writes_only_about_what_it_let_leave(
    settings: Settings,
) -> None:
    broadcast = start(make_people("anna@x.example", "ben@x.example"))
    first = claim_batch(broadcast.pk, 2, timezone.now())
    anna, ben = first.jobs
    assert marks(first, anna)
    later(settings.LEASE_SECONDS + 1)
    second = claim_batch(broadcast.pk, 2, timezone.now())
    assert [job.email for job in second.jobs] == ["ben@x.example"]
    now = timezone.now()
    taken = Outcome(anna.pk, 1, now, Attempt.Outcome.ACCEPTED, Result.SENT)
    refused = Outcome(ben.pk, 1, now, Attempt.Outcome.REFUSED, Result.FAILED)
    record(first.token, [taken, refused], [], now)
    assert results_of(broadcast) == {"anna@x.example": "Sent", "ben@x.example": "Unsent"}


def test_what_a_worker_could_not_begin_is_taken_up_before_new_rows() -> None:
    broadcast = start(make_people("anna@x.example", "ben@x.example", "cleo@x.example"))
    batch = claim_batch(broadcast.pk, 2, timezone.now())
    assert marks(batch, batch.jobs[0])
    record(batch.token, [Outcome(batch.jobs[0].pk, 1, timezone.now(), Attempt.Outcome.ACCEPTED)], [], timezone.now())
    release_lease(batch.token, timezone.now())
    assert [job.email for job in claim_batch(broadcast.pk, 1, timezone.now()).jobs] == ["ben@x.example"]


def test_a_doubt_is_sent_again_after_the_grace(mail_server: Script, settings: Settings) -> None:
    broadcast = start(make_people("anna@x.example"))
    in_doubt(broadcast)
    later(settings.LEASE_SECONDS + settings.IN_DOUBT_GRACE_SECONDS - 5)
    sweep(timezone.now())
    assert broadcast.deliveries.get().state == State.IN_DOUBT
    later(10)
    sweep(timezone.now())
    deliver(broadcast)
    row = broadcast.deliveries.get()
    assert (row.get_result_display(), row.attempts) == ("Sent", 2)
    assert [attempt.outcome for attempt in row.tries.order_by("number")] == ["in_doubt", "accepted"]


def test_a_doubt_of_a_type_that_says_so_is_left_and_visible(settings: Settings) -> None:
    broadcast = start(make_people("anna@x.example"))
    in_doubt(broadcast)
    BroadcastType.objects.update(repeat_when_in_doubt=False)
    later(settings.LEASE_SECONDS + settings.IN_DOUBT_GRACE_SECONDS + 5)
    sweep(timezone.now())
    row = broadcast.deliveries.get()
    assert (row.state, row.next_attempt_at) == (State.UNCONFIRMED, None)
    broadcast.refresh_from_db()
    assert broadcast.status == Broadcast.Status.SENT


def test_a_report_ends_a_doubt(settings: Settings) -> None:
    broadcast = start(make_people("anna@x.example"))
    row = in_doubt(broadcast)
    later(settings.LEASE_SECONDS + 1)
    apply_evidence([row.pk], Result.DELIVERED)
    sweep(timezone.now())
    row.refresh_from_db()
    assert (row.get_result_display(), row.state, row.next_attempt_at) == ("Delivered", State.IDLE, None)
    broadcast.refresh_from_db()
    assert broadcast.status == Broadcast.Status.SENT


def test_a_report_that_came_before_the_lease_ended_ends_the_doubt_too(settings: Settings) -> None:
    broadcast = start(make_people("anna@x.example"))
    row = in_doubt(broadcast)
    apply_evidence([row.pk], Result.DELIVERED)
    later(settings.LEASE_SECONDS + settings.IN_DOUBT_GRACE_SECONDS + 5)
    sweep(timezone.now())
    row.refresh_from_db()
    assert (row.get_result_display(), row.state, row.next_attempt_at) == ("Delivered", State.IDLE, None)


def test_a_report_about_a_row_that_a_worker_holds_ends_its_retries(mail_server: Script) -> None:
    mail_server.answer("rcpt", "452 4.2.2 full", times=1)
    broadcast = start(make_people("anna@x.example"))
    deliver(broadcast)
    make_due(broadcast)
    batch = claim_batch(broadcast.pk, 1, timezone.now())
    apply_evidence([batch.jobs[0].pk], Result.DELIVERED)
    release_lease(batch.token, timezone.now())
    deliver(broadcast)
    assert not mail_server.received
    assert sweep(timezone.now() + timedelta(hours=1)) == []


def test_a_row_that_a_report_settled_is_not_sent_again(mail_server: Script) -> None:
    mail_server.answer("rcpt", "452 4.2.2 full", times=1)
    broadcast = start(make_people("anna@x.example"))
    deliver(broadcast)
    apply_evidence([broadcast.deliveries.get().pk], Result.DELIVERED)
    assert broadcast.deliveries.get().next_attempt_at is None
    later(3600)
    assert sweep(timezone.now()) == []


def test_soft_bounced_with_nobody_trying_is_closed_after_the_horizon(mail_server: Script) -> None:
    broadcast = start(make_people("anna@x.example"))
    deliver(broadcast)
    apply_evidence([broadcast.deliveries.get().pk], Result.SOFT_BOUNCED)
    later(71 * 3600)
    sweep(timezone.now())
    assert results_of(broadcast) == {"anna@x.example": "Soft Bounced"}
    later(2 * 3600)
    sweep(timezone.now())
    assert results_of(broadcast) == {"anna@x.example": "Bounced"}


def test_soft_bounced_with_an_attempt_due_is_left_alone(mail_server: Script) -> None:
    mail_server.answer("rcpt", "452 4.2.2 full")
    broadcast = start(make_people("anna@x.example"))
    deliver(broadcast)
    Delivery.objects.update(last_attempt_at=timezone.now() - timedelta(days=9))
    sweep(timezone.now())
    assert results_of(broadcast) == {"anna@x.example": "Soft Bounced"}


def test_a_paused_broadcast_sends_nothing_until_resumed(mail_server: Script, alice: User) -> None:
    broadcast = start(make_people("anna@x.example"))
    assert pause(broadcast, alice)
    later(60)
    assert sweep(timezone.now()) == []
    deliver(broadcast)
    assert not mail_server.received


def test_cancelled_rows_say_so_and_stay_unsent(mail_server: Script, alice: User) -> None:
    mail_server.answer("rcpt", "452 4.2.2 full", recipient="anna")
    mail_server.answer("mail", "250 ok", times=1)
    mail_server.answer("mail", "451 4.3.0 trouble")
    broadcast = start(make_people("anna@x.example", "ben@x.example"))
    deliver(broadcast)
    assert cancel(broadcast, alice)
    assert results_of(broadcast) == {"anna@x.example": "Bounced", "ben@x.example": "Unsent"}
    row = row_of(broadcast, "ben@x.example")
    assert (row.note, row.next_attempt_at) == ("cancelled", None)
    later(3600)
    assert sweep(timezone.now()) == []


def test_pause_and_cancel_take_the_rows_from_the_workers_at_once(mail_server: Script, alice: User) -> None:
    broadcast = start(make_people("anna@x.example", "ben@x.example"))
    batch = claim_batch(broadcast.pk, 2, timezone.now())
    assert pause(broadcast, alice)
    for row in batch.jobs:
        assert marks(batch, row) is False
    assert resume(broadcast, alice)
    batch = claim_batch(broadcast.pk, 2, timezone.now())
    assert cancel(broadcast, alice)
    assert marks(batch, batch.jobs[0]) is False
    assert results_of(broadcast) == {"anna@x.example": "Unsent", "ben@x.example": "Unsent"}
    assert set(broadcast.deliveries.values_list("note", "next_attempt_at")) == {("cancelled", None)}


def test_a_message_that_was_leaving_when_cancelled_keeps_its_outcome(alice: User) -> None:
    broadcast = start(make_people("anna@x.example"))
    batch = claim_batch(broadcast.pk, 1, timezone.now())
    assert marks(batch, batch.jobs[0])
    assert cancel(broadcast, alice)
    now = timezone.now()
    deferred = Outcome(batch.jobs[0].pk, 1, now, Attempt.Outcome.DEFERRED, Result.SOFT_BOUNCED, next_attempt_at=now)
    assert record(batch.token, [deferred], [], now) == set()
    sweep(timezone.now())
    row = broadcast.deliveries.get()
    assert (row.get_result_display(), row.note, row.next_attempt_at) == ("Bounced", "cancelled", None)


def test_after_a_restart_nobody_waits_for_the_leases_of_the_dead(settings: Settings) -> None:
    broadcast = start(make_people("anna@x.example", "ben@x.example"))
    batch = claim_batch(broadcast.pk, 2, timezone.now())
    marks(batch, batch.jobs[0])
    now = timezone.now()
    recover_after_restart(now)
    assert [job.email for job in claim_batch(broadcast.pk, 2, now).jobs] == ["ben@x.example"]
    sweep(now)
    assert row_of(broadcast, "anna@x.example").state == State.IN_DOUBT
    later(11)
    sweep(timezone.now())
    assert row_of(broadcast, "anna@x.example").next_attempt_at is not None
