"""Where a delivery ends is a matter of what is known about it, not of the order in which it became known."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from django.db import connections, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broadcasts.models import BlockedEmail, Broadcast, Delivery
from broadcasts.results import Result
from tests import factory
from tests.tracking.rows import make_delivery
from tracking.meanings import ACTIONS, AUTO_REPLIED, COMPLAINED, OPENED, UNSUBSCRIBED, Meaning, meaning_of_failure
from tracking.models import Event
from tracking.recording import Evidence, record_events

NOON = datetime(2017, 5, 11, 12, tzinfo=UTC)
NO_USER = meaning_of_failure("5.1.1", "550 5.1.1 User unknown")
CLOSED = meaning_of_failure("5.2.1", "550 5.2.1 Mailbox closed")
MEANINGS = [*ACTIONS.values(), NO_USER, CLOSED, OPENED, COMPLAINED, UNSUBSCRIBED, AUTO_REPLIED]

Told = tuple[int, int, int]  # meaning, minute, number
told = st.tuples(st.integers(0, len(MEANINGS) - 1), st.integers(0, 4), st.integers(0, 2))


def evidence(delivery: Delivery, meaning: Meaning, minute: int = 0, number: int = 0) -> Evidence:
    return Evidence(
        delivery_id=delivery.pk,
        meaning=meaning,
        at=NOON + timedelta(minutes=minute),
        source=Event.Source.REPORT,
        key_parts=(f"{meaning.rule} {minute} {number}",),
        code="5.1.1",
        text=f"said by number {number}",
    )


def row(delivery: Delivery) -> dict[str, object]:
    fields = ("result", "late_bounce_at", "late_bounce_reason", "next_attempt_at", "state")
    return dict(Delivery.objects.values(*fields).get(pk=delivery.pk))


@pytest.fixture
def broadcast(db: None) -> Broadcast:
    return factory.make_broadcast(status=Broadcast.Status.SENT)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(what=st.lists(told, min_size=1, max_size=8), data=st.data())
def test_order_repetition_and_batches_do_not_matter(
    broadcast: Broadcast, what: list[Told], data: st.DataObject
) -> None:
    again = data.draw(st.lists(st.sampled_from(what), max_size=4))
    shuffled = data.draw(st.permutations(what + again))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(shuffled)), max_size=3)))
    ends = [0, *cuts, len(shuffled)]
    with transaction.atomic():
        first = make_delivery("first@home.example", broadcast=broadcast)
        second = make_delivery("second@home.example", broadcast=broadcast)
        record_events([evidence(first, MEANINGS[kind], minute, number) for kind, minute, number in what])
        for start, end in pairwise(ends):
            record_events([evidence(second, MEANINGS[kind], at, number) for kind, at, number in shuffled[start:end]])
        assert row(first) == row(second)
        assert row(first)["result"] == max(Result.SENT, *(MEANINGS[kind].result for kind, _at, _number in what))
        assert first.events.count() == second.events.count() == len(set(what))
        transaction.set_rollback(True)


@pytest.mark.django_db(transaction=True)
def test_several_threads_end_where_one_does() -> None:
    delivery = make_delivery()
    everything = [evidence(delivery, meaning, minute) for meaning in MEANINGS for minute in range(3)]

    def tell(share: int) -> int:
        try:
            return sum(record_events(everything[start : start + 4]) for start in range(share, len(everything), 3))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        new = sum(pool.map(tell, [0, 1, 2, 0]))
    assert new == delivery.events.count() == len(everything)
    assert row(delivery)["result"] == Result.OPENED
    assert BlockedEmail.objects.count() == 1


@pytest.mark.django_db
def test_late_bounce_does_not_undo_delivered() -> None:
    delivery = make_delivery()
    record_events([evidence(delivery, ACTIONS["delivered"])])
    record_events([evidence(delivery, NO_USER, minute=5)])
    assert row(delivery)["result"] == Result.DELIVERED
    assert row(delivery)["late_bounce_at"] == NOON + timedelta(minutes=5)
    assert row(delivery)["late_bounce_reason"] == "no such mailbox"


@pytest.mark.django_db
def test_a_bounce_before_the_arrival_is_not_late() -> None:
    delivery = make_delivery()
    record_events([evidence(delivery, CLOSED, minute=1)])
    assert row(delivery)["result"] == Result.BOUNCED
    record_events([evidence(delivery, ACTIONS["delivered"], minute=2)])
    assert row(delivery)["result"] == Result.DELIVERED
    assert row(delivery)["late_bounce_at"] is None


@pytest.mark.django_db
def test_second_arrival_of_the_same_evidence_does_nothing_more() -> None:
    delivery = make_delivery()
    assert record_events([evidence(delivery, COMPLAINED)] * 2) == 1
    BlockedEmail.objects.all().delete()
    assert record_events([evidence(delivery, COMPLAINED)]) == 0
    assert not BlockedEmail.objects.exists()  # whoever took it off the list meant it


@pytest.mark.django_db
def test_rows_that_carried_no_email_and_unknown_ones_are_left_alone() -> None:
    duplicate = make_delivery(is_sendable=False, result=Result.DUPLICATE)
    unknown = Delivery(pk=10**9)
    assert record_events([evidence(duplicate, OPENED), evidence(unknown, OPENED), evidence(unknown, COMPLAINED)]) == 0
    assert row(duplicate)["result"] == Result.DUPLICATE
    assert not Event.objects.exists()
    assert not BlockedEmail.objects.exists()
