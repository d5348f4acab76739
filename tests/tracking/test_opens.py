"""Who opened it: a person, the mailbox by itself, a security program, or we cannot tell."""

from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from broadcasts.models import Delivery
from broadcasts.results import Result
from broadcasts.tokens import make_token
from reports.opens import count_opened_by_mailbox, opens_of
from tests import factory
from tests.tracking.rows import make_delivery
from tests.tracking.webhooks.payloads import body, event, of
from tests.tracking.webhooks.posting import KEYS, post
from tracking.models import Event
from tracking.opens import PROGRAMS, program_of

pytestmark = pytest.mark.django_db
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
GMAIL_AHEAD = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/42.0.2311.135 Safari/537.36 Edge/12.246 Mozilla/5.0"
)
CUBOT = "Mozilla/5.0 (Linux; Android 9; CUBOT_X18) AppleWebKit/537.36 Chrome/96.0 Mobile Safari/537.36"


@pytest.fixture(autouse=True)
def nobody_yet() -> None:
    cache.clear()


def fetch(client: Client, delivery: Delivery, agent: str, address: str = "198.51.100.77") -> None:
    url = reverse("tracking:pixel", args=[make_token(delivery.pk, "pixel")])
    assert client.get(url, headers={"User-Agent": agent}, REMOTE_ADDR=address).status_code == 200


def result_of(delivery: Delivery) -> Result:
    return Result(Delivery.objects.values_list("result", flat=True).get(pk=delivery.pk))


@pytest.mark.parametrize(
    ("agent", "label", "result"),
    [
        (IPHONE, "person", Result.OPENED),
        (GMAIL, "person", Result.OPENED),
        (CUBOT, "person", Result.OPENED),
        ("", "person", Result.OPENED),
        ("Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0; Pro)", "person", Result.OPENED),
        ("YahooMailProxy; https://help.yahoo.com/", "unsure", Result.OPENED),
        ("Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/130.0.0.0 Safari/537.36", "unsure", Result.OPENED),
        ("Mozilla/5.0", "automatic", Result.DELIVERED),
        (GMAIL_AHEAD, "automatic", Result.DELIVERED),
        ("Microsoft Office Existence Discovery", "scanner", Result.SENT),
        ("BarracudaCentral", "scanner", Result.SENT),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "scanner", Result.SENT),
        ("python-requests/2.32", "scanner", Result.SENT),
    ],
)
def test_the_program_says_who(client: Client, agent: str, label: str, result: Result) -> None:
    delivery = make_delivery()
    fetch(client, delivery, agent)
    found = delivery.events.get()
    assert (found.label, found.kind, result_of(delivery)) == (label, "opened", result)


def test_every_rule_says_where_it_is_from() -> None:
    assert all(program.source and program.words and program.family for program in PROGRAMS)
    assert program_of("Something Unheard Of").label == Event.Label.PERSON


def test_one_setting_restores_the_classical_count(client: Client, settings: Settings) -> None:
    settings.COUNT_MACHINE_OPENS = True
    for agent in ("Mozilla/5.0", "python-requests/2.32"):
        delivery = make_delivery(f"{len(agent)}@home.example")
        fetch(client, delivery, agent)
        assert result_of(delivery) == Result.OPENED


def test_a_person_after_a_machine_on_one_day_is_seen(client: Client) -> None:
    delivery = make_delivery()
    for agent in ("Mozilla/5.0", "python-requests/2.32", IPHONE, IPHONE, "Mozilla/5.0"):
        fetch(client, delivery, agent)
    assert sorted(delivery.events.values_list("label", flat=True)) == ["automatic", "person", "scanner"]
    assert result_of(delivery) == Result.OPENED


@pytest.mark.parametrize(
    ("address", "network"),
    [("198.51.100.77", "198.51.100.0/24"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"), ("nonsense", "")],
)
def test_no_whole_address_is_kept(client: Client, address: str, network: str) -> None:
    delivery = make_delivery()
    fetch(client, delivery, IPHONE, address)
    found = delivery.events.get()
    assert (found.network, found.agent) == (network, "iPhone or iPad")
    assert address not in str(list(Event.objects.values_list()))


def test_behind_a_proxy_its_own_word_counts(client: Client, settings: Settings) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    delivery = make_delivery()
    url = reverse("tracking:pixel", args=[make_token(delivery.pk, "pixel")])
    client.get(url, headers={"X-Forwarded-For": "192.0.2.1, 198.51.100.77"}, REMOTE_ADDR="127.0.0.1")
    assert delivery.events.get().network == "198.51.100.0/24"


def crowd(client: Client, agent: str, address: str, seconds: int = 0) -> list[str]:
    broadcast = factory.make_broadcast(status="sent")
    deliveries = [make_delivery(f"p{number}@home.example", broadcast=broadcast) for number in range(12)]
    with time_machine.travel(datetime(2017, 5, 11, 9, tzinfo=UTC), tick=False) as clock:
        for delivery in deliveries:
            fetch(client, delivery, agent, address)
            clock.shift(seconds)
    return list(Event.objects.order_by("pk").values_list("label", flat=True))


def test_many_pictures_from_one_address_within_seconds_are_a_scanner(client: Client) -> None:
    assert crowd(client, IPHONE, "8.8.8.8") == ["person"] * 9 + ["scanner"] * 3


@pytest.mark.parametrize(
    ("agent", "address", "seconds"), [(GMAIL, "8.8.8.8", 0), (IPHONE, "127.0.0.1", 0), (IPHONE, "8.8.8.8", 11)]
)
def test_a_proxy_our_own_network_and_a_slow_morning_are_none(
    client: Client, agent: str, address: str, seconds: int
) -> None:
    assert crowd(client, agent, address, seconds) == ["person"] * 12


@pytest.mark.parametrize(
    ("provider", "said", "label", "result"),
    [
        ("sendgrid", ("open", {"sg_machine_open": True}), "automatic", Result.DELIVERED),
        ("sendgrid", ("open", {"sg_machine_open": False, "useragent": IPHONE}), "person", Result.OPENED),
        ("mailgun", ("opened", {"client-info": {"bot": "apple"}}), "automatic", Result.DELIVERED),
        ("mailgun", ("opened", {"client-info": {"bot": "generic"}}), "scanner", Result.SENT),
        ("mailgun", ("clicked", {"client-info": {"bot": "generic"}}), "scanner", Result.SENT),
        ("mailgun", ("opened", {"client-info": {"bot": "", "user-agent": IPHONE}}), "person", Result.OPENED),
        ("sparkpost", ("open", {"is_prefetched": True}), "automatic", Result.DELIVERED),
        ("sparkpost", ("open", {"user_agent_parsed": {"is_prefetched": True}}), "automatic", Result.DELIVERED),
        ("brevo", ("proxy_open", {}), "automatic", Result.DELIVERED),
        ("brevo", ("unique_opened", {}), "person", Result.OPENED),
        ("postmark", ("Open", {"UserAgent": "Mozilla/5.0"}), "automatic", Result.DELIVERED),
    ],
)
def test_the_provider_knows_who(
    client: Client, settings: Settings, provider: str, said: tuple[str, dict[str, Any]], label: str, result: Result
) -> None:
    settings.ANYMAIL = {**KEYS["brevo"](), **KEYS[provider]()}
    delivery, (word, more) = make_delivery(), said
    assert post(client, provider, body(provider, event(provider, word, of(delivery), **more))).status_code == 200
    assert (delivery.events.get().label, result_of(delivery)) == (label, result)


def test_the_delivery_page_tells_people_and_machines_apart(as_alice: Client) -> None:
    delivery = make_delivery()
    fetch(as_alice, delivery, "Mozilla/5.0")
    page = as_alice.get(reverse("reports:delivery-detail", args=[delivery.pk])).content.decode()
    assert "Opened by machines" in page
    assert "Opened by a person" not in page
    assert "loaded the pictures by itself" in page
    for day in (11, 12):
        with time_machine.travel(datetime(2017, 5, day, 14, 44, tzinfo=UTC), tick=False):
            fetch(Client(), delivery, IPHONE)
    page = as_alice.get(reverse("reports:delivery-detail", args=[delivery.pk])).content.decode()
    assert "2 times, first on May 11, 2017 9:44 am, last on May 12, 2017 9:44 am" in " ".join(page.split())
    assert (opens_of(delivery).by_people, opens_of(delivery).by_machines) == (2, 1)


def test_the_email_log_counts_apart_what_only_mailboxes_opened(as_alice: Client, as_bob: Client) -> None:
    broadcast = factory.make_broadcast(status="sent", prepared_at=datetime(2017, 5, 11, tzinfo=UTC))
    ann, bea, cleo = (make_delivery(f"{name}@home.example", broadcast=broadcast) for name in ("ann", "bea", "cleo"))
    for delivery, agents in ((ann, ["Mozilla/5.0", GMAIL_AHEAD]), (bea, ["Mozilla/5.0", IPHONE]), (cleo, [IPHONE])):
        for agent in agents:
            fetch(Client(), delivery, agent)
    assert count_opened_by_mailbox(broadcast) == 1
    assert count_opened_by_mailbox(factory.make_broadcast()) == 0
    said = reverse("reports:broadcast-opened-by-mailbox", args=[broadcast.pk])
    log = reverse("reports:email-log")
    assert said in as_alice.get(log, {"broadcast": broadcast.pk}).text
    assert "by-mailboxes" not in as_alice.get(log).text
    assert "1 more email was opened by its mailbox alone" in as_alice.get(said).text
    assert said not in as_bob.get(log, {"broadcast": broadcast.pk}).text
    assert as_bob.get(said).status_code == 404
