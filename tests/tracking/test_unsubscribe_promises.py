"""RFC 8058 and its surroundings: what a mail program sends, what a scanner does, what a link gives away."""

import re
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import Message
from urllib.parse import urlsplit

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from broadcasts.composing.compiling import Recipient, compile_broadcast
from broadcasts.models import AuditEntry, ContactType, Delivery, School
from broadcasts.results import Result
from broadcasts.tokens import make_token
from tests import factory
from tests.tracking.rows import make_delivery

pytestmark = pytest.mark.django_db
ADDRESS = "ann.lee@home.example"
# As mail programs send it (RFC 8058 section 3.1 allows both).
FORM = ("List-Unsubscribe=One-Click", "application/x-www-form-urlencoded")
MULTIPART = (
    '--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n',
    "multipart/form-data; boundary=x",
)
LINK = re.compile(r"https?://[^\s\"'<>]+")


@pytest.fixture
def delivery(lincoln: School) -> Delivery:
    for name in ("General", "Attendance", "Emergency"):
        factory.make_type(name)
    return make_delivery(ADDRESS, lincoln)


def email_to(delivery: Delivery) -> Message:
    recipient = Recipient(delivery.pk, delivery.name, delivery.email, "en")
    return message_from_bytes(compile_broadcast(delivery.broadcast).message_for(recipient))


def url_of(delivery: Delivery) -> str:
    return reverse("tracking:preferences", args=[make_token(delivery.pk, "preferences")])


def received() -> set[str]:
    return set(ContactType.objects.filter(receives=True).values_list("broadcast_type__name", flat=True))


@pytest.mark.parametrize(("body", "kind"), [FORM, MULTIPART], ids=["form", "multipart"])
def test_both_encodings_act_for_a_stranger_at_the_first_request(delivery: Delivery, body: str, kind: str) -> None:
    answer = Client(enforce_csrf_checks=True).post(url_of(delivery), body, kind)
    assert answer.status_code == 200  # and no redirect
    assert "Location" not in answer.headers
    assert not answer.cookies
    assert received() == {"Attendance", "Emergency"}


def test_signed_in_or_not_makes_no_difference(as_bob: Client, delivery: Delivery) -> None:
    assert as_bob.post(url_of(delivery), *FORM).status_code == 200
    assert received() == {"Attendance", "Emergency"}


def links_in(email: Message) -> set[str]:
    """Every address in it, in headers and in both parts."""
    text = "\n".join(str(value) for value in email.values())
    for part in email.walk():
        payload = part.get_payload(decode=True)
        text += payload.decode() if isinstance(payload, bytes) else ""
    return set(LINK.findall(text))


def test_scanner_that_follows_every_link_changes_nothing(delivery: Delivery) -> None:
    links = links_in(email_to(delivery))
    assert any("/o/" in link for link in links)
    assert any("/u/" in link for link in links)
    for _ in range(2):
        for link in links:
            scanner = Client(headers={"User-Agent": "Barracuda Sentinel (EE)"})
            for ask in (scanner.get, scanner.head, scanner.options):
                assert ask(urlsplit(link).path).status_code in (200, 405)
    assert received() == {"General", "Attendance", "Emergency"}
    delivery.refresh_from_db()
    assert delivery.result == Result.SENT
    assert not AuditEntry.objects.exists()
    assert set(delivery.events.values_list("label", flat=True)) == {"scanner"}


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_other_methods_do_nothing(client: Client, delivery: Delivery, method: str) -> None:
    assert getattr(client, method)(url_of(delivery)).status_code == 405
    assert received() == {"General", "Attendance", "Emergency"}


def test_link_works_after_years(delivery: Delivery) -> None:
    with time_machine.travel(datetime(2017, 5, 11, tzinfo=UTC)):
        url = url_of(delivery)
    with time_machine.travel(datetime(2047, 5, 11, tzinfo=UTC)):
        assert Client().post(url, *FORM).status_code == 200
    assert received() == {"Attendance", "Emergency"}


def test_link_gives_no_address_away(client: Client, delivery: Delivery) -> None:
    # The number of a row and a signature; the same address has another number in every broadcast.
    assert re.fullmatch(r"[0-9a-z]{1,13}\.[0-9a-f]{20}", make_token(delivery.pk, "preferences"))
    page = client.get(url_of(delivery)).text
    assert ADDRESS not in page
    assert delivery.name not in page


def test_changed_link_opens_nobodys_page(client: Client, delivery: Delivery) -> None:
    other = make_delivery("bo@home.example", delivery.broadcast.school)
    mine, theirs = make_token(delivery.pk, "preferences"), make_token(other.pk, "preferences")
    mixed = f"{theirs.partition('.')[0]}.{mine.partition('.')[2]}"
    url = reverse("tracking:preferences", args=[mixed])
    assert "This link is not complete" in client.post(url, *FORM).text
    assert received() == {"General", "Attendance", "Emergency"}


def test_page_says_what_comes_and_why_some_of_it_cannot_be_switched_off(client: Client, delivery: Delivery) -> None:
    factory.make_type("Report cards", is_required=True)
    page = client.get(url_of(delivery)).text
    assert re.findall(r"checked>\s*(\w+)", page) == ["Attendance", "General"]
    assert "<li>Report cards</li>" in page
    assert "needs to reach every family with these" in page
    assert "Emergency messages cannot be switched off here: they are about safety." in page
