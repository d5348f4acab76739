"""Two at the office at the same moment."""

from collections.abc import Callable
from threading import Barrier, Thread

import pytest
from django.db import connection

from broadcasts.models import BroadcastType, ContactType, EmailAddress, Guardianship, Person, School, User
from broadcasts.people.choosing import record_family_choice, record_staff_choice
from broadcasts.people.editing import add_address, correct_address
from broadcasts.people.relating import AlreadyGuardian, Relation, add_guardian
from tests import factory
from tests.broadcasts.people.family import make_student

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ann(lincoln: School) -> Person:
    factory.make_type("General")
    return factory.make_person(lincoln, "Ann", ["ann@gmial.example"])


def at_once(*deeds: Callable[[], object]) -> list[object]:
    """What each returned or raised."""
    start, outcomes = Barrier(len(deeds)), list[object]([None] * len(deeds))

    def do(number: int) -> None:
        try:
            start.wait(timeout=30)
            outcomes[number] = deeds[number]()
        except Exception as error:  # noqa: BLE001
            outcomes[number] = error
        finally:
            connection.close()

    threads = [Thread(target=do, args=[number]) for number in range(len(deeds))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return outcomes


def test_of_two_corrections_one_acts_and_the_other_is_told(ann: Person, alice: User) -> None:
    pk = ann.addresses.get().pk
    outcomes = at_once(
        lambda: correct_address(EmailAddress.objects.get(pk=pk), "ann@gmail.example", by=alice),
        lambda: correct_address(EmailAddress.objects.get(pk=pk), "ann@mail.example", by=alice),
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["CorrectedMeanwhile", "EmailAddress"]
    assert ann.addresses.filter(is_active=True).count() == 1


def test_an_address_that_two_add_is_there_once(ann: Person, alice: User) -> None:
    outcomes = at_once(*[lambda: add_address(ann, "ann@work.example", by=alice)] * 2)
    assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert ann.addresses.filter(key="ann@work.example").count() == 1


def test_a_guardian_whom_two_add_is_there_once(lincoln: School, ann: Person, alice: User) -> None:
    sam = make_student(lincoln)
    outcomes = at_once(*[lambda: add_guardian(sam, ann, Relation("mother"), by=alice)] * 2)
    assert sum(isinstance(outcome, AlreadyGuardian) for outcome in outcomes) == 1
    assert Guardianship.objects.count() == 1


def test_a_family_and_staff_at_once_leave_one_of_both_choices_and_no_error(
    lincoln: School, ann: Person, alice: User
) -> None:
    kind, address = BroadcastType.objects.get(), ann.addresses.get()
    outcomes = at_once(
        lambda: record_family_choice(lincoln, address.key, {kind.pk: False}),
        lambda: record_staff_choice(ann, {(address.pk, kind.pk): False}, by=alice),
    )
    assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    choice = ContactType.objects.get(address=address)
    assert (choice.receives, choice.chosen_by) == (False, "family")
