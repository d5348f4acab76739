from typing import Any

import pytest
from django.test import Client

from broadcasts.blocking import block_addresses, unblock_addresses
from broadcasts.models import AuditEntry, BlockedEmail, EmailAddress, Person, PersonSchool, School, User
from broadcasts.people.editing import retire_address
from broadcasts.people.finding import find_people
from broadcasts.tables import paginating
from tests import factory
from tests.broadcasts.people.family import make_guardian, make_student, page, table_of, text_of
from tests.broadcasts.preparing.corrections import correct, press
from tests.reports.trials import make_failed

LIST = "/people/"
SHELL = BlockedEmail.Source.SHELL


def names(response: Any) -> list[str]:
    return [row.record.name for row in response.context["table"].paginated_rows]


def test_an_empty_directory_says_what_to_do(as_alice: Client) -> None:
    assert "Nobody is in the directory yet" in text_of(as_alice.get(LIST))


def test_a_row_shows_who_it_is_and_what_each_address_receives(as_alice: Client, lincoln: School) -> None:
    general = factory.make_type("General")
    ann = factory.make_person(lincoln, "Ann", ["ann@x.example", "old@x.example", "a..b@x.example"], [general])
    EmailAddress.objects.filter(address="old@x.example").update(is_active=False)
    factory.make_person(lincoln, "Zoe", is_active=False)
    shown = text_of(as_alice.get(LIST))
    assert f'<a href="{page("person-detail", ann.pk)}">Ann</a>' in shown
    assert 'ann@x.example <span class="muted">General</span>' in shown
    assert 'a..b@x.example <span class="pill error">not a valid address</span>' in shown
    assert "old@x.example" not in shown
    assert 'Zoe</a> <span class="pill">not active</span>' in shown
    assert 'data-label="School"' not in shown  # Alice has but one


def test_somebody_who_must_not_be_contacted_is_marked(as_alice: Client, lincoln: School) -> None:
    make_guardian(make_student(lincoln), "Gina", do_not_contact=True)
    shown = table_of(as_alice.get(LIST))
    assert 'Gina</a> <span class="pill danger">do not contact</span>' in shown
    assert shown.count("do not contact") == 1


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("ann", ["Ann Miller", "Joann Lee"]),
        ("miller ann", ["Ann Miller"]),
        ("SHARED@", ["Joann Lee"]),
        ("lee shared", ["Joann Lee"]),
        ("4711", ["Élodie"]),
        ("élo", ["Élodie"]),
        ("50%", []),
        ("nobody", []),
        ("\0", ["Ann Miller", "Joann Lee", "Élodie"]),
        ("", ["Ann Miller", "Joann Lee", "Élodie"]),
    ],
)
def test_people_are_found_by_every_word(alice: User, lincoln: School, words: str, found: list[str]) -> None:
    factory.make_person(lincoln, "Ann Miller")
    factory.make_person(lincoln, "Joann Lee", ["shared@x.example"])
    factory.make_person(lincoln, "Élodie", sis_id="S-4711")
    assert sorted(person.name for person in find_people(alice, words)) == found


def test_a_retired_address_still_finds_its_person(alice: User, lincoln: School) -> None:
    ann = factory.make_person(lincoln, "Ann", ["before@x.example"])
    retire_address(ann.addresses.get(), by=alice)
    assert list(find_people(alice, "before@")) == [ann]


def test_a_stranger_finds_nobody(as_bob: Client, bob: User, lincoln: School) -> None:
    factory.make_person(lincoln, "Ann")
    assert not find_people(bob, "ann").exists()
    assert "Nobody is in the directory yet" in text_of(as_bob.get(LIST, {"q": "ann"}))
    answer = as_bob.get(LIST, {"list": factory.make_list(lincoln).pk})
    assert "Ann" not in text_of(answer)


def test_whoever_belongs_to_a_second_school_is_seen_there(as_bob: Client, lincoln: School, jefferson: School) -> None:
    ann = factory.make_person(lincoln, "Ann")
    PersonSchool.objects.create(person=ann, school=jefferson)
    assert names(as_bob.get(LIST)) == ["Ann"]
    assert "Lincoln" in text_of(as_bob.get(page("person-detail", ann.pk)))


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"kind": "student"}, ["Sam"]),
        ({"grade": "5"}, ["Sam"]),
        ({"grade": "-"}, ["Ann", "Bea"]),
        ({"language": "es"}, ["Bea"]),
        ({"active": "no"}, ["Bea"]),
        ({"active": "yes", "kind": "guardian"}, ["Ann"]),
        ({"kind": "nonsense"}, []),
    ],
)
def test_filters_narrow_the_list(
    as_alice: Client, lincoln: School, filters: dict[str, str], found: list[str]
) -> None:
    factory.make_person(lincoln, "Ann")
    factory.make_person(lincoln, "Bea", language="es", is_active=False)
    make_student(lincoln)
    assert names(as_alice.get(LIST, filters)) == found


def test_the_district_filters_by_school(as_charlie: Client, lincoln: School, jefferson: School) -> None:
    factory.make_person(lincoln, "Ann")
    factory.make_person(jefferson, "Bea")
    assert names(as_charlie.get(LIST)) == ["Ann", "Bea"]
    answer = as_charlie.get(LIST, {"school": jefferson.pk})
    assert names(answer) == ["Bea"]
    assert '<td data-label="School" class="long">Jefferson</td>' in text_of(answer)


def test_only_the_people_of_a_list(as_alice: Client, lincoln: School) -> None:
    ann = factory.make_person(lincoln, "Ann")
    factory.make_person(lincoln, "Bea")
    answer = as_alice.get(LIST, {"list": factory.make_list(lincoln, [ann], "Fifth").pk})
    assert names(answer) == ["Ann"]
    assert "Only people of the list “Fifth”." in text_of(answer)


def test_nobody_who_fits_is_said(as_alice: Client, lincoln: School) -> None:
    factory.make_person(lincoln, "Ann")
    assert "Nobody fits" in text_of(as_alice.get(LIST, {"q": "zzz"}))


def test_a_page_costs_the_same_for_any_number_of_people(
    as_alice: Client, lincoln: School, django_assert_max_num_queries: Any
) -> None:
    factory.make_type("General")
    for number in range(55):
        factory.make_person(lincoln, addresses=[f"p{number}@x.example"])
    with django_assert_max_num_queries(20):
        assert len(names(as_alice.get(LIST))) == 50
    answer = as_alice.get(LIST, {"page": 2})
    assert len(names(answer)) == 5
    assert "55 people" in text_of(answer)


def test_rows_are_counted_up_to_a_limit(as_alice: Client, lincoln: School, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paginating, "MOST_ROWS", 3)
    for _ in range(5):
        factory.make_person(lincoln)
    assert "More than 3 people." in text_of(as_alice.get(LIST))


def test_a_person_is_added_by_hand(as_alice: Client, lincoln: School, alice: User) -> None:
    factory.make_type("General")
    data = {"name": " Ann  Lee ", "kind": "guardian", "language": "Spanish", "address": "ann@x.example"}
    answer = as_alice.post("/people/new/", data, follow=True)
    ann = Person.objects.get()
    assert (ann.name, ann.school, ann.language, ann.kind, ann.is_imported) == (
        "Ann Lee",
        lincoln,
        "es",
        "guardian",
        False,
    )
    assert ann.addresses.get().receives.get().name == "General"
    assert "added the person by hand" in text_of(answer)
    assert AuditEntry.objects.filter(actor=alice).count() == 2


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"name": ""}, "Write the person&#x27;s name."),
        ({"language": "Klingonese"}, "This is not a language we know."),
        ({"address": "a..b@x.example"}, "There are two dots in a row."),
    ],
)
def test_what_is_wrong_with_a_new_person_is_said(as_alice: Client, wrong: dict[str, str], words: str) -> None:
    data = {"name": "Ann", "kind": "guardian", "language": "en", "address": ""} | wrong
    answer = as_alice.post("/people/new/", data)
    assert answer.status_code == 422
    assert words in text_of(answer)
    assert not Person.objects.exists()


def test_an_administrator_says_for_which_school(as_charlie: Client, lincoln: School, jefferson: School) -> None:
    data = {"name": "Ann", "kind": "staff", "language": "en", "school": jefferson.pk}
    as_charlie.post("/people/new/", data)
    assert Person.objects.get().school == jefferson


def test_two_who_edit_a_person_at_once_keep_both_changes(as_alice: Client, lincoln: School) -> None:
    ann = factory.make_person(lincoln, "Ann")
    shown = {"name": "Ann", "kind": "guardian", "grade": "", "language": "en"}
    hidden = {f"initial-{name}": value for name, value in shown.items()} | {"initial-is_active": "True"}
    for change in ({"name": "Anna", "is_active": "on"}, {"language": "es"}):
        as_alice.post(page("person-edit", ann.pk), shown | hidden | change)
    ann.refresh_from_db()
    assert (ann.name, ann.language, ann.is_active) == ("Anna", "es", False)
    shown_page = text_of(as_alice.get(page("person-detail", ann.pk)))
    assert "Name: Ann → Anna" in shown_page
    assert "Active: yes → no" in shown_page


def test_the_history_tells_of_the_blocked_email_list(as_alice: Client, charlie: User, lincoln: School) -> None:
    ann = factory.make_person(lincoln, "Ann", ["Ann@home.example"])
    factory.make_person(lincoln, "Ben", ["ben@home.example"])
    block_addresses(["ANN@home.example", "ben@home.example"], reason="Asked", source=SHELL, by=charlie)
    unblock_addresses(["ann@home.example"], reason="Asked again", by=charlie)
    history = text_of(as_alice.get(page("person-detail", ann.pk))).partition('id="history"')[2]
    assert "<b>Charlie</b> put the address on the Blocked Email list" in history
    assert "<b>Charlie</b> took the address off the Blocked Email list" in history
    assert "Reason: Asked again" in history
    assert "ben@home.example" not in history


def test_the_history_tells_of_missed_emails_that_were_sent_again(
    as_alice: Client, alice: User, lincoln: School
) -> None:
    factory.make_type()
    failed = make_failed(lincoln)
    old, new = correct(failed, alice)
    assert press(old, new, alice)[0]
    shown = text_of(as_alice.get(page("person-detail", old.person_id)))
    assert "<b>Alice</b> sent the missed email again, to the corrected address" in shown
