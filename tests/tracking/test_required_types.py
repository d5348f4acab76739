"""Types that families cannot switch off: in the email, and behind its link."""

from email import message_from_bytes

import pytest
from django.test import Client
from django.urls import reverse

from broadcasts.composing.compiling import Recipient, compile_broadcast
from broadcasts.models import AuditEntry, BroadcastType, ContactType, Delivery, FamilyChoice, PersonSchool, School
from broadcasts.tokens import make_token
from tests import factory
from tests.tracking.rows import make_delivery

pytestmark = pytest.mark.django_db
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def general(db: None) -> BroadcastType:
    return factory.make_type("General", is_required=True)


@pytest.fixture
def delivery(general: BroadcastType, lincoln: School) -> Delivery:
    factory.make_type("Attendance")
    return make_delivery("ann@home.example", lincoln)


def url_of(delivery: Delivery) -> str:
    return reverse("tracking:preferences", args=[make_token(delivery.pk, "preferences")])


def received() -> set[str]:
    return set(ContactType.objects.filter(receives=True).values_list("broadcast_type__name", flat=True))


def test_a_required_type_is_not_offered_and_explained(client: Client, delivery: Delivery) -> None:
    html = client.get(url_of(delivery)).content.decode()
    assert html.count("checkbox") == 1
    assert "Always sent" in html
    assert "<li>General</li>" in html


def test_one_click_on_a_required_type_changes_nothing_and_says_so(client: Client, delivery: Delivery) -> None:
    answer = client.post(url_of(delivery), ONE_CLICK)
    assert answer.status_code == 200
    assert "General messages cannot be switched off here, so nothing was changed." in answer.content.decode()
    assert received() == {"General", "Attendance"}
    assert not AuditEntry.objects.exists()
    assert not delivery.events.exists()


def test_saving_the_page_leaves_a_required_type_alone(client: Client, delivery: Delivery) -> None:
    client.post(url_of(delivery), {"save": "1"})
    assert received() == {"General"}
    assert FamilyChoice.objects.get().broadcast_type.name == "Attendance"


def test_an_email_of_a_required_type_has_no_unsubscribe_header(delivery: Delivery) -> None:
    recipient = Recipient(delivery.pk, delivery.name, delivery.email, "en")
    email = message_from_bytes(compile_broadcast(delivery.broadcast).message_for(recipient))
    assert email["List-Unsubscribe"] is None
    assert email["List-Unsubscribe-Post"] is None
    text = email.get_payload()[0].get_payload(decode=True).decode()  # type: ignore[index, union-attr]
    assert "Choose what else you get:" in text
    assert "stop these emails" not in text


def test_a_click_reaches_the_address_also_where_the_person_is_at_home_elsewhere(
    client: Client, delivery: Delivery, jefferson: School
) -> None:
    """A list of another school that was published: its people get this school's emails."""
    BroadcastType.objects.update(is_required=False)
    assert delivery.person is not None
    for besides in (True, False):
        delivery.person.school = jefferson
        delivery.person.save()
        if besides:
            PersonSchool.objects.create(person=delivery.person, school=delivery.broadcast.school)
        else:
            PersonSchool.objects.all().delete()
        client.post(url_of(delivery), ONE_CLICK)
        assert received() == {"Attendance"}
        ContactType.objects.update(receives=True)
