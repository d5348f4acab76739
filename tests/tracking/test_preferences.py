from email import message_from_bytes
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from broadcasts.composing.compiling import Recipient, compile_broadcast
from broadcasts.models import AuditEntry, BroadcastType, ContactType, Delivery, EmailAddress, List, School, Upload
from broadcasts.preparing.reach import Reach
from broadcasts.results import Result
from broadcasts.tokens import make_token
from tests import factory
from tests.tracking.rows import make_delivery
from tracking.models import Event

pytestmark = pytest.mark.django_db
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def types(db: None) -> dict[str, BroadcastType]:
    return {name: factory.make_type(name) for name in ("General", "Attendance", "Emergency")}


@pytest.fixture
def delivery(types: dict[str, BroadcastType], lincoln: School) -> Delivery:
    return make_delivery("Ann@home.example", lincoln, address_key="ann@home.example")


def url_of(delivery: Delivery) -> str:
    return reverse("tracking:preferences", args=[make_token(delivery.pk, "preferences")])


def received(school: School, key: str = "ann@home.example") -> set[str]:
    rows = ContactType.objects.filter(address__key=key, address__person__school=school, receives=True)
    return set(rows.values_list("broadcast_type__name", flat=True))


def test_one_click_stops_this_type_without_login_cookie_or_redirect(delivery: Delivery, lincoln: School) -> None:
    stranger = Client(enforce_csrf_checks=True)
    response = stranger.post(url_of(delivery), "List-Unsubscribe=One-Click", "application/x-www-form-urlencoded")
    assert response.status_code == 200
    assert not response.cookies
    assert received(lincoln) == {"Attendance", "Emergency"}
    choice = ContactType.objects.get(address=delivery.address, broadcast_type__name="General")
    assert choice.chosen_by == ContactType.ChosenBy.FAMILY
    delivery.refresh_from_db()
    assert delivery.result == Result.DELIVERED
    assert [event.kind for event in delivery.events.all()] == [Event.Kind.UNSUBSCRIBED]
    [entry] = AuditEntry.objects.all()
    assert (entry.action, entry.details["stopped"]) == ("contact_types.changed_by_family", ["General"])


def test_second_click_does_nothing_more(client: Client, delivery: Delivery, lincoln: School) -> None:
    for _ in range(2):
        assert client.post(url_of(delivery), ONE_CLICK).status_code == 200  # multipart, as RFC 8058 prefers
    assert received(lincoln) == {"Attendance", "Emergency"}
    assert delivery.events.count() == 1
    assert AuditEntry.objects.count() == 1


def test_looking_at_the_page_changes_nothing(client: Client, delivery: Delivery, lincoln: School) -> None:
    page = client.get(url_of(delivery))
    assert client.head(url_of(delivery)).status_code == 200
    assert received(lincoln) == {"General", "Attendance", "Emergency"}
    assert not Event.objects.exists()
    html = page.content.decode()
    assert html.count("checked") == 2  # an emergency is not a choice
    assert "A•••@home.example" in html
    assert "Ann@home.example" not in html
    assert not page.cookies


def test_a_post_that_is_neither_form_does_nothing(client: Client, delivery: Delivery, lincoln: School) -> None:
    assert client.post(url_of(delivery)).status_code == 200
    assert client.post(url_of(delivery), {"List-Unsubscribe": "Maybe"}).status_code == 200
    assert received(lincoln) == {"General", "Attendance", "Emergency"}


def test_everybody_with_this_address_in_this_school_is_meant(
    client: Client, delivery: Delivery, lincoln: School, jefferson: School
) -> None:
    factory.make_person(lincoln, "Ann's brother", ["ANN@home.example"])
    factory.make_person(jefferson, "Ann elsewhere", ["ann@home.example"])
    client.post(url_of(delivery), ONE_CLICK)
    assert received(lincoln) == {"Attendance", "Emergency"}
    assert received(jefferson) == {"General", "Attendance", "Emergency"}


def test_choices_of_the_page_can_be_taken_back(
    client: Client, delivery: Delivery, lincoln: School, types: dict[str, BroadcastType]
) -> None:
    client.post(url_of(delivery), {"save": "1"})
    assert received(lincoln) == {"Emergency"}
    both = [types["General"].pk, types["Attendance"].pk]
    page = client.post(url_of(delivery), {"save": "1", "types": both})
    assert received(lincoln) == {"General", "Attendance", "Emergency"}
    assert page.content.decode().count("checked") == 2
    assert AuditEntry.objects.first().details == {"started": ["Attendance", "General"], "stopped": []}  # type: ignore[union-attr]


def test_nonsense_in_the_form_is_ignored(client: Client, delivery: Delivery, lincoln: School) -> None:
    answer = client.post(url_of(delivery), {"save": "1", "types": ["x", "²", "9" * 5000]})
    assert answer.status_code == 200
    assert received(lincoln) == {"Emergency"}


def test_an_emergency_is_not_unsubscribed_by_a_click(
    client: Client, types: dict[str, BroadcastType], lincoln: School
) -> None:
    broadcast = factory.make_broadcast(lincoln, type_name="Emergency")
    delivery = make_delivery("ann@home.example", lincoln, broadcast)
    assert client.post(url_of(delivery), ONE_CLICK).status_code == 200
    assert "Emergency" in received(lincoln)


def test_a_type_that_is_no_longer_in_use_can_be_stopped_too(
    client: Client, delivery: Delivery, lincoln: School, types: dict[str, BroadcastType]
) -> None:
    BroadcastType.objects.filter(pk=types["General"].pk).update(is_active=False)
    client.post(url_of(delivery), ONE_CLICK)
    assert received(lincoln) == {"Attendance", "Emergency"}
    assert AuditEntry.objects.get().details["stopped"] == ["General"]


@pytest.mark.parametrize("token", ["nonsense", "1.0000", "a" * 200])
def test_a_link_cut_short_says_so_and_changes_nothing(
    client: Client, delivery: Delivery, lincoln: School, token: str
) -> None:
    url = reverse("tracking:preferences", args=[token])
    for page in (client.get(url), client.post(url, ONE_CLICK)):
        assert page.status_code == 200
        assert "This link is not complete" in page.content.decode()
    assert received(lincoln) == {"General", "Attendance", "Emergency"}


def test_the_token_of_another_door_does_not_open_this_one(
    client: Client, delivery: Delivery, lincoln: School
) -> None:
    client.post(reverse("tracking:preferences", args=[make_token(delivery.pk, "pixel")]), ONE_CLICK)
    assert received(lincoln) == {"General", "Attendance", "Emergency"}


def test_the_button_of_the_mail_program_takes_effect_at_the_next_broadcast(
    client: Client, delivery: Delivery, lincoln: School
) -> None:
    """From the header of a real email to the review of the next one (RFC 8058)."""
    recipient = Recipient(delivery.pk, delivery.name, delivery.email, "en")
    email = message_from_bytes(compile_broadcast(delivery.broadcast).message_for(recipient))
    assert email["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    url = urlsplit(email["List-Unsubscribe"].strip("<>"))
    assert client.post(url.path, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert delivery.person is not None
    following = factory.make_broadcast(lincoln, [delivery.person])
    assert Reach(following).counts()["No Email Selected"] == 1


def upload(lincoln: School, office: Client, address: str) -> None:
    """A file in which Ann has this address, uploaded and confirmed by the office."""
    file = SimpleUploadedFile("families.csv", f"name,email\nAnn,{address}\n".encode())
    families = List.objects.filter(name="Families").first()
    target = {"existing": families.pk} if families else {"name": "Families"}
    office.post(reverse("broadcasts:upload-new"), {"file": file, **target})
    made = Upload.objects.latest("pk")
    office.post(reverse("broadcasts:upload-confirm", args=[made.pk]))
    made.refresh_from_db()
    assert made.status == Upload.Status.CONFIRMED


@pytest.fixture
def media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


def reach(lincoln: School) -> dict[str, int]:
    draft = factory.make_broadcast(lincoln)
    draft.lists.set([List.objects.get(name="Families")])
    return {label: count for label, count in Reach(draft).counts().items() if count}


@pytest.mark.parametrize("gone_first", [False, True])
def test_the_choice_outlasts_an_upload_that_takes_the_address_away(
    gone_first: bool, as_alice: Client, delivery: Delivery, lincoln: School, media: None
) -> None:
    """And it holds too where the link is clicked while nobody has the address."""
    upload(lincoln, as_alice, "ann@home.example")
    if gone_first:
        upload(lincoln, as_alice, "ann@other.example")
    Client().post(url_of(delivery), ONE_CLICK)
    if not gone_first:
        upload(lincoln, as_alice, "ann@other.example")
    assert received(lincoln) == set()
    assert reach(lincoln) == {"Unsent": 1}  # the choice follows the address, not the person
    upload(lincoln, as_alice, "Ann@Home.example")
    assert received(lincoln) == {"Attendance", "Emergency"}
    assert reach(lincoln) == {"No Email Selected": 1}


def test_the_page_of_an_address_that_nobody_has_keeps_what_is_chosen(
    client: Client, delivery: Delivery, types: dict[str, BroadcastType]
) -> None:
    EmailAddress.objects.all().delete()
    for _ in range(2):
        page = client.post(url_of(delivery), {"save": "1", "types": [types["Attendance"].pk]})
        assert page.content.decode().count("checked") == 1
    assert AuditEntry.objects.get().details == {"started": [], "stopped": ["General"]}
    page = client.post(url_of(delivery), {"save": "1", "types": [types["General"].pk, types["Attendance"].pk]})
    assert page.content.decode().count("checked") == 2
    assert client.get(url_of(delivery)).content.decode().count("checked") == 2
