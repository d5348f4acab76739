import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from broadcasts.composing.compiling import Recipient, compile_broadcast
from broadcasts.models import Delivery
from broadcasts.results import Result
from broadcasts.tokens import make_token
from tests.tracking.rows import make_delivery
from tracking.models import Event
from tracking.picture import GIF

pytestmark = pytest.mark.django_db
NINE = datetime(2017, 5, 11, 9, tzinfo=UTC)


def url_of(delivery: Delivery, purpose: str = "pixel") -> str:
    return reverse("tracking:pixel", args=[make_token(delivery.pk, purpose)])


def test_a_fetch_says_opened(client: Client) -> None:
    delivery = make_delivery()
    response = client.get(url_of(delivery))
    assert (response.status_code, response.content, response["Content-Type"]) == (200, GIF, "image/gif")
    assert len(GIF) == 43
    assert "no-store" in response["Cache-Control"]
    assert not response.cookies
    delivery.refresh_from_db()
    assert delivery.result == Result.OPENED
    assert [event.kind for event in delivery.events.all()] == [Event.Kind.OPENED]


def test_second_fetch_of_the_day_is_counted_and_one_the_next_day_is_a_line(client: Client) -> None:
    delivery = make_delivery()
    with time_machine.travel(NINE, tick=False) as clock:
        client.get(url_of(delivery))
        clock.shift(60)
        client.get(url_of(delivery))
        event = delivery.events.get()
        assert (event.times, event.at, event.last_at) == (2, NINE, NINE + timedelta(minutes=1))
        clock.move_to(datetime(2017, 5, 12, 9, tzinfo=UTC))
        client.get(url_of(delivery))
    assert delivery.events.count() == 2


@pytest.mark.parametrize(
    "headers", [{"Purpose": "prefetch"}, {"Sec-Purpose": "prefetch;prerender"}, {"X-Moz": "prefetch"}]
)
def test_a_prefetch_counts_nothing(client: Client, headers: dict[str, str]) -> None:
    delivery = make_delivery()
    assert client.get(url_of(delivery), headers=headers).content == GIF
    assert not Event.objects.exists()


def test_head_and_post_count_nothing(client: Client) -> None:
    delivery = make_delivery()
    assert Client(enforce_csrf_checks=True).post(url_of(delivery)).content == GIF
    assert not Event.objects.exists()
    assert client.head(url_of(delivery)).status_code == 200
    assert [event.label for event in delivery.events.all()] == ["scanner"]
    delivery.refresh_from_db()
    assert delivery.result == Result.SENT


def test_whatever_the_token_the_answer_is_the_same(client: Client) -> None:
    delivery = make_delivery()
    good = client.get(url_of(delivery, purpose="preferences"))
    for token in ("nonsense", "1.0000", "zzzzzzzzzzzzzzzzzzzz.x", make_token(10**9, "pixel")):
        answer = client.get(reverse("tracking:pixel", args=[token]))
        assert (answer.status_code, answer.content, answer.headers) == (200, GIF, good.headers)
    assert not Event.objects.exists()


def test_a_row_that_carried_no_email_cannot_be_opened(client: Client) -> None:
    delivery = make_delivery(is_sendable=False, result=Result.DUPLICATE)
    client.get(url_of(delivery))
    delivery.refresh_from_db()
    assert delivery.result == Result.DUPLICATE
    assert not Event.objects.exists()


def test_the_picture_in_a_real_email_is_this_one(client: Client, settings: Settings) -> None:
    delivery = make_delivery()
    html = compile_broadcast(delivery.broadcast).html_for(Recipient(delivery.pk, "Ann", delivery.email, "en"))
    [path] = re.findall(rf'src="{re.escape(settings.SITE_URL)}(/o/[^"]+)"', html)
    assert client.get(path).content == GIF
    delivery.refresh_from_db()
    assert delivery.result == Result.OPENED
