"""The list of broadcasts: newest first, found by name and status, each with what became of it."""

import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from broadcasts.models import Broadcast, School, User
from broadcasts.preparing.preparing import prepare_deliveries
from broadcasts.results import Result
from tests import factory

URL = "/broadcasts/"


def shown_names(page: str) -> list[str]:
    return re.findall(r'<td data-label="Broadcast"[^>]*><div><a [^>]*>([^<]+)</a>', page)


def find(client: Client, **query: str) -> str:
    return client.get(URL, query).content.decode()


def test_an_empty_list_says_what_belongs_here(as_alice: Client) -> None:
    page = find(as_alice)
    assert "No broadcasts yet." in page
    assert reverse("broadcasts:broadcast-new") in page


def test_newest_first_and_drafts_lead_to_their_editor(as_alice: Client, lincoln: School) -> None:
    first = factory.make_broadcast(lincoln, subject="First", status="sent", send_at=timezone.now())
    second = factory.make_broadcast(lincoln, subject="Second")
    page = find(as_alice)
    assert shown_names(page) == ["Second", "First"]
    assert reverse("broadcasts:broadcast-edit", args=[second.pk]) in page
    assert reverse("broadcasts:broadcast-detail", args=[first.pk]) in page


def test_each_shows_its_recipients_and_results(as_alice: Client, lincoln: School, alice: User) -> None:
    general = factory.make_type()
    people = [factory.make_person(lincoln, f"P {n}", [f"p{n}@home.example"], [general]) for n in range(3)]
    broadcast = factory.make_broadcast(
        lincoln, people, status="preparing", sent_by=alice, send_at=timezone.now().replace(2026, 5, 11, 14, 44)
    )
    assert prepare_deliveries(broadcast.pk)
    broadcast.deliveries.filter(email="p0@home.example").update(result=Result.OPENED)
    page = find(as_alice)
    assert re.search(r'<td[^>]*data-label="Recipients"[^>]*>3<', page)
    assert ">2 Unsent</a>" in page
    assert ">1 Opened</a>" in page
    assert "May 11, 2026 9:44 am</span> by Alice" in page
    assert "Delivered</a>" not in page


def test_found_by_name_and_by_status(as_alice: Client, lincoln: School) -> None:
    factory.make_broadcast(lincoln, subject="Snow day")
    factory.make_broadcast(lincoln, subject="Lunch menu")
    factory.make_broadcast(lincoln, subject="Snow again", status="sent", send_at=timezone.now())
    assert shown_names(find(as_alice, q="snow")) == ["Snow again", "Snow day"]
    assert shown_names(find(as_alice, q="snow", status="draft")) == ["Snow day"]
    assert "No broadcast matches." in find(as_alice, q="nothing like it")


@pytest.mark.parametrize("query", [{"status": "nonsense"}, {"page": "99"}, {"page": "x"}, {"q": "x" * 300}])
def test_a_mistyped_address_still_shows_the_list(as_alice: Client, lincoln: School, query: dict[str, str]) -> None:
    factory.make_broadcast(lincoln, subject="Snow day")
    assert shown_names(find(as_alice, **query)) == ["Snow day"]


def test_twenty_five_on_a_page(as_alice: Client, lincoln: School) -> None:
    for number in range(27):
        factory.make_broadcast(lincoln, subject=f"Number {number}")
    assert len(shown_names(find(as_alice))) == 25
    assert shown_names(find(as_alice, page="2")) == ["Number 1", "Number 0"]


def test_a_page_of_the_list_costs_the_same_however_many_there_are(
    as_alice: Client, lincoln: School, django_assert_max_num_queries: pytest.FixtureRequest
) -> None:
    for number in range(12):
        factory.make_broadcast(lincoln, subject=f"Number {number}", status="sent", send_at=timezone.now())
    with django_assert_max_num_queries(12):  # type: ignore[operator]
        find(as_alice)


def test_a_subject_with_markup_is_shown_as_it_is(as_alice: Client, lincoln: School) -> None:
    factory.make_broadcast(lincoln, subject="<script>alert(1)</script>")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in find(as_alice)


def test_a_stranger_sees_none_of_them_and_the_administrator_all(
    as_bob: Client, as_charlie: Client, lincoln: School
) -> None:
    factory.make_broadcast(lincoln, subject="Snow day")
    assert "Snow day" not in find(as_bob)
    page = find(as_charlie)
    assert shown_names(page) == ["Snow day"]
    assert re.search(r'data-label="School" *>Lincoln<', page)


def test_nobody_signed_in_sees_nothing(client: Client, lincoln: School) -> None:
    Broadcast.objects.all()
    assert client.get(URL).status_code == 302


def test_who_gets_none_yet_has_no_number(as_alice: Client, lincoln: School) -> None:
    factory.make_broadcast(lincoln)
    page = find(as_alice)
    assert re.search(r'<td[^>]*data-label="Recipients"[^>]*>—<', page)
    assert re.search(r'<td[^>]*data-label="Delivery Results"[^>]*>—<', page)
