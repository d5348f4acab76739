from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from broadcasts.models import AuditEntry, ContactType, List, Person, School, User
from tests import factory
from tests.broadcasts.people.lists.making import rule_list

LISTS = reverse("broadcasts:list-list")


def page(name: str, of: List) -> str:
    return reverse(f"broadcasts:list-{name}", args=[of.pk])


def text_of(response: Any) -> str:
    return " ".join(response.content.decode().split())


def test_without_lists_the_page_says_what_to_do(as_alice: Client) -> None:
    assert "No lists yet." in text_of(as_alice.get(LISTS))


def test_lists_show_their_size_and_maker(as_alice: Client, alice: User, lincoln: School) -> None:
    made = factory.make_list(lincoln, [factory.make_person(lincoln) for _ in range(3)], "Families")
    List.objects.filter(pk=made.pk).update(created_by=alice)
    shown = text_of(as_alice.get(LISTS))
    assert page("detail", made) in shown
    assert '<td data-label="People" class="number">3</td>' in shown
    assert "by Alice" in shown
    assert "Lincoln" not in shown.split("<tbody>")[1]


def test_the_people_of_a_list_by_rules_are_counted_a_moment_later(as_alice: Client, lincoln: School) -> None:
    factory.make_person(lincoln)
    found = rule_list(lincoln, name="Everybody")
    assert f'<span hx-get="{page("size", found)}" hx-trigger="revealed">by rules</span>' in text_of(
        as_alice.get(LISTS)
    )
    assert text_of(as_alice.get(page("size", found))) == "1 person"


def test_staff_see_their_own_school_s_lists(as_bob: Client, lincoln: School) -> None:
    families = factory.make_list(lincoln, name="Families")
    assert "Families" not in text_of(as_bob.get(LISTS))
    for name in ("detail", "delete"):
        assert as_bob.get(page(name, families)).status_code == 404
    assert as_bob.post(page("delete", families)).status_code == 404
    assert List.objects.exists()


def test_administrators_see_whose_list_it_is(as_charlie: Client, lincoln: School, jefferson: School) -> None:
    factory.make_list(lincoln, name="Families")
    assert '<td data-label="School">Lincoln</td>' in text_of(as_charlie.get(LISTS)).replace(" >", ">")


def test_a_list_shows_who_gets_what(as_alice: Client, lincoln: School) -> None:
    general = factory.make_type("General")
    emergency = factory.make_type("Emergency")
    ann = factory.make_person(lincoln, "Ann", ["ann@x.example", "home@x.example"], [general, emergency])
    ContactType.objects.filter(address__key="home@x.example").update(receives=False)
    dora = factory.make_person(lincoln, "Dora", ["a..b@x.example"])
    shown = text_of(as_alice.get(page("detail", factory.make_list(lincoln, [ann, dora], "Families"))))
    assert 'ann@x.example <span class="muted">Emergency, General</span>' in shown
    assert 'home@x.example <span class="muted">receives nothing</span>' in shown
    assert 'a..b@x.example <span class="pill error">not a valid address</span>' in shown


@pytest.mark.parametrize(("words", "found"), [("ann", "Ann"), ("SHARED@", "Bob"), ("nobody", "")])
def test_people_are_found_by_name_and_address(as_alice: Client, lincoln: School, words: str, found: str) -> None:
    people = [factory.make_person(lincoln, "Ann"), factory.make_person(lincoln, "Bob", ["shared@x.example"])]
    shown = text_of(as_alice.get(page("detail", factory.make_list(lincoln, people)), {"q": words}))
    assert [name for name in ("Ann", "Bob") if f">{name}<" in shown] == ([found] if found else [])
    assert ("Nobody on this list has that name" in shown) == (not found)


def test_a_page_costs_the_same_for_any_number_of_people(
    as_alice: Client, lincoln: School, django_assert_max_num_queries: Any
) -> None:
    factory.make_type("General")
    people = [factory.make_person(lincoln, addresses=[f"p{n}@x.example"]) for n in range(60)]
    families = factory.make_list(lincoln, people)
    with django_assert_max_num_queries(17):
        response = as_alice.get(page("detail", families))
    assert text_of(response).count('<td data-label="Name"') == 50
    assert text_of(as_alice.get(page("detail", families), {"page": 2})).count('<td data-label="Name"') == 10


def test_delete_asks_first_and_keeps_the_people(as_alice: Client, lincoln: School) -> None:
    families = factory.make_list(lincoln, [factory.make_person(lincoln)], "Families")
    assert "Delete “Families”?" in text_of(as_alice.get(page("delete", families)))
    assert List.objects.exists()
    assert "was deleted" in text_of(as_alice.post(page("delete", families), follow=True))
    assert not List.objects.exists()
    assert Person.objects.count() == 1
    assert AuditEntry.objects.get().action == "list.deleted"
    assert as_alice.post(page("delete", families)).status_code == 404


@pytest.mark.parametrize("status", ["draft", "scheduled", "preparing", "sending", "paused"])
def test_a_list_in_use_is_not_deleted(as_alice: Client, lincoln: School, status: str) -> None:
    broadcast = factory.make_broadcast(lincoln, [factory.make_person(lincoln)], status=status)
    response = as_alice.post(page("delete", broadcast.lists.get()), follow=True)
    assert "This list is in use" in text_of(response)
    assert "Snow day" in text_of(response)
    assert List.objects.exists()


@pytest.mark.parametrize("status", ["sent", "cancelled"])
def test_a_list_of_the_past_may_go(as_alice: Client, lincoln: School, status: str) -> None:
    broadcast = factory.make_broadcast(lincoln, [factory.make_person(lincoln)], status=status)
    as_alice.post(page("delete", broadcast.lists.get()))
    assert not List.objects.exists()


def test_names_lead_to_those_whom_the_reader_may_see(as_alice: Client, as_bob: Client, lincoln: School) -> None:
    ann = factory.make_person(lincoln, "Ann")
    published = factory.make_list(lincoln, [ann])
    List.objects.filter(pk=published.pk).update(is_published=True)
    link = f'<a href="{reverse("broadcasts:person-detail", args=[ann.pk])}">Ann</a>'
    assert link in text_of(as_alice.get(page("detail", published)))
    of_another_school = text_of(as_bob.get(page("detail", published)))
    assert "Ann" in of_another_school
    assert link not in of_another_school
