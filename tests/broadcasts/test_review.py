"""The review page: exact figures and names before anything leaves, and what forbids it."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from broadcasts.blocking import block_addresses
from broadcasts.models import BlockedEmail, Broadcast, School, User
from tests import factory


def review_url(broadcast: Broadcast) -> str:
    return reverse("broadcasts:broadcast-review", args=[broadcast.pk])


def names_url(broadcast: Broadcast, slug: str) -> str:
    return reverse("broadcasts:broadcast-review-names", args=[broadcast.pk, slug])


def shown_counts(page: str) -> dict[str, int]:
    """The number tiles, as a reader sees them."""
    tiles = re.findall(r'class="count [^>]*href="[^"]*"><b>([\d,]+)</b> <span[^>]*>([^<]+)<', page)
    return {label: int(number.replace(",", "")) for number, label in tiles}


@pytest.fixture
def mixed(lincoln: School) -> Broadcast:
    """One or more people of each first result: 3 to send, 1 blocked, 1 duplicate, 2 without, 1 invalid."""
    general = factory.make_type("General")
    people = [
        factory.make_person(lincoln, "Ann Able", ["ann@home.example"], [general]),
        factory.make_person(lincoln, "Ben Able", ["ann@home.example"], [general]),
        factory.make_person(lincoln, "Cid Cole", ["cid@home.example"], [general]),
        factory.make_person(lincoln, "Dot Dale", ["dot@home.example"], [general]),
        factory.make_person(lincoln, "Eve East", ["eve@home.example"], [general]),
        factory.make_person(lincoln, "Fay Ford", []),
        factory.make_person(lincoln, "Gus Gray", ["gus@home.example"], []),
        factory.make_person(lincoln, "Hal Hill", ["hal@@home"], [general]),
    ]
    block_addresses(["eve@home.example"], reason="asked us to stop", source=BlockedEmail.Source.STAFF)
    return factory.make_broadcast(lincoln, people)


def test_every_first_result_is_counted_before_sending(as_alice: Client, mixed: Broadcast) -> None:
    response = as_alice.get(review_url(mixed))
    page = response.content.decode()
    assert shown_counts(page) == {
        "Will be sent": 3,
        "Blocked": 1,
        "Duplicate": 1,
        "No Email Selected": 2,
        "Failed": 1,
    }
    assert "8 recipients: 3 will be sent the email, 5 will not." in page
    assert "Send to 3 people" in page
    assert mixed.deliveries.count() == 0


@pytest.mark.parametrize(
    ("slug", "names", "reasons"),
    [
        ("unsent", ["Ann Able", "Cid Cole", "Dot Dale"], []),
        ("blocked", ["Eve East"], ["on the Blocked Email list"]),
        ("duplicate", ["Ben Able"], ["Ann Able gets it at this address"]),
        ("no-email-selected", ["Fay Ford", "Gus Gray"], ["No email address on file", "receives this broadcast type"]),
        ("failed", ["Hal Hill"], ["This is not a valid email address"]),
    ],
)
def test_every_number_opens_its_names_and_reasons(
    as_alice: Client, mixed: Broadcast, slug: str, names: list[str], reasons: list[str]
) -> None:
    assert names_url(mixed, slug) in as_alice.get(review_url(mixed)).content.decode()
    page = as_alice.get(names_url(mixed, slug)).content.decode()
    assert re.findall(r'<td data-label="Name" *>([^<]+)</td>', page) == names
    for reason in reasons:
        assert reason in page


def test_names_come_in_pages_of_fifty(as_alice: Client, lincoln: School) -> None:
    general = factory.make_type()
    people = [factory.make_person(lincoln, f"P {n:02}", [f"p{n}@home.example"], [general]) for n in range(52)]
    url = names_url(factory.make_broadcast(lincoln, people), "unsent")
    first, second = (as_alice.get(url, {"page": page}).content.decode() for page in (1, 2))
    assert first.count('data-label="Name"') == 50
    assert re.findall(r'data-label="Name" *>([^<]+)<', second) == ["P 50", "P 51"]


def test_a_label_nobody_has_says_nobody(as_alice: Client, lincoln: School) -> None:
    broadcast = factory.make_broadcast(lincoln, [factory.make_person(lincoln, "Ann", ["ann@home.example"])])
    assert "Nobody." in as_alice.get(names_url(broadcast, "blocked")).content.decode()


@pytest.mark.parametrize("slug", ["delivered", "nonsense", "will-be-sent"])
def test_there_are_no_names_for_what_cannot_be_yet(as_alice: Client, mixed: Broadcast, slug: str) -> None:
    assert as_alice.get(names_url(mixed, slug)).status_code == 404


def test_one_person_is_not_called_people(as_alice: Client, lincoln: School) -> None:
    person = factory.make_person(lincoln, "Ann", ["ann@home.example"], [factory.make_type()])
    page = as_alice.get(review_url(factory.make_broadcast(lincoln, [person]))).content.decode()
    assert "Send to 1 person<" in page


def test_the_summary_shows_what_is_sent(as_alice: Client, mixed: Broadcast) -> None:
    page = as_alice.get(review_url(mixed)).content.decode()
    shown = ["Snow day", "General", "School Office &lt;office@lincoln.example&gt;", "English", "(8 people)"]
    for words in [*shown, str(mixed.lists.get()), "seconds to undo it"]:
        assert words in page
    for name in ("broadcast-edit", "broadcast-preview"):
        assert reverse(f"broadcasts:{name}", args=[mixed.pk]) in page


def test_an_empty_list_is_refused_with_the_reason(as_alice: Client, lincoln: School) -> None:
    page = as_alice.get(review_url(factory.make_broadcast(lincoln, []))).content.decode()
    assert "It cannot be sent yet" in page
    assert "Nobody is on the chosen lists" in page
    assert "/edit/#id_lists" in page
    assert "Send to" not in page


def test_nobody_who_can_get_it_is_refused_with_the_reason(as_alice: Client, lincoln: School) -> None:
    broadcast = factory.make_broadcast(lincoln, [factory.make_person(lincoln, "Fay", [])])
    page = as_alice.get(review_url(broadcast)).content.decode()
    assert "Nobody on these lists can get it" in page
    assert shown_counts(page)["No Email Selected"] == 1
    assert "Send to" not in page


def test_an_incomplete_draft_says_what_is_missing(as_alice: Client, mixed: Broadcast) -> None:
    Broadcast.objects.filter(pk=mixed.pk).update(broadcast_type=None, sender=None)
    response = as_alice.get(review_url(mixed))
    page = response.content.decode()
    assert response.status_code == 200
    assert "It cannot be sent yet" in page
    assert "Send to" not in page
    assert as_alice.get(names_url(mixed, "unsent")).status_code == 404


def test_an_emergency_asks_for_the_number_and_offers_no_undo(as_alice: Client, lincoln: School) -> None:
    emergency = factory.make_type("Emergency")
    people = [factory.make_person(lincoln, f"P {n}", [f"p{n}@home.example"], [emergency]) for n in range(2)]
    page = as_alice.get(review_url(factory.make_broadcast(lincoln, people, type_name="Emergency"))).content.decode()
    assert 'name="typed"' in page
    assert "leaves at once and cannot be undone" in page
    assert "seconds to undo" not in page


def test_an_ordinary_broadcast_asks_for_no_number(as_alice: Client, mixed: Broadcast) -> None:
    assert 'name="typed"' not in as_alice.get(review_url(mixed)).content.decode()


def test_what_has_been_sent_is_no_longer_reviewed(as_alice: Client, mixed: Broadcast) -> None:
    Broadcast.objects.filter(pk=mixed.pk).update(status="sending")
    for url in (review_url(mixed), names_url(mixed, "unsent")):
        assert as_alice.get(url)["Location"] == reverse("broadcasts:broadcast-detail", args=[mixed.pk])


def test_a_stranger_finds_nothing(as_bob: Client, mixed: Broadcast) -> None:
    assert as_bob.get(review_url(mixed)).status_code == 404
    assert as_bob.get(names_url(mixed, "unsent")).status_code == 404


def test_the_administrator_may_review_for_every_school(as_charlie: Client, mixed: Broadcast, charlie: User) -> None:
    assert "Send to 3 people" in as_charlie.get(review_url(mixed)).content.decode()
