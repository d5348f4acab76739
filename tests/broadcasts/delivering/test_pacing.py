"""Never more than so many emails a minute, whoever sends them; and nobody waits for ever."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from broadcasts.delivering.pacing import burst_of, free_at, give_back, take
from broadcasts.delivering.sweeping import waiting
from broadcasts.models import Broadcast, Sender
from tests.broadcasts.delivering.steps import deliver, make_people, start
from tests.smtp_server import Script

MINUTE = timedelta(minutes=1)
NOON = datetime(2026, 5, 11, 12, tzinfo=UTC)


def most_in_a_minute(moments: list[datetime]) -> int:
    return max(sum(moment - MINUTE < other <= moment for other in moments) for moment in moments)


@pytest.mark.django_db
@pytest.mark.parametrize("limit", [1, 7, 60, 600])
def test_no_minute_has_more_than_the_limit_and_a_burst(limit: int) -> None:
    """Two who ask whenever there may be something, one greedy and one modest, for five minutes."""
    given: dict[str, list[datetime]] = {"greedy": [], "modest": []}
    now = NOON
    while now < NOON + 5 * MINUTE:
        for who, wanted in (("modest", 1), ("greedy", 200)):
            given[who] += [now] * take("sender:1", limit, wanted, now)
        now = max(free_at("sender:1", limit, now), now + timedelta(milliseconds=700))
    everything = sorted(given["greedy"] + given["modest"])
    assert most_in_a_minute(everything) <= limit + burst_of(limit)
    assert len(everything) >= 5 * limit * 0.9, "the limit is used up"
    assert given["modest"]


@pytest.mark.django_db(transaction=True)
def test_many_workers_together_keep_one_limit() -> None:
    def work(_number: int) -> int:
        try:
            return sum(take("relay:mail", 600, 20, NOON) for _ in range(10))
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(work, range(4))) == burst_of(600)


@pytest.mark.django_db
def test_an_emergency_borrows_where_others_have_used_everything_up() -> None:
    while take("relay:mail", 600, 200, NOON):
        pass
    assert take("relay:mail", 600, 200, NOON, is_emergency=True) == burst_of(600)
    assert take("relay:mail", 600, 200, NOON + timedelta(seconds=4)) == 0, "the others wait for what it borrowed"


@pytest.mark.django_db
def test_what_did_not_leave_is_given_back() -> None:
    assert take("sender:1", 60, 5, NOON) == 5
    assert take("sender:1", 60, 5, NOON) == 0
    give_back("sender:1", 60, 3)
    assert take("sender:1", 60, 5, NOON) == 3


def brought(limit: int, begin: datetime) -> int:
    """What the time since then allows."""
    return int((timezone.now() - begin) / MINUTE * limit) + 1


def limit_sender(limit: int) -> None:
    Sender.objects.update(max_per_minute=limit)


@pytest.mark.django_db
def test_a_sender_with_a_limit_sends_a_burst_and_holds_no_row_while_it_waits(mail_server: Script) -> None:
    broadcast = start(make_people(*(f"p{number}@x.example" for number in range(30))))
    limit_sender(60)
    begin = timezone.now()
    assert deliver(broadcast) is False
    assert 5 <= len(mail_server.received) <= 5 + brought(60, begin)
    assert not broadcast.leases.filter(until__gt=timezone.now()).exists()
    assert broadcast.next_try_at is not None
    assert broadcast.next_try_at > timezone.now()
    assert not waiting(timezone.now()).exists()
    assert waiting(broadcast.next_try_at).exists()
    deliver(broadcast)
    assert len(mail_server.received) <= 5 + brought(60, begin), "a worker that comes too early finds nothing to do"


@pytest.mark.django_db
def test_everything_leaves_in_the_end(mail_server: Script) -> None:
    broadcast = start(make_people(*(f"p{number}@x.example" for number in range(40))))
    limit_sender(60_000)
    while broadcast.status != Broadcast.Status.SENT:
        deliver(broadcast)
    assert len(mail_server.received) == 40


@pytest.mark.django_db
def test_a_mail_server_with_a_limit_is_asked_for_no_more(mail_server: Script, settings: Settings) -> None:
    settings.MAIL_URL += "?per_minute=120"
    one, other = (start(make_people(*(f"{who}{number}@x.example" for number in range(20)))) for who in "ab")
    begin = timezone.now()
    deliver(one)
    deliver(other)
    assert 10 <= len(mail_server.received) <= burst_of(120) + brought(120, begin)
    assert other.next_try_at is not None, "it comes back when there is something for it"


@pytest.mark.django_db
def test_the_page_says_how_long_the_rest_takes(as_alice: Client) -> None:
    broadcast = start(make_people(*(f"p{number}@x.example" for number in range(30))))
    limit_sender(12)
    page = as_alice.get(reverse("broadcasts:broadcast-detail", args=[broadcast.pk])).content.decode()
    assert "At most 12 emails a minute leave from “School Office”." in page
    assert "The rest takes about 3 minutes." in page
