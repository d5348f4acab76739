"""What a file changed stays readable on the person's page, also when the import itself is forgotten."""

import pytest

from broadcasts.models import AuditEntry, Person, School, User
from broadcasts.people.history import history_of
from broadcasts.people.importing.discarding import forget_import
from tests import factory
from tests.broadcasts.people.importing.files import row, store

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def types(db: None) -> None:
    factory.make_type()


def told_of(sis_id: str) -> list[str]:
    entries = history_of(Person.objects.get(sis_id=sis_id))
    return [line for entry in entries for line in (f"{entry.who} {entry.what}", *entry.more)]


def test_the_persons_page_says_what_the_file_changed(lincoln: School, alice: User) -> None:
    store(lincoln, [row(lincoln, "1", "Ann", ["old@x.example"], grade="4"), row(lincoln, "2", "Ben")])
    later = store(
        lincoln, [row(lincoln, "1", "Anne", ["new@x.example"], grade="5"), row(lincoln, "2", "Ben")], by=alice
    )
    forget_import(later)
    assert told_of("1") == [
        "Alice imported a file that changed the person",
        "File: people.csv",
        "Name: Ann → Anne",
        "Grade: 4 → 5",
        "Addresses: old@x.example → new@x.example",
    ]
    assert told_of("2") == []


def test_who_was_missing_from_the_file_is_told_apart(lincoln: School) -> None:
    store(lincoln, [row(lincoln, str(number), f"Person {number}") for number in range(1, 8)])
    store(lincoln, [row(lincoln, str(number), f"Person {number}") for number in range(1, 7)], deactivate_missing=True)
    assert told_of("7") == [
        "Messenger imported a file that changed the person",
        "File: people.csv",
        "Active: yes → no",
    ]


def test_those_whom_nobody_made_inactive_have_nothing_to_tell(lincoln: School) -> None:
    store(lincoln, [row(lincoln, "1", "Ann"), row(lincoln, "2", "Ben")])
    store(lincoln, [row(lincoln, "1", "Ann")])
    assert not AuditEntry.objects.filter(action="person.changed_by_file").exists()
