"""Events per second into the database, beside Anymail's own view with the receiver that its documentation shows.

The receiver commits for each event, which takes as long as the disk does: on PostgreSQL the ratio means something
only where commits are durable (`python -m tests.with_servers --durable -- python -m tests.benchmarks`).
"""

import gc
import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from anymail.signals import tracking  # type: ignore[import-untyped]
from anymail.webhooks.sparkpost import SparkPostTrackingWebhookView  # type: ignore[import-untyped]
from django.test import Client, RequestFactory, override_settings
from django.utils import timezone

from broadcasts.models import Broadcast, Delivery
from broadcasts.results import Result
from broadcasts.tokens import make_token, read_token
from tests.benchmarks.figures import Figure, timed
from tests.tracking.webhooks.payloads import Who, sparkpost
from tests.tracking.webhooks.posting import BASIC, SECRET
from tracking.models import Event

ADDRESS = "/anymail/sparkpost/tracking/"
# What a provider tells in the hours after a broadcast. Of 20 emails one bounces and one is put off first.
ARRIVES = ["injection"] * 8 + ["delivery"] * 8 + ["open"] * 3 + ["delay"]
RETURNS = ["injection", "bounce"]
RESULTS = {"delivered": Result.DELIVERED, "opened": Result.OPENED, "bounced": Result.BOUNCED}


def measure(broadcast: Broadcast) -> list[Figure]:
    gc.freeze()  # as messenger/wsgi.py does
    ids = list(broadcast.deliveries.filter(is_sendable=True).values_list("pk", flat=True)[:20_000])
    Delivery.objects.filter(pk__in=ids).update(result=Result.SENT, attempts=1, state=Delivery.State.IDLE)
    client = Client(headers=BASIC, SERVER_NAME="127.0.0.1")
    figures = []
    with override_settings(ANYMAIL={"WEBHOOK_SECRET": [SECRET]}):
        peer = loop(make_events(ids, 500))
        for size, count in ((1000, 20_000), (100, 5_000), (1, 800)):
            figures.append(posts(client, make_events(ids, count), size))
            figures[-1].seconds_per_row_against(peer)
    Event.objects.filter(delivery__in=ids).delete()
    return [peer, *figures]


def make_events(ids: list[int], count: int) -> list[Any]:
    chance = random.Random(count)
    made = []
    for number in range(count):
        pk = chance.choice(ids)
        who = Who(make_token(pk, "webhook"), f"family{pk}@homes.example")
        at = {"event_id": f"{count}-{number}", "timestamp": str(int(timezone.now().timestamp()))}
        word = chance.choice(ARRIVES if pk % 20 else RETURNS)
        why = {"raw_reason": "550 5.7.1 refused", "bounce_class": "50"} if word in ("bounce", "delay") else {}
        made.append(sparkpost(word, who, **at, **why))
    return made


def posts(client: Client, events: list[Any], size: int) -> Figure:
    bodies = [json.dumps(events[start : start + size]) for start in range(0, len(events), size)]
    before = Event.objects.count()
    gc.freeze()  # a server has no such list to look through
    with timed(f"webhooks, {size:,} in a POST", len(events)) as figure:
        for body in bodies:
            assert client.post(ADDRESS, body, content_type="application/json").status_code == 200
    assert Event.objects.count() - before == len(events)
    return figure


def loop(events: list[Any]) -> Figure:
    """As `docs/sending/tracking.rst` of Anymail shows: the object is found, changed and saved. No event is kept."""
    request = RequestFactory().post(ADDRESS, json.dumps(events), content_type="application/json", headers=BASIC)
    with receiving(), timed("webhooks, Anymail with get and save", len(events)) as figure:
        assert SparkPostTrackingWebhookView.as_view()(request).status_code == 200
    return figure


@contextmanager
def receiving() -> Iterator[None]:
    def receiver(event: Any, **_more: Any) -> None:
        delivery = Delivery.objects.get(pk=read_token(event.metadata["delivery"], "webhook") or 0)
        delivery.result = max(delivery.result, RESULTS.get(event.event_type, Result.SENT))
        delivery.save()

    tracking.connect(receiver)
    try:
        yield
    finally:
        tracking.disconnect(receiver)
