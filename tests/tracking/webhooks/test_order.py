"""Where a row ends does not depend on the order, the repetition or the grouping in which webhooks tell of it."""

import json
import random
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from django.db import connections, transaction
from django.test import Client
from django.utils import timezone

from broadcasts.models import Broadcast, ContactType, Delivery
from broadcasts.results import Result
from tests import factory
from tests.tracking.rows import make_delivery
from tests.tracking.webhooks.payloads import event, of
from tests.tracking.webhooks.posting import post
from tracking.models import Event
from tracking.opening import Fetch, Look, record_opens
from tracking.webhooks.providers import PROVIDERS
from tracking.webhooks.taking_in import take_in

# (SparkPost's word, minutes ago, more)
STORY: list[tuple[str, int, dict[str, str]]] = [
    ("delay", 50, {"bounce_class": "20", "raw_reason": "452 4.2.2 full"}),
    ("bounce", 40, {"bounce_class": "10", "raw_reason": "550 5.1.1 user unknown"}),
    ("delivery", 30, {}),
    ("out_of_band", 20, {"bounce_class": "30", "raw_reason": "550 5.2.1 mailbox closed"}),
    ("open", 10, {"user_agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X)"}),
]
TOLD_AT = timezone.now()


def story(delivery: Delivery) -> list[Any]:
    now = int(TOLD_AT.timestamp())
    return [
        event("sparkpost", word, of(delivery), timestamp=str(now - ago * 60), event_id=f"{word}-{ago}", **more)
        for word, ago, more in STORY
    ]


def tell(events: Sequence[Any]) -> None:
    assert [*take_in(PROVIDERS["sparkpost"], events)] == [[]]


def row(delivery: Delivery) -> tuple[dict[str, object], list[tuple[str, datetime]]]:
    fields = ("result", "late_bounce_at", "late_bounce_reason", "next_attempt_at", "state")
    told = delivery.events.order_by("at", "kind").values_list("kind", "at")
    return dict(Delivery.objects.values(*fields).get(pk=delivery.pk)), list(told)


@pytest.mark.django_db
def test_five_events_in_every_order() -> None:
    delivery = make_delivery()
    ends = set()
    for order in permutations(story(delivery)):
        with transaction.atomic():
            for said in order:
                tell([said])
            ends.add(repr(row(delivery)))
            transaction.set_rollback(True)
    [end] = ends
    assert "mailbox closed" in end
    tell(story(delivery))
    assert repr(row(delivery)) == end
    assert row(delivery)[0]["result"] == Result.OPENED


def see(delivery: Delivery, minutes: Sequence[int]) -> None:
    """The picture fetched so many minutes ago, heard of in this order."""
    fetch = Fetch(delivery.pk, Event.Label.PERSON, "Gmail", "", "")
    for ago in minutes:
        at = TOLD_AT - timedelta(minutes=ago)
        record_opens([Look(fetch, at, at)])


@pytest.mark.django_db
@pytest.mark.parametrize("place", [0, 2, 5])
def test_five_events_in_every_order_with_pictures_among_them(place: int) -> None:
    delivery = make_delivery()
    ends = set()
    for number, order in enumerate(permutations(story(delivery))):
        with transaction.atomic():
            for said in order[:place]:
                tell([said])
            see(delivery, (35, 5, 15) if number % 2 else (5, 35, 15))
            for said in order[place:]:
                tell([said])
            opened = delivery.events.filter(source=Event.Source.PIXEL).values_list("at", "last_at", "times", "agent")
            ends.add(repr((row(delivery), list(opened))))
            transaction.set_rollback(True)
    assert len(ends) == 1
    # The first look came before the second bounce and after the first: only one of them is late.
    assert "mailbox closed" in ends.pop()


@pytest.mark.django_db
def test_one_event_forty_six_times_among_others_counts_once(client: Client) -> None:
    delivery = make_delivery()
    told = [*story(delivery), *[story(delivery)[2]] * 45]
    random.Random(46).shuffle(told)
    for start in range(0, len(told), 7):
        assert post(client, "sparkpost", told[start : start + 7]).status_code == 200
    assert delivery.events.count() == len(STORY)
    other = make_delivery("bea@home.example", broadcast=delivery.broadcast)
    tell(story(other))
    assert row(delivery) == row(other)


@pytest.mark.django_db(transaction=True)
def test_six_threads_end_where_one_does() -> None:
    broadcast = factory.make_broadcast(status=Broadcast.Status.SENT)
    rows = [make_delivery(f"person{n}@home.example", broadcast=broadcast) for n in range(12)]
    told = [json.dumps(said) for delivery in rows for said in [*story(delivery), *complaint(delivery)]]

    def share(seed: int) -> None:
        mine = told * 2
        random.Random(seed).shuffle(mine)
        client = Client()
        try:
            for start in range(0, len(mine), 25):
                answer = post(client, "sparkpost", [json.loads(one) for one in mine[start : start + 25]])
                assert answer.status_code == 200
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(share, range(6)))
    assert Event.objects.count() == len(told)
    assert len({repr(row(delivery)) for delivery in rows}) == 1
    assert ContactType.objects.filter(receives=False).count() == len(rows)


def complaint(delivery: Delivery) -> Iterable[Any]:
    now = int(TOLD_AT.timestamp())
    for word in ("spam_complaint", "list_unsubscribe"):
        yield event("sparkpost", word, of(delivery), timestamp=str(now - 300), event_id=word)


@pytest.mark.django_db
@pytest.mark.parametrize("timestamp", ["0", "4102444800", "99999999999999999999", "-5", "nonsense", ""])
def test_a_wrong_clock_moves_nothing_into_another_century(client: Client, timestamp: str) -> None:
    delivery = make_delivery()
    before = timezone.now()
    post(client, "sparkpost", [event("sparkpost", "delivery", of(delivery), timestamp=timestamp)])
    assert all(before <= told.at <= timezone.now() for told in delivery.events.all())
