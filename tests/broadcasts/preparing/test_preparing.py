"""Who is reached is counted before sending and written when prepared, by the same query."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection
from django.utils import timezone

from broadcasts.blocking import block_addresses
from broadcasts.delivering.controlling import send_now
from broadcasts.models import BlockedEmail, Broadcast, BroadcastType, Delivery, Person, School
from broadcasts.preparing.preparing import announce_preparing, prepare_deliveries
from broadcasts.preparing.reach import Reach
from broadcasts.results import Result, count_by_label
from tests import factory


@pytest.fixture
def general(db: None) -> BroadcastType:
    return factory.make_type("General")


@pytest.fixture
def emergency(db: None) -> BroadcastType:
    return factory.make_type("Emergency")


def prepared(broadcast: Broadcast) -> Broadcast:
    assert send_now(broadcast, None, undo_seconds=0)
    assert announce_preparing(broadcast.pk, timezone.now())
    assert prepare_deliveries(broadcast.pk)
    broadcast.refresh_from_db()
    return broadcast


def everybody(school: School, general: BroadcastType, emergency: BroadcastType) -> list[Person]:
    """One for each first result, and some who need more than one check."""
    block_addresses(["blocked@x.example"], reason="asked us", source=BlockedEmail.Source.STAFF)
    return [
        factory.make_person(school, "Anna", ["anna@x.example"]),
        factory.make_person(school, "Ben", ["Anna@X.example"]),
        factory.make_person(school, "Cleo", ["cleo@x.example", "cleo@work.example"]),
        factory.make_person(school, "Dan", ["dan@x.example"], receives=[emergency]),
        factory.make_person(school, "Eve"),
        factory.make_person(school, "Finn", ["no..dots@x.example"]),
        factory.make_person(school, "Gus", ["no..dots@x.example"]),
        factory.make_person(school, "Hal", ["blocked@x.example"]),
        factory.make_person(school, "Ida", ["BLOCKED@x.example"]),
        factory.make_person(school, "Jo", ["jo@x.example", "jo@quiet.example"], is_active=False),
    ]


def rows(broadcast: Broadcast) -> set[tuple[str, str, str, str]]:
    found = broadcast.deliveries.values_list("name", "email", "result", "note")
    return {(name, email, str(Result(result).label), note) for name, email, result, note in found}


def test_each_person_of_the_lists_gets_rows_with_their_first_result(
    lincoln: School, general: BroadcastType, emergency: BroadcastType
) -> None:
    broadcast = prepared(factory.make_broadcast(lincoln, everybody(lincoln, general, emergency)))
    assert rows(broadcast) == {
        ("Anna", "anna@x.example", "Unsent", ""),
        ("Ben", "Anna@X.example", "Duplicate", "shared"),
        ("Cleo", "cleo@x.example", "Unsent", ""),
        ("Cleo", "cleo@work.example", "Unsent", ""),
        ("Dan", "dan@x.example", "No Email Selected", "not_selected"),
        ("Eve", "", "No Email Selected", "no_address"),
        # A second copy of an invalid or blocked address is not a Duplicate: nobody gets the first one.
        ("Finn", "no..dots@x.example", "Failed", "bad_address"),
        ("Gus", "no..dots@x.example", "Failed", "bad_address"),
        ("Hal", "blocked@x.example", "Blocked", "blocked"),
        ("Ida", "BLOCKED@x.example", "Blocked", "blocked"),
    }


def test_the_review_counts_what_preparing_writes(
    lincoln: School, general: BroadcastType, emergency: BroadcastType
) -> None:
    broadcast = factory.make_broadcast(lincoln, everybody(lincoln, general, emergency))
    reach = Reach(broadcast)
    counts = reach.counts()
    names = {label: {(row.name, row.email) for row in reach.names(label)} for label in counts}
    prepared(broadcast)
    assert counts == count_by_label(broadcast.deliveries.all())
    assert reach.total == broadcast.deliveries.count()
    for label, people in names.items():
        assert people == {(name, email) for name, email, result, _ in rows(broadcast) if result == label}


def test_a_duplicate_says_who_gets_the_email(lincoln: School, general: BroadcastType) -> None:
    people = [factory.make_person(lincoln, name, ["home@x.example"]) for name in ("Anna", "Ben", "Cleo")]
    broadcast = factory.make_broadcast(lincoln, people)
    assert [row.shared_with for row in Reach(broadcast).names("Duplicate")] == ["Anna", "Anna"]
    prepared(broadcast)
    carrier = broadcast.deliveries.get(is_sendable=True)
    assert carrier.name == "Anna"
    assert {row.name for row in carrier.duplicates.all()} == {"Ben", "Cleo"}


def test_a_person_on_two_lists_gets_one_row(lincoln: School, general: BroadcastType) -> None:
    anna = factory.make_person(lincoln, "Anna", ["anna@x.example"])
    broadcast = factory.make_broadcast(lincoln, [anna])
    broadcast.lists.add(factory.make_list(lincoln, [anna]))
    assert Reach(broadcast).total == 1
    assert prepared(broadcast).deliveries.count() == 1


def test_preparing_again_adds_nothing(lincoln: School, general: BroadcastType) -> None:
    broadcast = prepared(factory.make_broadcast(lincoln, [factory.make_person(lincoln, "Anna", ["a@x.example"])]))
    assert prepare_deliveries(broadcast.pk) is False
    Broadcast.objects.filter(pk=broadcast.pk).update(status=Broadcast.Status.PREPARING)
    assert prepare_deliveries(broadcast.pk) is True
    assert broadcast.deliveries.count() == 1


def test_nothing_is_prepared_before_its_time(lincoln: School, general: BroadcastType) -> None:
    broadcast = factory.make_broadcast(lincoln, [factory.make_person(lincoln, "Anna", ["a@x.example"])])
    send_now(broadcast, None)
    assert announce_preparing(broadcast.pk, timezone.now()) is False
    assert prepare_deliveries(broadcast.pk) is False
    assert announce_preparing(broadcast.pk, timezone.now() + timedelta(seconds=11)) is True


def test_the_log_keeps_names_and_addresses_when_the_directory_changes(
    lincoln: School, general: BroadcastType
) -> None:
    anna = factory.make_person(lincoln, "Anna", ["anna@x.example"])
    broadcast = prepared(factory.make_broadcast(lincoln, [anna]))
    anna.delete()
    row = broadcast.deliveries.get()
    assert (row.name, row.email, row.person) == ("Anna", "anna@x.example", None)


@pytest.mark.django_db(transaction=True)
def test_two_workers_prepare_once() -> None:
    factory.make_type("General")
    school = factory.make_school()
    people = [factory.make_person(school, addresses=[f"p{number}@x.example"]) for number in range(50)]
    broadcast = factory.make_broadcast(school, people)
    send_now(broadcast, None, undo_seconds=0)
    announce_preparing(broadcast.pk, timezone.now())

    def work(_number: int) -> bool:
        try:
            return prepare_deliveries(broadcast.pk)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        outcomes = list(threads.map(work, range(4)))
    assert sorted(outcomes) == [False, False, False, True]
    assert broadcast.deliveries.count() == 50


@pytest.mark.django_db
def test_the_database_refuses_a_second_sendable_row_for_one_address() -> None:
    broadcast = factory.make_broadcast()
    row = {"broadcast": broadcast, "name": "Anna", "email": "a@x.example", "address_key": "a@x.example"}
    Delivery.objects.create(is_sendable=True, **row)
    with pytest.raises(IntegrityError):
        Delivery.objects.create(is_sendable=True, **row)
