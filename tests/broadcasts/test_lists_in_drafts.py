"""Lists of every kind where a broadcast is written, looked at and reviewed."""

import pytest
from django.test import Client
from django.urls import reverse

from broadcasts.composing.drafting import what_is_missing
from broadcasts.models import Broadcast, List, School
from tests import factory
from tests.broadcasts.people.lists.making import guardian, rule_list, static_list, student
from tests.broadcasts.test_lists import text_of


@pytest.fixture
def draft(lincoln: School) -> Broadcast:
    factory.make_type()
    return factory.make_broadcast(lincoln, [factory.make_person(lincoln, "Zoe", ["zoe@x.example"])])


def url(name: str, broadcast: Broadcast, *more: str) -> str:
    return reverse(f"broadcasts:broadcast-{name}", args=[broadcast.pk, *more])


def test_own_and_published_lists_are_offered_with_their_school(
    as_alice: Client, draft: Broadcast, lincoln: School, jefferson: School
) -> None:
    static_list(lincoln, [factory.make_person(lincoln), factory.make_person(lincoln, is_active=False)], name="Two")
    fifth = rule_list(lincoln, ("grade", "5"), name="Fifth")
    static_list(jefferson, name="Bus 12", is_published=True)
    static_list(jefferson, name="Secret")
    shown = text_of(as_alice.get(url("edit", draft)))
    assert "<span>Two · 1 person</span>" in shown
    assert reverse("broadcasts:list-size", args=[fifth.pk]) in shown
    assert "Bus 12 (Jefferson) · 0 people" in shown
    assert "Secret" not in shown


def test_a_published_list_of_another_school_may_be_sent_to_while_it_is_published(
    as_alice: Client, draft: Broadcast, jefferson: School
) -> None:
    theirs = static_list(jefferson, [factory.make_person(jefferson, "Jeff", ["jeff@x.example"])], is_published=True)
    draft.lists.set([theirs])
    assert what_is_missing(draft) == []
    assert "Jeff" in text_of(as_alice.get(url("review-names", draft, "unsent")))
    List.objects.filter(pk=theirs.pk).update(is_published=False)
    assert "another school, which does not publish them" in what_is_missing(draft)[0]
    assert "Jeff" not in text_of(as_alice.get(url("review-names", draft, "unsent")))


def test_a_list_by_rules_that_nobody_fits_is_not_enough(draft: Broadcast, lincoln: School) -> None:
    draft.lists.set([rule_list(lincoln, ("grade", "5"))])
    assert what_is_missing(draft) == ["Nobody is on the chosen lists. Add people to them or choose another list."]
    student(lincoln, "Ana", grade="5")
    assert what_is_missing(draft) == []


def test_recipients_of_a_list_by_rules_are_previewed_and_nobody_who_is_held_back(
    as_alice: Client, draft: Broadcast, lincoln: School
) -> None:
    ana = student(lincoln, "Ana", grade="5")
    guardian("Eva", ana, addresses=["eva@x.example"])
    guardian("Carl", ana, category="father", forbidden=True, addresses=["carl@x.example"])
    draft.lists.set([rule_list(lincoln, ("grade", "5"), target="guardians")])
    shown = text_of(as_alice.get(url("preview", draft)))
    assert "eva@x.example" in shown
    assert "Carl" not in shown


def test_the_review_says_who_is_held_back_and_why(as_alice: Client, draft: Broadcast, lincoln: School) -> None:
    ana = student(lincoln, "Ana", grade="5")
    guardian("Eva", ana, addresses=["eva@x.example"])
    guardian("Carl", ana, category="father", forbidden=True, addresses=["carl@x.example"])
    families = rule_list(lincoln, ("grade", "5"), target="guardians", name="Fifth")
    draft.lists.set([families])
    shown = text_of(as_alice.get(url("review", draft)))
    assert "2 recipients: 1 will be sent the email, 1 will not." in shown
    assert reverse("broadcasts:list-size", args=[families.pk]) in shown
    names = text_of(as_alice.get(url("review-names", draft, "no-email-selected")))
    assert "Do not contact: marked so for the student" in names
    assert "carl@x.example" not in names


def test_names_behind_a_number_are_read_a_page_at_a_time(
    as_alice: Client, draft: Broadcast, lincoln: School, django_assert_max_num_queries: pytest.FixtureRequest
) -> None:
    people = [factory.make_person(lincoln, addresses=[f"p{number}@x.example"]) for number in range(60)]
    draft.lists.set([static_list(lincoln, people)])
    with django_assert_max_num_queries(20):  # type: ignore[operator]
        response = as_alice.get(url("review-names", draft, "unsent"))
    assert text_of(response).count('<td data-label="Name"') == 50
