"""Blocking the addresses of rows of the ledger in a few statements."""

from collections.abc import Callable
from threading import Barrier, Thread

import pytest
from django.db import connection
from django.db.models import QuerySet

from broadcasts.blocking import block_addresses, block_gathered, compare_gathered
from broadcasts.gathering import gathered_addresses
from broadcasts.models import AuditEntry, BlockedEmail, BlockLevel, Delivery, User
from tests import factory
from tests.reports.rows import make_delivery

REASON = "Left"
EVERYTHING, EXCEPT = BlockLevel.EVERYTHING, BlockLevel.EXCEPT_EMERGENCY


def block_rows(rows: "QuerySet[Delivery]", by: User) -> int:
    with gathered_addresses(rows) as addresses:
        return block_gathered(addresses, reason=REASON, level=EVERYTHING, by=by)


def deeds(action: str) -> int:
    return AuditEntry.objects.filter(action=f"blocked_email.{action}").count()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("by_rows", [True, False])
def test_of_two_at_once_each_address_is_new_to_one_and_stricter_to_one(by_rows: bool) -> None:
    """Half of them are on the list for all but Emergency. Nobody waits for ever, and each deed is on record once."""
    broadcast = factory.make_broadcast(factory.make_school())
    addresses = [f"a{n}@home.example" for n in range(40)]
    for address in addresses:
        make_delivery(broadcast, address, person=None)
    source, charlie = BlockedEmail.Source.STAFF, factory.make_user("Charlie")
    block_addresses(addresses[::2], reason="Asked", source=source, level=EXCEPT)
    start, changed = Barrier(2), []

    def some_rows() -> int:
        return block_rows(Delivery.objects.all(), charlie)

    def one_by_one() -> int:
        return len(block_addresses(addresses[::-1], reason=REASON, source=source, by=charlie))

    def run(deed: Callable[[], int]) -> None:
        try:
            start.wait(10)
            changed.append(deed())
        finally:
            connection.close()

    threads = [Thread(target=run, args=(deed,)) for deed in (some_rows, some_rows if by_rows else one_by_one)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(changed) == 2
    assert sum(changed) == 40
    assert BlockedEmail.objects.filter(level=EVERYTHING, reason=REASON).count() == 40
    assert (deeds("added"), deeds("tightened")) == (40, 20)


@pytest.mark.django_db
def test_rows_without_an_address_block_nothing() -> None:
    make_delivery(factory.make_broadcast(factory.make_school()), "")
    charlie = factory.make_user("Charlie")
    for rows in (Delivery.objects.all(), Delivery.objects.none()):
        assert block_rows(rows, charlie) == 0
    assert not BlockedEmail.objects.exists()
    assert not AuditEntry.objects.exists()


@pytest.mark.django_db
def test_what_stands_where_an_address_was_removed_is_not_blocked() -> None:
    broadcast, charlie = factory.make_broadcast(factory.make_school()), factory.make_user("Charlie")
    make_delivery(broadcast, "ann@home.example")
    make_delivery(broadcast, "removed 0123456789abcdef@home.example", removed=Delivery.Removed.ADDRESSES)
    with gathered_addresses(Delivery.objects.all()) as addresses:
        assert compare_gathered(addresses).addresses == 1
    assert block_rows(Delivery.objects.all(), charlie) == 1
    assert BlockedEmail.objects.get().key == "ann@home.example"


@pytest.mark.django_db
def test_rows_that_come_meanwhile_are_not_blocked() -> None:
    broadcast, charlie = factory.make_broadcast(factory.make_school()), factory.make_user("Charlie")
    make_delivery(broadcast, "ann@home.example")
    with gathered_addresses(Delivery.objects.all()) as addresses:
        make_delivery(broadcast, "ben@home.example")
        assert block_gathered(addresses, reason=REASON, level=EVERYTHING, by=charlie) == 1
    assert BlockedEmail.objects.get().key == "ann@home.example"


@pytest.mark.django_db
def test_after_a_deed_that_failed_the_next_one_begins_anew() -> None:
    broadcast, charlie = factory.make_broadcast(factory.make_school()), factory.make_user("Charlie")
    make_delivery(broadcast, "ann@home.example")
    with pytest.raises(RuntimeError), gathered_addresses(Delivery.objects.all()):
        raise RuntimeError
    make_delivery(broadcast, "ben@home.example")
    assert block_rows(Delivery.objects.all(), charlie) == 2
