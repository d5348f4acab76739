"""Whatever a provider, or somebody who has its key, posts: no error of ours, no flood, no step back."""

import copy
import gc
import json
import os
import random
import resource
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from broadcasts.models import Delivery
from broadcasts.results import Result
from tests.tracking.rows import make_delivery
from tests.tracking.webhooks.payloads import LISTS, body, event, of
from tests.tracking.webhooks.posting import FORM, KEYS, POSTS, SECRET, Post, post
from tests.tracking.webhooks.test_providers import CASES
from tracking.models import Event, UnusedEvent
from tracking.webhooks.inbound import INBOUND

pytestmark = pytest.mark.django_db
# FULL_AMOUNTS=yes: as many as were tried before this was released, which takes half an hour.
BODIES, MUTATIONS = (2000, 200) if os.environ.get("FULL_AMOUNTS") else (30, 40)
ODD: list[Any] = [
    None, True, -1, 10**30, 1.5e308, "", "\0", "\ud800", "é" * 400, "x" * 5000, [], {}, [[]], {"": None},
    "1970-01-01T00:00:00Z", "2100-01-01T00:00:00Z", "9999-99-99", "550 5.1.1", {"$ne": 1}, float("inf"),
]  # fmt: skip


def anything(chance: random.Random, depth: int = 4) -> Any:
    kind = chance.randrange(4 if depth else 2)
    if kind < 2:
        return chance.choice(ODD)
    if kind == 2:
        return [anything(chance, depth - 1) for _ in range(chance.randrange(4))]
    names = ["event", "type", "msys", "data", "email", "signature", "RecordType", "items", "payload", "mail", "x"]
    return {chance.choice(names): anything(chance, depth - 1) for _ in range(chance.randrange(5))}


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container and key in it."""
    if isinstance(value, dict | list):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from places(value[key])


def mutated(said: Any, chance: random.Random) -> Any:
    changed = copy.deepcopy(said)
    for _ in range(chance.randrange(1, 4)):
        found = list(places(changed))
        if not found:
            break
        container, key = chance.choice(found)
        if chance.random() < 0.3:
            del container[key]
        else:
            container[key] = copy.deepcopy(chance.choice([*ODD, anything(chance, 2)]))
    return changed


@pytest.mark.parametrize("provider", sorted(POSTS))
def test_random_bodies(client: Client, provider: str) -> None:
    chance = random.Random(provider)
    client.raise_request_exception = True
    for _ in range(BODIES):
        said = body(provider, anything(chance))
        assert post(client, provider, said).status_code in (200, 403)
        said = json.dumps(anything(chance)).encode()
        assert post(client, provider, said).status_code in (200, 403)


@pytest.mark.parametrize("provider", sorted(POSTS))
def test_mutations_of_real_events(client: Client, provider: str) -> None:
    chance = random.Random(provider)
    delivery = make_delivery(provider_message_id="message-1")
    cases = [case for case in CASES if case[0] == provider]
    best = Result.SENT
    for number in range(MUTATIONS):
        _provider, word, more, _kind, _result = cases[number % len(cases)]
        said = mutated(event(provider, word, of(delivery), **more), chance)
        assert post(client, provider, body(provider, said)).status_code in (200, 403)
        now = Delivery.objects.values_list("result", flat=True).get(pk=delivery.pk)
        assert now >= best
        best = Result(now)
    assert UnusedEvent.objects.count() + delivery.events.count() > 0


@pytest.mark.parametrize("provider", sorted(INBOUND))
def test_random_bodies_at_the_doors_for_emails(client: Client, settings: Settings, provider: str) -> None:
    own = {"BREVO_API_KEY": "x", "MAILTRAP_API_TOKEN": "x", "RESEND_API_KEY": "x", "WEBHOOK_SECRET": [SECRET]}
    settings.ANYMAIL = {**KEYS.get(provider, dict)(), **own}
    chance = random.Random(provider)
    for _ in range(60):
        sent = POSTS[provider](body(provider, anything(chance)))
        assert sent.to(client, f"{provider}_inbound").status_code in (200, 403)
    assert not Event.objects.exists()


def nested() -> bytes:
    return b"[" * 200_000 + b"]" * 200_000


def large(start: bytes, item: bytes, end: bytes) -> bytes:
    return start + b",".join([item] * (2_000_000 // (len(item) + 1))) + end


@pytest.mark.parametrize(
    "make",
    [
        nested,
        pytest.param(lambda: b'{"a":' * 50_000 + b"1" + b"}" * 50_000, id="objects in each other"),
        pytest.param(lambda: large(b"[", b"{}", b"]"), id="empty objects"),
        pytest.param(lambda: large(b"[", b"[]", b"]"), id="empty lists"),
        pytest.param(lambda: large(b'{"events": [', b'{"event":"open"}', b"]}"), id="short events"),
        pytest.param(lambda: b'{"event": "' + b"x" * 2_000_000 + b'"}', id="a long word"),
        pytest.param(lambda: b"\xff\xfe\x00" * 1000, id="no UTF-8"),
        pytest.param(lambda: b'{"event": "delivered", "email": "\xff\xfe"}', id="half a character"),
        pytest.param(lambda: b"", id="nothing"),
        pytest.param(lambda: b"[" + b"9" * 100_000 + b"]", id="a long number"),
    ],
)
def test_bodies_that_are_too_much(client: Client, make: Callable[[], bytes]) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sent = make()
    for provider in sorted(POSTS):
        for form in ("application/json", FORM):
            post = Post(sent, form)
            assert post.to(client, provider).status_code in (200, 401, 403, 413)
        assert POSTS[provider](sent).to(client, provider).status_code in (200, 400, 403, 413)
        gc.collect()  # the test client keeps each answer with all that led to it
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kilobytes
    assert UnusedEvent.objects.count() <= 5_000


@pytest.mark.parametrize("provider", sorted(LISTS))
def test_an_empty_list_is_no_trouble(client: Client, provider: str) -> None:
    assert post(client, provider, body(provider)).status_code == 200
    assert not UnusedEvent.objects.exists()
