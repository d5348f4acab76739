from typing import Any

import pytest
from django.test import Client

from broadcasts.models import AuditEntry, Guardianship, Person, PersonSchool, School, User
from broadcasts.people.relating import remove_guardian
from tests import factory
from tests.broadcasts.people.family import make_guardian, make_student, page, text_of

AS_MOTHER = {"category": "mother", "priority": "1"}


@pytest.fixture
def sam(lincoln: School) -> Person:
    return make_student(lincoln)


def add(client: Client, student: Person, **data: Any) -> Any:
    return client.post(page("guardian-add", student.pk), AS_MOTHER | data, follow=True)


def shown_values(relation: Guardianship) -> dict[str, str]:
    values = {name: str(getattr(relation, name)) for name in ("category", "priority", "do_not_contact")}
    now = {name: value for name, value in values.items() if value != "False"}
    return now | {f"initial-{name}": value for name, value in values.items()}


def test_somebody_of_the_directory_becomes_a_guardian(
    as_alice: Client, alice: User, lincoln: School, sam: Person
) -> None:
    gina = factory.make_person(lincoln, "Gina Lee", ["gina@x.example"])
    search = text_of(as_alice.get(page("guardian-add", sam.pk), {"q": "gina"}))
    assert "Gina Lee · Guardian · gina@x.example" in search
    shown = text_of(add(as_alice, sam, q="gina", person=gina.pk))
    relation = Guardianship.objects.get()
    assert (relation.student, relation.guardian, relation.category, relation.by_hand) == (sam, gina, "mother", True)
    assert f'<a href="{page("person-detail", gina.pk)}">Gina Lee</a>' in shown
    assert "Mother, priority 1" in shown
    for person in (sam, gina):
        history = text_of(as_alice.get(page("person-detail", person.pk)))
        assert "<b>Alice</b> made somebody a guardian" in history
        assert "Gina Lee, guardian of Sam" in history


def test_somebody_new_becomes_a_guardian(as_alice: Client, lincoln: School, sam: Person) -> None:
    Person.objects.filter(pk=sam.pk).update(language="es")
    add(as_alice, sam, person="new", name="Gina Lee", address="gina@x.example")
    gina = Guardianship.objects.get().guardian
    assert (gina.name, gina.school, gina.kind, gina.language) == ("Gina Lee", lincoln, "guardian", "es")
    assert gina.addresses.get().address == "gina@x.example"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({}, "Choose one of these people"),
        ({"person": "new"}, "Write the name of the new person."),
        ({"person": "new", "name": "Gina", "address": "gina"}, "There is no @"),
        ({"person": "new", "name": "Gina", "do_not_contact": "on"}, "Write in a few words why"),
        ({"person": "999999"}, "Select a valid choice"),
    ],
)
def test_what_is_wrong_is_said_and_nobody_is_added(
    as_alice: Client, sam: Person, wrong: dict[str, str], words: str
) -> None:
    answer = add(as_alice, sam, **wrong)
    assert answer.status_code == 422
    assert words in text_of(answer)
    assert Person.objects.get() == sam


def test_who_is_a_guardian_already_is_not_offered_again(as_alice: Client, sam: Person) -> None:
    gina = make_guardian(sam, "Gina").guardian
    answer = add(as_alice, sam, q="gina", person=gina.pk)
    assert answer.status_code == 422
    assert "Nobody else fits “gina”" in text_of(answer)
    assert Guardianship.objects.count() == 1


def test_a_guardian_of_another_school_belongs_to_the_student_s_too(
    as_charlie: Client, jefferson: School, sam: Person
) -> None:
    gina = factory.make_person(jefferson, "Gina")
    for _ in range(2):
        add(as_charlie, sam, q="gina", person=gina.pk)
    assert PersonSchool.objects.get().school == sam.school


def test_do_not_contact_is_set_with_a_reason_and_seen_everywhere(as_alice: Client, sam: Person) -> None:
    relation = make_guardian(sam, "Gina")
    data = shown_values(relation) | {"do_not_contact": "on"}
    answer = as_alice.post(page("guardian-edit", relation.pk), data)
    assert answer.status_code == 422
    assert "Write in a few words why" in text_of(answer)
    as_alice.post(page("guardian-edit", relation.pk), data | {"reason": "Court order of May 3"})
    relation.refresh_from_db()
    assert (relation.do_not_contact, relation.by_hand) == (True, True)
    student, guardian = (text_of(as_alice.get(page("person-detail", one.pk))) for one in (sam, relation.guardian))
    assert "Nothing about this student is sent to Gina, whatever the list" in student
    assert "Nothing about Sam is sent to this person, whatever the list" in guardian
    for shown in (student, guardian):
        assert '<span class="pill danger">do not contact</span>' in shown
        assert "Do not contact: no → yes" in shown
        assert "Reason: Court order of May 3" in shown


def test_two_who_change_a_relation_at_once_keep_both_changes(as_alice: Client, sam: Person) -> None:
    relation = make_guardian(sam, "Gina")
    shown = shown_values(relation)
    as_alice.post(page("guardian-edit", relation.pk), shown | {"do_not_contact": "on", "reason": "Court order"})
    as_alice.post(page("guardian-edit", relation.pk), shown | {"priority": "2"})
    relation.refresh_from_db()
    assert (relation.do_not_contact, relation.priority) == (True, 2)


def test_the_same_change_once_more_is_not_recorded(as_alice: Client, sam: Person) -> None:
    relation = make_guardian(sam, "Gina")
    for _ in range(2):
        as_alice.post(page("guardian-edit", relation.pk), shown_values(relation) | {"category": "father"})
    assert AuditEntry.objects.count() == 2  # one for each of the two people


def test_a_guardian_is_removed(as_alice: Client, alice: User, sam: Person) -> None:
    relation = make_guardian(sam, "Gina")
    assert "Remove Gina as guardian of Sam?" in text_of(as_alice.get(page("guardian-remove", relation.pk)))
    assert Guardianship.objects.exists()
    shown = text_of(as_alice.post(page("guardian-remove", relation.pk), follow=True))
    assert "Gina is no longer a guardian of Sam." in shown
    assert "<b>Alice</b> removed a guardian" in shown
    assert Person.objects.count() == 2
    assert as_alice.post(page("guardian-remove", relation.pk)).status_code == 404
    assert not remove_guardian(relation, by=alice)


def test_removing_a_court_order_asks_once_more(as_alice: Client, sam: Person) -> None:
    relation = make_guardian(sam, "Gina", do_not_contact=True)
    answer = as_alice.post(page("guardian-remove", relation.pk))
    assert answer.status_code == 422
    assert Guardianship.objects.exists()
    as_alice.post(page("guardian-remove", relation.pk), {"sure": "on", "reason": "Order lifted"})
    assert not Guardianship.objects.exists()
    assert {entry.details["reason"] for entry in AuditEntry.objects.all()} == {"Order lifted"}


def test_a_guardian_who_is_somebody_else_s_person_is_named_without_a_link(
    as_alice: Client, jefferson: School, sam: Person
) -> None:
    gina = factory.make_person(jefferson, "Gina")
    Guardianship.objects.create(student=sam, guardian=gina, do_not_contact=True)
    shown = text_of(as_alice.get(page("person-detail", sam.pk)))
    assert "is sent to Gina" in shown
    assert page("person-detail", gina.pk) not in shown


def test_only_students_get_guardians(as_alice: Client, lincoln: School) -> None:
    assert as_alice.get(page("guardian-add", factory.make_person(lincoln).pk)).status_code == 404


def test_a_stranger_touches_no_relation(as_bob: Client, jefferson: School, sam: Person) -> None:
    relation = make_guardian(sam, "Gina")
    own = factory.make_person(jefferson, "Own")
    for name in ("guardian-edit", "guardian-remove"):
        assert as_bob.get(page(name, relation.pk)).status_code == 404
        assert as_bob.post(page(name, relation.pk)).status_code == 404
    assert add(as_bob, sam, q="own", person=own.pk).status_code == 404
    assert Guardianship.objects.get() == relation


def test_a_stranger_s_people_are_not_offered(as_bob: Client, jefferson: School, sam: Person) -> None:
    make_guardian(sam, "Gina")
    own = make_student(jefferson, "Own")
    answer = as_bob.get(page("guardian-add", own.pk), {"q": "gina"})
    assert "Nobody else fits" in text_of(answer)
