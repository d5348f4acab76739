"""Both open numbers, by people and with machines, wherever opens are spoken of; and the setting for the other."""

from collections.abc import Iterable

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from broadcasts.models import Broadcast, Delivery, School
from broadcasts.results import Result
from broadcasts.tokens import make_token
from reports.opens import OpenNumbers, count_opens
from tests import factory
from tests.reports.rows import make_delivery
from tracking.models import Event

APPLE_AHEAD, SCANNER, GMAIL = "Mozilla/5.0", "Barracuda", "x (via ggpht.com GoogleImageProxy)"
HTMX = {"HX-Request": "true"}


@pytest.fixture
def sent(lincoln: School) -> Broadcast:
    """Six emails: opened by a person, by a mailbox, by a scanner, by both, by nobody; and one that bounced."""
    broadcast = factory.make_broadcast(lincoln, prepared_at=timezone.now(), status=Broadcast.Status.SENT)
    for name in ("person", "mailbox", "scanner", "both", "nobody"):
        make_delivery(broadcast, f"{name}@home.example", Result.DELIVERED)
    make_delivery(broadcast, "bounced@home.example", Result.BOUNCED)
    return broadcast


def fetch_pictures(broadcast: Broadcast, opened: Iterable[tuple[str, str]]) -> None:
    """As the programs of the outside world do it: through the pixel."""
    for name, agent in opened:
        row = broadcast.deliveries.get(email=f"{name}@home.example")
        url = reverse("tracking:pixel", args=[make_token(row.pk, "pixel")])
        assert Client().get(url, headers={"User-Agent": agent}).status_code == 200


EVERYBODY = [
    ("person", GMAIL),
    ("mailbox", APPLE_AHEAD),
    ("scanner", SCANNER),
    ("both", APPLE_AHEAD),
    ("both", GMAIL),
]


def opened_rows(broadcast: Broadcast) -> set[str]:
    rows = broadcast.deliveries.filter(result=Result.OPENED)
    return {email.partition("@")[0] for email in rows.values_list("email", flat=True)}


def numbers_of(broadcast: Broadcast) -> OpenNumbers:
    return count_opens({broadcast.pk: len(opened_rows(broadcast))})[broadcast.pk]


@pytest.mark.parametrize(
    ("counts_machines", "opened"),
    [(False, {"person", "both"}), (True, {"person", "both", "mailbox", "scanner"})],
)
def test_both_numbers_are_the_same_whichever_counts_as_opened(
    sent: Broadcast, settings: Settings, counts_machines: bool, opened: set[str]
) -> None:
    settings.COUNT_MACHINE_OPENS = counts_machines
    for _ in range(2):  # the second look changes nothing
        fetch_pictures(sent, EVERYBODY)
    assert opened_rows(sent) == opened
    assert numbers_of(sent) == OpenNumbers(by_people=2, with_machines=4)


@pytest.mark.parametrize(("counts_machines", "opened"), [(False, "1"), (True, "2")])
def test_setting_changes_what_every_page_calls_opened(
    as_alice: Client, sent: Broadcast, settings: Settings, counts_machines: bool, opened: str
) -> None:
    settings.COUNT_MACHINE_OPENS = counts_machines
    fetch_pictures(sent, [("person", GMAIL), ("mailbox", APPLE_AHEAD)])
    progress = as_alice.get(f"/broadcasts/{sent.pk}/").text
    assert f'<b>{opened}</b> <span class="result result-opened">' in progress
    home = as_alice.get("/").text
    assert f'result=opened">{opened}</a>' in home
    assert "by people 1, with machines 2" in home
    fragment = as_alice.get(f"/broadcasts/{sent.pk}/opens/", headers=HTMX).text
    assert ("counts machines too" in fragment) is counts_machines
    row = sent.deliveries.get(email="mailbox@home.example")
    page = as_alice.get(f"/email-log/{row.pk}/").text
    assert ("counts them as Opened" in page) is counts_machines
    assert ("so it does not count as Opened" in page) is not counts_machines
    assert 'href="/help/#opens"' in page


def test_click_of_a_person_outweighs_machines(sent: Broadcast) -> None:
    row = sent.deliveries.get(email="mailbox@home.example")
    fetch_pictures(sent, [("mailbox", APPLE_AHEAD)])
    Event.objects.create(
        delivery=row, kind="clicked", label="person", at=timezone.now(), key="click", source=Event.Source.WEBHOOK
    )
    Delivery.objects.filter(pk=row.pk).update(result=Result.OPENED)
    assert numbers_of(sent) == OpenNumbers(1, 1)


def test_progress_page_shows_both_by_itself_and_links_to_them_without_javascript(
    as_alice: Client, sent: Broadcast
) -> None:
    fetch_pictures(sent, EVERYBODY)
    url = f"/broadcasts/{sent.pk}/opens/"
    page = as_alice.get(f"/broadcasts/{sent.pk}/").text
    assert f'hx-get="{url}" hx-trigger="load"' in page
    assert f'<a href="{url}">' in page
    for part in (as_alice.get(url, headers=HTMX).text, as_alice.get(url).text):
        assert "<dd><b>2</b></dd>" in part
        assert "<dd><b>4</b></dd>" in part
        assert "does not say that somebody read the email" in part
    assert "<html" not in as_alice.get(url, headers=HTMX).text


def test_draft_and_broadcast_without_opens_say_nothing_odd(as_alice: Client, lincoln: School) -> None:
    draft = factory.make_broadcast(lincoln, status=Broadcast.Status.SCHEDULED, send_at=timezone.now())
    assert "Opened by whom" not in as_alice.get(f"/broadcasts/{draft.pk}/").text
    assert as_alice.get(f"/broadcasts/{draft.pk}/opens/").text.count("<dd><b>0</b></dd>") == 2


def test_numbers_that_agree_are_one_number_at_home(as_alice: Client, sent: Broadcast) -> None:
    fetch_pictures(sent, [("person", GMAIL)])
    assert "with machines" not in as_alice.get("/").text


def test_stranger_sees_neither_number(as_bob: Client, sent: Broadcast) -> None:
    fetch_pictures(sent, EVERYBODY)
    assert as_bob.get(f"/broadcasts/{sent.pk}/opens/").status_code == 404
    assert "with machines" not in as_bob.get("/").text


def test_two_broadcasts_keep_their_numbers_apart(sent: Broadcast, lincoln: School) -> None:
    other = factory.make_broadcast(lincoln, prepared_at=timezone.now(), status=Broadcast.Status.SENT)
    fetch_pictures(sent, EVERYBODY)
    assert count_opens({sent.pk: 2, other.pk: 0}) == {sent.pk: OpenNumbers(2, 4), other.pk: OpenNumbers(0, 0)}


def test_help_says_what_an_open_can_and_cannot_tell(as_alice: Client) -> None:
    page = as_alice.get("/help/").text
    assert 'id="opens"' in page
    assert "COUNT_MACHINE_OPENS" in page
