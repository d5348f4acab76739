"""People join static lists by name, by pasting and by rules, and leave them."""

import pytest
from django.test import Client

from broadcasts.models import AuditEntry, List, Person, School
from broadcasts.people.lists.pasting import MOST_LINES
from tests import factory
from tests.broadcasts.people.lists.making import names_on, rule_list, static_list, student
from tests.broadcasts.test_lists import page, text_of


@pytest.fixture
def play(lincoln: School) -> List:
    return static_list(lincoln, name="School play")


def paste(client: Client, into: List, *lines: str) -> str:
    return text_of(client.post(page("add", into), {"action": "paste", "lines": "\r\n".join(lines)}))


def test_people_are_found_and_added_by_name(as_alice: Client, lincoln: School, jefferson: School, play: List) -> None:
    ann = factory.make_person(lincoln, "Ann Lee")
    bo = factory.make_person(lincoln, "Bo Lee")
    stranger = factory.make_person(jefferson, "Jeff Lee")
    shown = text_of(as_alice.get(page("add", play), {"q": "lee"}))
    assert "Ann Lee" in shown
    assert "Jeff Lee" not in shown
    response = as_alice.post(page("add", play), {"person": [ann.pk, bo.pk, stranger.pk, "x"]}, follow=True)
    assert "2 people joined the list." in text_of(response)
    assert names_on(play) == {"Ann Lee", "Bo Lee"}
    assert "Nobody joined" in text_of(as_alice.post(page("add", play), {"person": [ann.pk]}, follow=True))
    assert "Ann Lee" not in text_of(as_alice.get(page("add", play), {"q": "lee"}))


def test_lines_are_matched_by_address_sis_id_and_name(as_alice: Client, lincoln: School, play: List) -> None:
    factory.make_person(lincoln, "Ann", ["ann@x.example"])
    factory.make_person(lincoln, "Élodie Roy")
    factory.make_person(lincoln, "Max Rivera")
    student(lincoln, "Sid", sis_id="S-7")
    shown = paste(as_alice, play, "Ann Other <ANN@x.example>", "élodie  roy", "Rivera, Max", " S-7 ", "")
    assert "4 people were found" in shown
    assert names_on(play) == {"Ann", "Élodie Roy", "Max Rivera", "Sid"}


def test_no_line_is_lost(as_alice: Client, lincoln: School, jefferson: School, play: List) -> None:
    one = factory.make_person(lincoln, "Kim Lee", ["kim@x.example"])
    factory.make_person(lincoln, "Kim Lee", ["home@x.example"], kind="student", grade="6")
    factory.make_person(lincoln, "Left", is_active=False)
    factory.make_person(jefferson, "Jeff")
    shown = paste(as_alice, play, "Kim Lee", "Nobody", "Left", "Jeff", "who@x.example")
    assert "0 people were found" in shown
    assert "1 line may mean several people" in shown
    assert "4 lines mean nobody who is active" in shown
    assert "Kim Lee Nobody Left Jeff who@x.example</textarea>" in shown
    assert "grade 6, Lincoln, home@x.example" in shown
    as_alice.post(page("add", play), {"person": [one.pk]})
    assert names_on(play) == {"Kim Lee"}
    assert play.members.get().person == one


def test_an_address_that_two_share_is_asked_about(as_alice: Client, lincoln: School, play: List) -> None:
    for name in ("Ann", "Ben"):
        factory.make_person(lincoln, name, ["home@x.example"])
    assert "1 line may mean several people" in paste(as_alice, play, "home@x.example")
    assert names_on(play) == set()


def test_too_many_lines_are_kept_and_refused(as_alice: Client, play: List) -> None:
    shown = paste(as_alice, play, *(f"Person {number}" for number in range(MOST_LINES + 1)))
    assert "too many lines at once" in shown
    assert "Person 5000" in shown


def test_everyone_who_fits_joins_today_and_nobody_later(as_alice: Client, lincoln: School, play: List) -> None:
    for number in range(3):
        student(lincoln, f"S{number}", grade="5")
    data = {"rule": ["1"], "rule-1-field": "grade", "rule-1-is": "is", "rule-1-values": ["5"]}
    counted = as_alice.post(page("fill", play), data, headers={"HX-Request": "true"})
    assert "<b>3</b> people today" in text_of(counted)
    assert not play.members.exists()
    response = as_alice.post(page("fill", play), data | {"action": "fill"}, follow=True)
    assert "3 people joined the list." in text_of(response)
    student(lincoln, "Late", grade="5")
    assert names_on(play) == {"S0", "S1", "S2"}
    assert as_alice.post(page("fill", play), {"action": "fill"}).status_code == 422


def test_people_leave_and_stay_in_the_directory(as_alice: Client, lincoln: School) -> None:
    ann, ben = factory.make_person(lincoln, "Ann"), factory.make_person(lincoln, "Ben", is_active=False)
    outside = factory.make_person(lincoln, "Outside")
    play = static_list(lincoln, [ann, ben])
    shown = text_of(as_alice.get(page("people", play)))
    assert "not active" in shown
    response = as_alice.post(page("people", play), {"person": [ben.pk, outside.pk]}, follow=True)
    assert "1 person left the list" in text_of(response)
    assert list(play.people.all()) == [ann]
    assert Person.objects.filter(pk=ben.pk).exists()
    assert "Nobody was removed" in text_of(as_alice.post(page("people", play), {}, follow=True))


def test_each_change_is_on_record_with_names(as_alice: Client, lincoln: School, play: List) -> None:
    people = [factory.make_person(lincoln, f"Person {number:02}") for number in range(25)]
    as_alice.post(page("add", play), {"person": [person.pk for person in people]})
    as_alice.post(page("people", play), {"person": [people[0].pk]})
    shown = text_of(as_alice.get(page("detail", play))).split("History")[1]
    assert "Added by name: 25 people" in shown
    assert "Person 00, Person 01" in shown
    assert "and 5 more" in shown
    assert "Removed: 1 person" in shown
    assert AuditEntry.objects.filter(action="list.changed").count() == 2


def test_a_list_by_rules_has_no_people_of_its_own(as_alice: Client, lincoln: School) -> None:
    found = rule_list(lincoln)
    for name in ("people", "add", "fill"):
        assert as_alice.get(page(name, found)).status_code == 404
