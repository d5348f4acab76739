"""Blocked for everything, or for everything except Emergency: in the review, at the worker, and on the list."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.db import connection
from django.utils import timezone

from broadcasts.blocking import Block, block_addresses, block_each, find_block
from broadcasts.delivering.claiming import claim_batch
from broadcasts.models import AuditEntry, BlockedEmail, BlockLevel, Broadcast, Delivery, School
from broadcasts.preparing.reach import Reach
from broadcasts.results import Result
from tests import factory
from tests.broadcasts.delivering.steps import start_broadcast

pytestmark = pytest.mark.django_db
Source = BlockedEmail.Source
EXCEPT = BlockLevel.EXCEPT_EMERGENCY


def block(address: str, level: str = BlockLevel.EVERYTHING) -> list[BlockedEmail]:
    return block_addresses([address], reason="Asked us to stop", source=Source.STAFF, level=level)


def make_broadcast(lincoln: School, type_name: str) -> Broadcast:
    kind = factory.make_type(type_name)
    person = factory.make_person(lincoln, "Ann", ["ann@home.example"], [kind])
    return factory.make_broadcast(lincoln, [person], type_name=type_name)


def blocked_for(type_name: str, level: str, expected: int) -> object:
    return pytest.param(type_name, level, expected, id=f"{type_name}, {level}")


CASES = pytest.mark.parametrize(
    ("type_name", "level", "expected"),
    [
        blocked_for("General", BlockLevel.EVERYTHING, 1),
        blocked_for("General", EXCEPT, 1),
        blocked_for("Emergency", BlockLevel.EVERYTHING, 1),
        blocked_for("Emergency", EXCEPT, 0),
    ],
)


@CASES
def test_review_counts_who_is_blocked_for_this_type(
    lincoln: School, type_name: str, level: str, expected: int
) -> None:
    broadcast = make_broadcast(lincoln, type_name)
    block("ann@home.example", level)
    counts = Reach(broadcast).counts()
    assert (counts["Blocked"], counts["Unsent"]) == (expected, 1 - expected)


@CASES
def test_worker_finds_who_was_blocked_after_preparing(
    lincoln: School, type_name: str, level: str, expected: int
) -> None:
    broadcast = make_broadcast(lincoln, type_name)
    start_broadcast(broadcast)
    block("ann@home.example", level)
    batch = claim_batch(broadcast.pk, 10, timezone.now() + timedelta(seconds=1))
    assert len(batch.jobs) == 1 - expected
    [row] = Delivery.objects.all()
    assert (row.result == Result.BLOCKED, row.note == Delivery.Note.BLOCKED) == (bool(expected), bool(expected))


def test_stricter_block_wins_whoever_comes_first() -> None:
    block("ann@home.example", EXCEPT)
    [entry] = block_addresses(["ANN@home.example"], reason="Spam", source=Source.COMPLAINT)
    assert (entry.level, entry.reason, entry.source) == (BlockLevel.EVERYTHING, "Spam", Source.COMPLAINT)
    assert block("ann@home.example", EXCEPT) == []
    stored = find_block("ann@home.example")
    assert stored
    assert (stored.level, stored.reason, stored.address) == (BlockLevel.EVERYTHING, "Spam", "ann@home.example")
    deeds = AuditEntry.objects.order_by("pk").values_list("action", flat=True)
    assert list(deeds) == ["blocked_email.added", "blocked_email.tightened"]


def test_one_deed_may_hold_several_reasons_and_levels() -> None:
    blocks = [Block("b@home.example", "Left", EXCEPT), Block("a@home.example", "Asked"), Block(" ", "Nobody")]
    added = block_each(blocks, source=Source.FILE)
    assert [(entry.address, entry.reason, entry.level) for entry in added] == [
        ("b@home.example", "Left", EXCEPT),
        ("a@home.example", "Asked", BlockLevel.EVERYTHING),
    ]


def test_many_are_blocked_with_few_queries(django_assert_max_num_queries: object) -> None:
    with django_assert_max_num_queries(40):  # type: ignore[operator]
        added = block_addresses([f"a{n}@home.example" for n in range(2500)], reason="Left", source=Source.FILE)
    assert len(added) == BlockedEmail.objects.count() == AuditEntry.objects.count() == 2500


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_each_address_is_new_to_one() -> None:
    """The two name them in opposite orders, and neither waits for ever."""
    addresses = [f"a{n}@home.example" for n in range(60)]
    start, added = Barrier(2), []

    def run(some: list[str]) -> None:
        try:
            start.wait(10)
            added.extend(block_addresses(some, reason="Left", source=Source.STAFF))
        finally:
            connection.close()

    threads = [Thread(target=run, args=(some,)) for some in (addresses, addresses[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(added) == BlockedEmail.objects.count() == AuditEntry.objects.count() == 60
