from typing import Any

import pytest
from django.test import Client

from broadcasts.models import (
    AuditEntry,
    BroadcastType,
    ContactType,
    ContactTypeChange,
    EmailAddress,
    Person,
    School,
    User,
)
from broadcasts.people.choosing import record_family_choice
from broadcasts.people.choosing_for_many import addresses_of, switch_for_many
from tests import factory
from tests.broadcasts.people.family import page, text_of

URL = "/people/types/"


@pytest.fixture
def general(db: None) -> BroadcastType:
    return factory.make_type("General")


@pytest.fixture
def attendance(db: None) -> BroadcastType:
    return factory.make_type("Attendance")


@pytest.fixture
def people(lincoln: School, general: BroadcastType, attendance: BroadcastType) -> list[Person]:
    """Four addresses in use: one gets General, one does not, one never chose, one's family said no."""
    ann = factory.make_person(lincoln, "Ann", ["ann@x.example"], [general])
    bea = factory.make_person(lincoln, "Bea", ["bea@x.example"], [general])
    ContactType.objects.filter(address__person=bea).update(receives=False)
    cleo = factory.make_person(lincoln, "Cleo", ["cleo@x.example", "gone@x.example"], [])
    EmailAddress.objects.filter(address="gone@x.example").update(is_active=False)
    dora = factory.make_person(lincoln, "Dora", ["dora@x.example"], [general])
    record_family_choice(lincoln, "dora@x.example", {general.pk: False})
    ContactTypeChange.objects.all().delete()
    return [ann, bea, cleo, dora]


def received(kind: BroadcastType) -> set[str]:
    rows = ContactType.objects.filter(broadcast_type=kind, receives=True)
    return set(rows.values_list("address__address", flat=True))


def numbers(response: Any) -> list[tuple[str, int, int, int]]:
    return [
        (one.broadcast_type.name, one.changed, one.kept_by_family, one.already)
        for one in response.context["switches"]
    ]


def test_the_numbers_are_shown_before_anything_changes(
    as_alice: Client, people: list[Person], general: BroadcastType, attendance: BroadcastType
) -> None:
    asked = {f"type_{general.pk}": "on", f"type_{attendance.pk}": "off", "check": "1"}
    answer = as_alice.get(URL, asked)
    assert sorted(numbers(answer)) == [("Attendance", 0, 0, 4), ("General", 2, 1, 1)]
    shown = text_of(answer)
    assert "4 people, 4 addresses in use: everybody you can see" in shown
    assert "Change 2 choices" in shown
    assert received(general) == {"ann@x.example"}


def test_types_are_switched_for_all_but_a_family_s_choice_stays(
    as_alice: Client, alice: User, people: list[Person], general: BroadcastType
) -> None:
    shown = text_of(as_alice.post(URL, {f"type_{general.pk}": "on"}, follow=True))
    assert received(general) == {"ann@x.example", "bea@x.example", "cleo@x.example"}
    assert "2 choices were changed." in shown
    assert "1 stayed as the family chose it." in shown
    changes = ContactTypeChange.objects.all()
    assert {(one.address.address, one.receives, one.changed_by, one.chosen_by) for one in changes} == {
        ("bea@x.example", True, alice, "staff"),
        ("cleo@x.example", True, alice, "staff"),
    }
    [entry] = AuditEntry.objects.all()
    assert (entry.action, entry.actor, entry.object_label) == ("contact_types.changed_for_many", alice, "Lincoln")
    assert entry.details["counts"] == {"General": {"switched": "on", "changed": 2, "kept_by_family": 1, "already": 1}}
    assert entry.details["changes"] == ["General switched on for 2 addresses"]
    history = text_of(as_alice.get(page("person-detail", people[1].pk)))
    assert "<b>Alice</b> changed what bea@x.example receives" in history


def test_the_second_press_changes_nothing(as_alice: Client, people: list[Person], general: BroadcastType) -> None:
    for _ in range(2):
        as_alice.post(URL, {f"type_{general.pk}": "off"})
    assert received(general) == set()
    assert ContactTypeChange.objects.count() == 1
    assert AuditEntry.objects.count() == 1


def test_only_whom_the_filters_mean(as_alice: Client, people: list[Person], general: BroadcastType) -> None:
    answer = as_alice.post(URL, {"q": "bea", f"type_{general.pk}": "on"})
    assert answer["Location"] == "/people/?q=bea"
    assert received(general) == {"ann@x.example", "bea@x.example"}
    assert AuditEntry.objects.get().details["filters"] == {"q": "bea"}


def test_only_the_people_of_a_list(
    as_alice: Client, lincoln: School, people: list[Person], general: BroadcastType
) -> None:
    fifth = factory.make_list(lincoln, [people[0]], "Fifth")
    assert "of the list “Fifth”" in text_of(as_alice.get(URL, {"list": fifth.pk}))
    as_alice.post(URL, {"list": fifth.pk, f"type_{general.pk}": "off"})
    assert received(general) == set()
    assert (AuditEntry.objects.get().object_type, AuditEntry.objects.get().object_label) == ("list", "Fifth")


def test_only_valid_addresses(as_alice: Client, lincoln: School, general: BroadcastType) -> None:
    factory.make_person(lincoln, "Eve", ["a..b@x.example", "eve@x.example"], [])
    as_alice.post(URL, {f"type_{general.pk}": "on", "only_valid": "on"})
    assert received(general) == {"eve@x.example"}


def test_without_a_choice_it_says_what_to_do(as_alice: Client, people: list[Person]) -> None:
    for answer in (as_alice.get(URL, {"check": "1"}), as_alice.post(URL)):
        assert answer.status_code == 422
        assert "Say for at least one type" in text_of(answer)


def test_a_filter_that_does_not_exist_means_nobody(
    as_alice: Client, people: list[Person], general: BroadcastType
) -> None:
    answer = as_alice.post(URL, {"kind": "nonsense", f"type_{general.pk}": "on"})
    assert answer.status_code == 422
    assert received(general) == {"ann@x.example"}


def test_a_stranger_changes_only_own_people(
    as_bob: Client, lincoln: School, people: list[Person], general: BroadcastType
) -> None:
    own_list = factory.make_list(lincoln, people)
    as_bob.post(URL, {f"type_{general.pk}": "on"})
    assert as_bob.post(URL, {"list": own_list.pk, f"type_{general.pk}": "on"}).status_code == 422
    assert received(general) == {"ann@x.example"}
    assert not AuditEntry.objects.exists()


def test_the_district_s_change_is_on_record_without_a_school(
    as_charlie: Client, jefferson: School, people: list[Person], general: BroadcastType
) -> None:
    as_charlie.post(URL, {f"type_{general.pk}": "on"})
    entry = AuditEntry.objects.get()
    assert (entry.school, entry.object_label) == (None, "people")


def test_any_number_of_addresses_takes_the_same_statements(
    lincoln: School, alice: User, general: BroadcastType, django_assert_num_queries: Any
) -> None:
    for number in range(30):
        factory.make_person(lincoln, addresses=[f"p{number}@x.example"], receives=[])
    with django_assert_num_queries(6):  # look, update, insert, history, and the transaction's two
        [switch] = switch_for_many(addresses_of(Person.objects.all()), {general: True}, by=alice)
    assert switch.changed == 30
    assert ContactTypeChange.objects.count() == 30
