"""Making and changing lists in the portal."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from broadcasts.models import AuditEntry, List, ListRule, School, User
from tests import factory
from tests.broadcasts.people.lists.making import guardian, include, names_on, rule_list, static_list, student
from tests.broadcasts.test_lists import page, text_of

NEW = reverse("broadcasts:list-new")
COUNT = reverse("broadcasts:list-count")
BASE = {"name": "Grade 5 families", "target": "contacts", "action": "save"}


def rule(number: int, field: str, *values: str, is_not: bool = False) -> dict[str, object]:
    prefix = f"rule-{number}"
    return {f"{prefix}-field": field, f"{prefix}-is": "not" if is_not else "is", f"{prefix}-values": values}


def form(*rules: dict[str, object], **fields: object) -> dict[str, Any]:
    data: dict[str, object] = BASE | {"rule": [str(number) for number in range(1, len(rules) + 1)]} | fields
    for one in rules:
        data |= one
    return data


@pytest.fixture
def families(lincoln: School) -> None:
    for name, grade in (("Ana", "5"), ("Ben", "6"), ("Cora", "10")):
        one = student(lincoln, name, grade=grade)
        guardian(f"{name}'s mother", one)
        guardian(f"{name}'s father", one, category="father", forbidden=name == "Ana")


@pytest.mark.usefixtures("families")
def test_a_list_by_rules_is_made(as_alice: Client, alice: User, lincoln: School) -> None:
    data = form(rule(1, "grade", "5", "6"), target="guardians", categories=["mother", "father"], is_published="on")
    response = as_alice.post(f"{NEW}?kind=rules", data, follow=True)
    made = List.objects.get()
    assert response.redirect_chain == [(page("detail", made), 302)]
    assert (made.school, made.created_by, made.is_by_rules, made.is_published) == (lincoln, alice, True, True)
    assert (made.target, made.guardian_categories) == ("guardians", ["mother", "father"])
    assert names_on(made) == {"Ana's mother", "-Ana's father", "Ben's mother", "Ben's father"}
    shown = text_of(response)
    assert "Grade is 5 or 6" in shown
    assert "1 person of this list is marked “do not contact”" in shown
    assert AuditEntry.objects.get().action == "list.made"


def test_a_static_list_is_made_and_asks_for_its_people(as_alice: Client) -> None:
    response = as_alice.post(f"{NEW}?kind=static", BASE)
    made = List.objects.get()
    assert response["Location"] == page("add", made)
    assert not made.is_by_rules


@pytest.mark.usefixtures("families")
def test_buttons_add_and_remove_rules_and_say_nothing_of_what_is_missing(as_alice: Client) -> None:
    response = as_alice.post(f"{NEW}?kind=rules", form(action="add", add="grade", name=""))
    assert response.status_code == 200
    shown = text_of(response)
    assert "Please correct" not in shown
    # In the order of grades, not of letters.
    assert [shown.index(f'name="rule-1-values" value="{grade}"') for grade in ("5", "6", "10")] == sorted(
        shown.index(f'name="rule-1-values" value="{grade}"') for grade in ("5", "6", "10")
    )
    assert "Not counted yet, because nothing is ticked: Grade." in shown
    two = form(rule(1, "grade", "5"), rule(2, "kind", "student"), action="remove-1", name="Half")
    shown = text_of(as_alice.post(f"{NEW}?kind=rules", two))
    assert "rule-1-values" not in shown
    assert 'value="student" checked' in shown
    assert 'value="Half"' in shown
    assert not List.objects.exists()


@pytest.mark.usefixtures("families")
@pytest.mark.parametrize(
    ("data", "words"),
    [
        (form(name=""), "Give the list a name."),
        (form(name="taken"), "There is a list of this name."),
        (form(rule(1, "grade")), "Tick at least one, or remove the rule."),
        (form(rule(1, "kind", "robot")), "One of the values is not on offer."),
        (form(target="everybody"), "everybody is not one of the available choices"),
        (form(categories=["aunt"]), "aunt is not one of the available choices"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_stored(
    as_alice: Client, lincoln: School, data: dict[str, Any], words: str
) -> None:
    factory.make_list(lincoln, name="Taken")
    response = as_alice.post(f"{NEW}?kind=rules", data)
    assert response.status_code == 422
    assert words in text_of(response)
    assert List.objects.count() == 1
    assert not ListRule.objects.exists()


def test_a_rule_names_only_schools_that_the_user_may_see(
    as_alice: Client, as_charlie: Client, lincoln: School, jefferson: School
) -> None:
    other = form(rule(1, "school", str(jefferson.pk)))
    assert as_alice.post(f"{NEW}?kind=rules", other).status_code == 422
    assert as_charlie.post(f"{NEW}?kind=rules&school={lincoln.pk}", other).status_code == 302
    # What an administrator put there stays when the school's own office changes something else.
    made = List.objects.get()
    assert as_alice.post(page("edit", made), other | {"name": "Renamed"}).status_code == 302
    assert made.rules.get().values == [str(jefferson.pk)]


@pytest.mark.usefixtures("families")
def test_the_count_follows_the_form(as_alice: Client) -> None:
    everybody = text_of(as_alice.post(f"{COUNT}?kind=rules", form()))
    assert "<b>8</b> people today" in everybody
    assert "Without a rule that is everybody of Lincoln." in everybody
    one = text_of(as_alice.post(f"{COUNT}?kind=rules", form(rule(1, "grade", "5"), target="guardians", name="")))
    assert "<b>1</b> person today" in one
    assert "1 more person is held back" in one
    assert "Ana&#x27;s mother" in one
    assert "Ana&#x27;s father" not in one
    assert "<html" not in one


def test_the_count_is_the_same_without_javascript(as_alice: Client, lincoln: School) -> None:
    student(lincoln, "Ana", grade="5")
    shown = text_of(as_alice.post(f"{NEW}?kind=rules", form(rule(1, "grade", "5"), action="count")))
    assert "<b>1</b> person today" in shown
    assert 'value="5" checked' in shown


def test_a_change_is_on_record_with_what_changed(as_alice: Client, lincoln: School) -> None:
    part = static_list(lincoln, name="Staff")
    found = rule_list(lincoln, ("grade", "5"), name="Fifth")
    data = form(rule(1, "grade", "6", is_not=True), name="Sixth", target="both", included=[part.pk])
    response = as_alice.post(page("edit", found), data, follow=True)
    shown = text_of(response)
    for words in (
        "Name: Fifth → Sixth",
        "Both, the contacts and their guardians",
        "Grade is not 6",
        "Includes: Staff",
    ):
        assert words in shown
    assert "<b>Alice</b> changed the list" in shown
    # The second time nothing is different, so there is nothing to record.
    as_alice.post(page("edit", found), data)
    assert AuditEntry.objects.filter(action="list.changed").count() == 1


def test_a_list_that_would_contain_itself_is_refused_by_name(as_alice: Client, lincoln: School) -> None:
    first, second, third = (static_list(lincoln, name=name) for name in ("First", "Second", "Third"))
    include(first, second)
    include(second, third)
    response = as_alice.post(page("edit", third), form(name="Third", included=[first.pk]))
    assert response.status_code == 422
    assert "The list would contain itself: Third → First → Second → Third." in text_of(response)
    assert not third.list_parts.exists()
    response = as_alice.post(f"{COUNT}?list={third.pk}", form(name="Third", excluded=[first.pk]))
    assert "The list would contain itself" in text_of(response)
    assert as_alice.post(page("edit", third), form(name="Third", included=[third.pk])).status_code == 422


def test_a_list_is_not_included_and_left_out_at_once(as_alice: Client, lincoln: School) -> None:
    one, other = static_list(lincoln, name="One"), static_list(lincoln, name="Other")
    data = form(name="One", included=[other.pk], excluded=[other.pk])
    assert "Other is ticked in both places" in text_of(as_alice.post(page("edit", one), data))


def test_a_part_of_another_list_is_not_deleted(as_alice: Client, lincoln: School) -> None:
    part = static_list(lincoln, name="Part")
    include(static_list(lincoln, name="Whole"), part)
    response = as_alice.post(page("delete", part), follow=True)
    assert "These lists include it" in text_of(response)
    assert "Whole" in text_of(response)
    assert List.objects.filter(pk=part.pk).exists()


def test_users_of_several_schools_say_which(as_charlie: Client, lincoln: School, jefferson: School) -> None:
    assert "Choose a school" in text_of(as_charlie.get(f"{NEW}?kind=rules"))
    as_charlie.post(f"{NEW}?kind=rules&school={jefferson.pk}", BASE)
    assert List.objects.get().school == jefferson


# --- the stranger, and what is published ------------------------------------------------------------------------


def test_a_stranger_s_list_does_not_exist(as_bob: Client, lincoln: School) -> None:
    found = rule_list(lincoln, name="Private")
    for name in ("detail", "edit", "size", "people", "add", "fill", "delete"):
        assert as_bob.get(page(name, found)).status_code == 404
    assert as_bob.post(page("edit", found), BASE).status_code == 404
    assert as_bob.post(f"{COUNT}?list={found.pk}", BASE).status_code == 404
    assert as_bob.post(f"{NEW}?kind=rules&school={lincoln.pk}", BASE).status_code == 200  # asks for the school again
    assert List.objects.get().name == "Private"


def test_a_private_list_cannot_be_made_a_part_by_strangers(
    as_bob: Client, jefferson: School, lincoln: School
) -> None:
    private, own = static_list(lincoln, name="Private"), static_list(jefferson, name="Own")
    assert "Private" not in text_of(as_bob.get(page("edit", own)))
    assert as_bob.post(page("edit", own), form(name="Own", included=[private.pk])).status_code == 422


def test_a_published_list_may_be_looked_at_and_used_and_not_changed(
    as_bob: Client, jefferson: School, lincoln: School
) -> None:
    people = [factory.make_person(lincoln, "Ann")]
    theirs = static_list(lincoln, people, name="Bus 12", is_published=True)
    assert "Bus 12" in text_of(as_bob.get(reverse("broadcasts:list-list")))
    shown = text_of(as_bob.get(page("detail", theirs)))
    assert "Lincoln publishes this list." in shown
    assert "Ann" in shown
    assert page("edit", theirs) not in shown
    assert text_of(as_bob.get(page("size", theirs))) == "1 person"
    for name in ("edit", "people", "add", "fill", "delete"):
        assert as_bob.get(page(name, theirs)).status_code == 404
        assert as_bob.post(page(name, theirs), BASE).status_code == 404
    own = static_list(jefferson, name="Own")
    assert as_bob.post(page("edit", own), form(name="Own", included=[theirs.pk])).status_code == 302
    assert names_on(own) == {"Ann"}


def test_a_form_made_by_hand_counts_nobody_of_another_school(
    as_bob: Client, jefferson: School, lincoln: School
) -> None:
    student(lincoln, "Secret Ana")
    student(jefferson, "Own Joe")
    foreign = rule(1, "school", str(lincoln.pk))
    filled = page("fill", static_list(jefferson))
    for where in (f"{COUNT}?kind=rules", f"{NEW}?kind=rules", filled):
        shown = text_of(as_bob.post(where, form(foreign)))
        assert "Secret Ana" not in shown
        assert "Own Joe" in shown
    assert not List.objects.filter(is_by_rules=True).exists()


def test_the_name_of_a_list_that_is_not_published_any_more_is_not_told(
    as_bob: Client, jefferson: School, lincoln: School
) -> None:
    theirs, own = static_list(lincoln, name="Court cases"), static_list(jefferson, name="Own")
    include(own, theirs)
    shown = text_of(as_bob.get(page("edit", own)))
    assert "Court cases" not in shown
    assert "a list of Lincoln that is not published" in shown
    assert as_bob.post(page("edit", own), form(name="Own", included=[])).status_code == 302
