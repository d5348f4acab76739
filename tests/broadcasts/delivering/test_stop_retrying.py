"""A broadcast counts as sent while some are still tried again: whoever sent it sees how many, and can stop that."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from broadcasts import audit
from broadcasts.delivering.claiming import claim_batch
from broadcasts.delivering.ledger import Outcome, record
from broadcasts.delivering.sweeping import sweep
from broadcasts.models import Attempt, Broadcast, Delivery, Lease, User
from broadcasts.results import Result
from reports.timeline import timeline
from tests import factory
from tests.broadcasts.delivering.steps import deliver, make_due, make_people, results_of, row_of, start
from tests.broadcasts.preparing.corrections import correct
from tests.broadcasts.preparing.corrections import press as send_missed
from tests.smtp_server import Script

pytestmark = pytest.mark.django_db
ANNA, BEN = "anna@x.example", "ben@x.example"
STOPPED = "Stopped. Who had Soft Bounced is Bounced now, and nobody tries again."


@pytest.fixture
def retried(mail_server: Script) -> Broadcast:
    """Sent to Ben; Anna's server said: not now."""
    mail_server.answer("rcpt", "452 4.2.2 full", recipient="anna")
    broadcast = start(make_people(ANNA, BEN))
    deliver(broadcast)
    assert broadcast.status == Broadcast.Status.SENT
    return broadcast


def page_of(client: Client, broadcast: Broadcast) -> str:
    return client.get(reverse("broadcasts:broadcast-detail", args=[broadcast.pk])).content.decode()


def press(client: Client, broadcast: Broadcast, **data: str) -> HttpResponse:
    url = reverse("broadcasts:broadcast-stop-retrying", args=[broadcast.pk])
    return client.post(url, data, follow=True)  # type: ignore[return-value]


def stop(client: Client, broadcast: Broadcast) -> str:
    return press(client, broadcast, sure="yes").content.decode()


def test_the_page_says_how_many_wait_and_offers_to_stop(as_alice: Client, retried: Broadcast) -> None:
    page = page_of(as_alice, retried)
    assert "1 of them waits for another try of ours." in page
    assert "The next one is due" in page
    assert "Stop retrying…" in page


def test_the_first_press_asks_and_changes_nothing(as_alice: Client, retried: Broadcast) -> None:
    asked = press(as_alice, retried).content.decode()
    assert "1 recipient Soft Bounced" in asked
    assert "This cannot be undone." in asked
    assert results_of(retried) == {ANNA: "Soft Bounced", BEN: "Sent"}


def test_stopped_nobody_tries_again(as_alice: Client, retried: Broadcast, mail_server: Script) -> None:
    page = stop(as_alice, retried)
    assert STOPPED in page
    assert "Alice stopped trying again for those that Soft Bounced" in page
    assert "Stop retrying…" not in page
    assert "wait for another try" not in page
    row = row_of(retried, ANNA)
    assert results_of(retried) == {ANNA: "Bounced", BEN: "Sent"}
    assert (row.note, row.next_attempt_at) == (Delivery.Note.STOPPED, None)
    before = len(mail_server.commands)
    assert sweep(timezone.now() + timedelta(hours=3)) == []
    deliver(retried)
    assert len(mail_server.commands) == before
    detail = as_alice.get(reverse("reports:delivery-detail", args=[row.pk])).content.decode()
    assert "Somebody stopped our trying again" in detail


def test_the_second_press_does_nothing(as_alice: Client, retried: Broadcast) -> None:
    stop(as_alice, retried)
    assert "Nothing was changed" in stop(as_alice, retried)
    assert audit.history(retried).filter(action="broadcast.retries_stopped").count() == 1


def test_a_worker_that_holds_the_row_may_not_let_it_leave(as_alice: Client, retried: Broadcast) -> None:
    make_due(retried)
    batch = claim_batch(retried.pk, 1, timezone.now())
    assert [job.email for job in batch.jobs] == [ANNA]
    assert "1 of them waits for another try of ours. It is under way." in page_of(as_alice, retried)
    assert STOPPED in stop(as_alice, retried)
    assert record(batch.token, [], [batch.jobs[0].pk], timezone.now()) == set()
    assert results_of(retried)[ANNA] == "Bounced"


@pytest.mark.parametrize(
    ("kind", "result", "label"),
    [
        (Attempt.Outcome.DEFERRED, Result.SOFT_BOUNCED, "Bounced"),
        (Attempt.Outcome.ACCEPTED, Result.SENT, "Soft Bounced"),  # results only go forward: it was taken
    ],
)
def test_what_is_leaving_keeps_its_answer_and_is_not_tried_again(
    as_alice: Client, retried: Broadcast, kind: Attempt.Outcome, result: Result, label: str
) -> None:
    make_due(retried)
    batch = claim_batch(retried.pk, 1, timezone.now())
    (job,) = batch.jobs
    assert record(batch.token, [], [job.pk], timezone.now()) == {job.pk}
    stop(as_alice, retried)
    now = timezone.now()
    again = now + timedelta(minutes=5) if kind == Attempt.Outcome.DEFERRED else None
    record(batch.token, [Outcome(job.pk, 2, now, kind, result, next_attempt_at=again)], [], now)
    sweep(now)
    row = row_of(retried, ANNA)
    assert (row.get_result_display(), row.next_attempt_at) == (label, None)


def test_a_doubt_about_a_further_attempt_is_not_sent_again(as_alice: Client, retried: Broadcast) -> None:
    """Whether it left nobody knows: it is seen as unconfirmed."""
    factory.put_in_doubt(row_of(retried, ANNA), timedelta(minutes=1))
    stop(as_alice, retried)
    Lease.objects.update(until=timezone.now() - timedelta(hours=1))
    sweep(timezone.now())
    row = row_of(retried, ANNA)
    assert (row.state, row.next_attempt_at) == (Delivery.State.UNCONFIRMED, None)


def test_what_is_sent_again_to_a_corrected_address_goes_on(as_alice: Client, retried: Broadcast) -> None:
    row = row_of(retried, BEN)
    new = Delivery.objects.create(
        broadcast=retried, name="Ben", email="b@x.example", address_key="b@x.example", is_sendable=True,
        sent_again_for=row, next_attempt_at=timezone.now(),
    )  # fmt: skip
    claim_batch(retried.pk, 1, timezone.now())  # a worker has taken it
    stop(as_alice, retried)
    deliver(retried)
    new.refresh_from_db()
    assert new.get_result_display() == "Sent"


def leave_and_be_put_off(broadcast: Broadcast, stop_between: Callable[[], object]) -> None:
    """Its message is just leaving when something happens, and then the server says: not now."""
    make_due(broadcast)
    batch = claim_batch(broadcast.pk, 1, timezone.now())
    (job,) = batch.jobs
    assert record(batch.token, [], [job.pk], timezone.now()) == {job.pk}
    stop_between()
    now = timezone.now()
    later = Outcome(
        job.pk, 2, now, Attempt.Outcome.DEFERRED, Result.SOFT_BOUNCED, next_attempt_at=now + timedelta(minutes=5)
    )
    record(batch.token, [later], [], now)


def fail_and_send_again(broadcast: Broadcast, by: User) -> Delivery:
    """Ben's address turns out to be wrong, and is corrected."""
    row = row_of(broadcast, BEN)
    broadcast.deliveries.filter(pk=row.pk).update(result=Result.FAILED)
    (new,), _left_out = send_missed(*correct(row, by, "bennie@x.example"), by)
    return new


def test_sending_again_to_one_address_begins_no_stopped_retries(
    as_alice: Client, retried: Broadcast, alice: User, mail_server: Script
) -> None:
    def stop_and_send_again() -> None:
        stop(as_alice, retried)
        fail_and_send_again(retried, alice)

    leave_and_be_put_off(retried, stop_and_send_again)
    sweep(timezone.now())
    row = row_of(retried, ANNA)
    assert (row.get_result_display(), row.note, row.next_attempt_at) == ("Bounced", Delivery.Note.STOPPED, None)
    deliver(retried)
    assert results_of(retried)["bennie@x.example"] == "Sent"


def test_a_stopped_doubt_stays_unconfirmed_when_something_is_sent_again(
    as_alice: Client, retried: Broadcast, alice: User
) -> None:
    factory.put_in_doubt(row_of(retried, ANNA), timedelta(minutes=1))
    stop(as_alice, retried)
    fail_and_send_again(retried, alice)
    Lease.objects.update(until=timezone.now() - timedelta(hours=1))
    sweep(timezone.now())
    row = row_of(retried, ANNA)
    assert (row.state, row.next_attempt_at) == (Delivery.State.UNCONFIRMED, None)


def test_what_was_sent_again_is_tried_again_and_can_be_stopped_by_itself(
    as_alice: Client, retried: Broadcast, alice: User, mail_server: Script
) -> None:
    stop(as_alice, retried)
    mail_server.answer("rcpt", "452 4.2.2 full", recipient="bennie")
    new = fail_and_send_again(retried, alice)
    deliver(retried)
    sweep(timezone.now())
    new.refresh_from_db()
    assert new.get_result_display() == "Soft Bounced"
    assert new.next_attempt_at
    stopped_at = entry_at(row_of(retried, ANNA))
    assert "Stop retrying…" in page_of(as_alice, retried)
    assert STOPPED in stop(as_alice, retried)
    new = row_of(retried, "bennie@x.example")
    assert (new.get_result_display(), new.next_attempt_at) == ("Bounced", None)
    assert entry_at(row_of(retried, ANNA)) == stopped_at < entry_at(new)
    assert audit.history(retried).filter(action="broadcast.retries_stopped").count() == 2


def entry_at(row: Delivery) -> datetime:
    (at,) = [entry.at for entry in timeline(row) if entry.what == "Somebody stopped our trying again"]
    assert at
    return at


def test_without_anybody_to_try_there_is_nothing_to_stop(as_alice: Client, mail_server: Script) -> None:
    broadcast = start(make_people(BEN))
    assert "Nothing was changed" in stop(as_alice, broadcast)  # sending: that is what Cancel is for
    deliver(broadcast)
    assert "Stop retrying" not in page_of(as_alice, broadcast)
    assert "Nothing was changed" in stop(as_alice, broadcast)
    assert "Nothing was changed" in press(as_alice, broadcast).content.decode()


def test_a_stranger_finds_nothing_to_stop(as_bob: Client, retried: Broadcast, bob: User) -> None:
    assert press(as_bob, retried, sure="yes").status_code == 404
    assert results_of(retried)[ANNA] == "Soft Bounced"
