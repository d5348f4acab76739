"""An unsubscription or a complaint that is heard late does not undo what somebody decided since; in both orders."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from broadcasts.blocking import block_addresses, find_block, unblock_addresses
from broadcasts.models import BlockedEmail, BroadcastType, ContactType, Delivery, FamilyChoice, User
from broadcasts.people.choosing import record_staff_choice
from broadcasts.people.editing import add_address
from broadcasts.tokens import make_token
from tests import factory
from tests.tracking.rows import make_delivery
from tests.tracking.webhooks.conftest import no_refusals, providers  # noqa: F401 - fixtures
from tests.tracking.webhooks.payloads import event, of
from tests.tracking.webhooks.posting import post

pytestmark = pytest.mark.django_db
OLDER, NEWER = timedelta(hours=-2), timedelta(minutes=1)


@pytest.fixture
def general(db: None) -> BroadcastType:
    return factory.make_type("General")


@pytest.fixture
def delivery(general: BroadcastType) -> Delivery:
    return make_delivery()


@pytest.fixture
def alice(delivery: Delivery) -> User:
    return factory.make_user("alice", delivery.broadcast.school)


def tell(client: Client, delivery: Delivery, word: str, ago: timedelta) -> None:
    at = timezone.now() + ago
    said: Any = event("sparkpost", word, of(delivery), timestamp=str(int(at.timestamp())))
    said["msys"] = {
        "unsubscribe_event" if "unsubscribe" in word else "message_event": next(iter(said["msys"].values()))
    }
    assert post(client, "sparkpost", [said]).status_code == 200


def receives(delivery: Delivery) -> bool:
    return ContactType.objects.get(
        address=delivery.address, broadcast_type=delivery.broadcast.broadcast_type
    ).receives


def timeline(delivery: Delivery) -> str:
    from reports.evidence_words import about_event

    return about_event(delivery.events.get(), None)


def page(client: Client, delivery: Delivery, *types: BroadcastType) -> None:
    url = reverse("tracking:preferences", args=[make_token(delivery.pk, "preferences")])
    assert client.post(url, {"save": "1", "types": [kind.pk for kind in types]}).status_code == 200


def yes_by_staff(delivery: Delivery, by: User) -> None:
    assert delivery.address
    assert delivery.broadcast.broadcast_type
    cell = (delivery.address.pk, delivery.broadcast.broadcast_type.pk)
    record_staff_choice(delivery.address.person, {cell: True}, by=by, overrule_family=True)


def test_an_unsubscription_stops_the_type(client: Client, delivery: Delivery) -> None:
    tell(client, delivery, "list_unsubscribe", OLDER)
    assert not receives(delivery)
    assert "We took this type of broadcast off the address." in timeline(delivery)


def test_a_newer_yes_of_the_family_stands(client: Client, delivery: Delivery, general: BroadcastType) -> None:
    page(client, delivery)
    page(client, delivery, general)
    delivery.events.all().delete()  # what the page told of
    tell(client, delivery, "list_unsubscribe", OLDER)
    assert receives(delivery)
    assert "signed up for this type again after that, so nothing was changed" in timeline(delivery)


def test_an_older_yes_of_the_family_gives_way(client: Client, delivery: Delivery, general: BroadcastType) -> None:
    page(client, delivery)
    page(client, delivery, general)
    delivery.events.all().delete()
    tell(client, delivery, "list_unsubscribe", NEWER)
    assert not receives(delivery)


def test_a_newer_yes_by_staff_stands_and_an_older_one_gives_way(
    client: Client, delivery: Delivery, alice: User
) -> None:
    page(client, delivery)
    yes_by_staff(delivery, alice)
    delivery.events.all().delete()
    tell(client, delivery, "list_unsubscribe", OLDER)
    assert receives(delivery)
    tell(client, delivery, "link_unsubscribe", NEWER)  # another event
    assert not receives(delivery)


def test_a_file_that_brought_the_address_is_no_decision(client: Client, delivery: Delivery) -> None:
    """It was imported this minute, with the type on."""
    tell(client, delivery, "list_unsubscribe", OLDER)
    assert not receives(delivery)


def test_who_types_the_address_in_for_somebody_else_decides_nothing(
    client: Client, delivery: Delivery, alice: User
) -> None:
    sibling = add_address(factory.make_person(delivery.broadcast.school, "Sibling"), delivery.email, by=alice)
    tell(client, delivery, "list_unsubscribe", OLDER)
    assert not receives(delivery)
    assert not sibling.contact_types.get(broadcast_type=delivery.broadcast.broadcast_type).receives


def test_an_unsubscription_of_somebody_who_is_gone_counts_at_its_own_school(
    client: Client, delivery: Delivery
) -> None:
    factory.make_school("Madison")  # which has nobody yet
    assert delivery.person
    delivery.person.delete()
    tell(client, delivery, "list_unsubscribe", OLDER)
    assert [choice.school for choice in FamilyChoice.objects.all()] == [delivery.broadcast.school]


def test_a_newer_yes_at_a_strangers_school_says_nothing(
    client: Client, delivery: Delivery, general: BroadcastType
) -> None:
    elsewhere = make_delivery(delivery.email, factory.make_school("Jefferson"))
    page(client, elsewhere)
    page(client, elsewhere, general)
    tell(client, delivery, "list_unsubscribe", OLDER)
    assert not receives(delivery)


def test_the_timeline_says_when_a_type_is_no_choice(
    client: Client, delivery: Delivery, general: BroadcastType
) -> None:
    BroadcastType.objects.filter(pk=general.pk).update(is_required=True)
    tell(client, delivery, "list_unsubscribe", OLDER)
    assert receives(delivery)
    assert "Families do not choose whether this type of broadcast comes, so nothing was changed" in timeline(delivery)


def lift(delivery: Delivery, by: User | None) -> None:
    block_addresses([delivery.email], reason="spam", source=BlockedEmail.Source.COMPLAINT)
    assert unblock_addresses([delivery.email], reason="They called", by=by)


def test_a_complaint_from_before_a_lifting_blocks_nothing(client: Client, delivery: Delivery, alice: User) -> None:
    lift(delivery, alice)
    tell(client, delivery, "spam_complaint", OLDER)
    assert find_block(delivery.email) is None
    assert "unblocked by hand after that, so it was not blocked again" in timeline(delivery)


def test_a_complaint_after_the_lifting_blocks_again(client: Client, delivery: Delivery, alice: User) -> None:
    lift(delivery, alice)
    tell(client, delivery, "spam_complaint", NEWER)
    assert find_block(delivery.email)
    assert "We put the address on the Blocked Email list" in timeline(delivery)


def test_somebody_elses_lifting_says_nothing(client: Client, delivery: Delivery, alice: User) -> None:
    lift(make_delivery("bea@home.example", delivery.broadcast.school), alice)
    tell(client, delivery, "spam_complaint", OLDER)
    assert find_block(delivery.email)


def test_heard_twice_it_changes_nothing_more(client: Client, delivery: Delivery, general: BroadcastType) -> None:
    tell(client, delivery, "list_unsubscribe", OLDER)
    page(client, delivery, general)
    tell(client, delivery, "list_unsubscribe", OLDER)
    assert receives(delivery)
