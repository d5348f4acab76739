"""The matrix of addresses and broadcast types on a person's page, and its history."""

import pytest
from django.test import Client

from broadcasts.models import (
    AuditEntry,
    BroadcastType,
    ContactType,
    ContactTypeChange,
    FamilyChoice,
    Person,
    PersonSchool,
    School,
    User,
)
from broadcasts.people.choosing import record_family_choice
from tests import factory
from tests.broadcasts.people.family import page, shown_boxes, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def general(db: None) -> BroadcastType:
    return factory.make_type("General", position=1)


@pytest.fixture
def attendance(db: None) -> BroadcastType:
    return factory.make_type("Attendance", position=2)


@pytest.fixture
def ann(lincoln: School, general: BroadcastType, attendance: BroadcastType) -> Person:
    return factory.make_person(lincoln, "Ann", ["ann@x.example"], [general])


def box(person: Person, kind: BroadcastType) -> str:
    return f"{person.addresses.get().pk}-{kind.pk}"


def received(person: Person) -> set[str]:
    rows = ContactType.objects.filter(address__person=person, receives=True)
    return set(rows.values_list("broadcast_type__name", flat=True))


def save(client: Client, person: Person, shown: str, *ticked: str, **more: str) -> str:
    answer = client.post(
        page("person-detail", person.pk), {"shown": shown, "cells": list(ticked), **more}, follow=True
    )
    return text_of(answer)


def test_staff_switch_types_on_and_off(
    as_alice: Client, alice: User, ann: Person, general: BroadcastType, attendance: BroadcastType
) -> None:
    shown = save(as_alice, ann, shown_boxes(as_alice, ann), box(ann, attendance))
    assert received(ann) == {"Attendance"}
    assert set(ContactType.objects.values_list("chosen_by", flat=True)) == {"staff"}
    changes = ContactTypeChange.objects.order_by("broadcast_type__position")
    assert [(one.broadcast_type, one.receives, one.changed_by) for one in changes] == [
        (general, False, alice),
        (attendance, True, alice),
    ]
    [entry] = AuditEntry.objects.all()
    assert entry.details == {"started": ["ann@x.example: Attendance"], "stopped": ["ann@x.example: General"]}
    assert "<b>Alice</b> changed what ann@x.example receives" in shown
    assert "Switched on: Attendance" in shown
    assert "Switched off: General" in shown


def test_the_same_once_more_changes_nothing(as_alice: Client, ann: Person, attendance: BroadcastType) -> None:
    old = shown_boxes(as_alice, ann)
    for _ in range(2):
        shown = save(as_alice, ann, old, box(ann, attendance))
    assert "everything is as you asked already" in shown
    assert ContactTypeChange.objects.count() == 2
    assert AuditEntry.objects.count() == 1


def test_who_saves_an_old_page_does_not_undo_what_others_changed(
    as_alice: Client, as_charlie: Client, ann: Person, general: BroadcastType, attendance: BroadcastType
) -> None:
    old = shown_boxes(as_alice, ann)
    save(as_charlie, ann, shown_boxes(as_charlie, ann), box(ann, general), box(ann, attendance))
    save(as_alice, ann, old)  # Alice clears General; Attendance is as her page showed it
    assert received(ann) == {"Attendance"}


def test_a_family_s_own_choice_asks_for_a_second_tick(
    as_alice: Client, ann: Person, lincoln: School, general: BroadcastType, attendance: BroadcastType
) -> None:
    record_family_choice(lincoln, "ann@x.example", {general.pk: False})
    assert "chosen by the family" in text_of(as_alice.get(page("person-detail", ann.pk)))
    shown = shown_boxes(as_alice, ann)
    data = {"shown": shown, "cells": [box(ann, general), box(ann, attendance)]}
    answer = as_alice.post(page("person-detail", ann.pk), data)
    assert answer.status_code == 422
    assert "Nothing was saved: the family chose this itself" in text_of(answer)
    assert text_of(answer).count(" checked") == 2  # what was typed is still there
    assert received(ann) == set()
    save(as_alice, ann, shown, box(ann, general), box(ann, attendance), overrule="on")
    assert received(ann) == {"General", "Attendance"}
    assert not FamilyChoice.objects.exists()


def test_a_family_that_chose_after_the_page_was_opened_is_not_overruled(
    as_alice: Client, ann: Person, lincoln: School, general: BroadcastType
) -> None:
    old = shown_boxes(as_alice, ann)
    record_family_choice(lincoln, "ann@x.example", {general.pk: True})
    assert "Nothing was saved" in save(as_alice, ann, old)
    assert received(ann) == {"General"}


def test_cells_beside_the_family_s_are_saved_without_it(
    as_alice: Client, ann: Person, lincoln: School, general: BroadcastType, attendance: BroadcastType
) -> None:
    record_family_choice(lincoln, "ann@x.example", {general.pk: False})
    save(as_alice, ann, shown_boxes(as_alice, ann), box(ann, attendance))
    assert received(ann) == {"Attendance"}
    assert FamilyChoice.objects.count() == 1


def test_what_the_family_changed_is_in_the_history(
    as_alice: Client, ann: Person, lincoln: School, general: BroadcastType
) -> None:
    record_family_choice(lincoln, "ann@x.example", {general.pk: False})
    shown = text_of(as_alice.get(page("person-detail", ann.pk)))
    assert "<b>The family</b> changed what ann@x.example receives" in shown
    assert "Switched off: General" in shown


def test_a_family_s_choice_reaches_whoever_belongs_to_the_school_besides(
    jefferson: School, lincoln: School, ann: Person, general: BroadcastType
) -> None:
    record_family_choice(jefferson, "ann@x.example", {general.pk: False})
    assert received(ann) == {"General"}
    PersonSchool.objects.create(person=ann, school=jefferson)
    record_family_choice(jefferson, "ann@x.example", {general.pk: False})
    assert received(ann) == set()


def test_a_required_type_is_marked_and_staff_can_switch_it_off(
    as_alice: Client, ann: Person, general: BroadcastType
) -> None:
    BroadcastType.objects.filter(pk=general.pk).update(is_required=True)
    assert 'General <span class="pill info">required</span>' in text_of(as_alice.get(page("person-detail", ann.pk)))
    save(as_alice, ann, shown_boxes(as_alice, ann))
    assert received(ann) == set()


@pytest.mark.parametrize("nonsense", ["", "x", "1-2", "9" * 30 + "-1:0", "²-1:1", "0-0:1,,:"])
def test_nonsense_in_the_form_changes_nothing(
    as_alice: Client, ann: Person, general: BroadcastType, nonsense: str
) -> None:
    save(as_alice, ann, nonsense, nonsense, box(ann, general))
    assert received(ann) == {"General"}
    assert not ContactTypeChange.objects.exists()


def test_another_person_s_address_is_not_switched_on_this_page(
    as_alice: Client, ann: Person, lincoln: School, general: BroadcastType
) -> None:
    bea = factory.make_person(lincoln, "Bea", ["bea@x.example"], [general])
    save(as_alice, ann, f"{box(bea, general)}:1")
    assert received(bea) == {"General"}


def test_a_stranger_switches_nothing(as_bob: Client, ann: Person, general: BroadcastType) -> None:
    answer = as_bob.post(page("person-detail", ann.pk), {"shown": f"{box(ann, general)}:1"})
    assert answer.status_code == 404
    assert received(ann) == {"General"}
