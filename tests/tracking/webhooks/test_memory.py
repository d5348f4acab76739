"""Whatever is posted to a real server, by several at once: it answers, and its memory stays small."""

import json
import os
import random
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, RemoteDisconnected
from itertools import count
from pathlib import Path

import pytest
from django.urls import reverse

from broadcasts.models import Delivery
from broadcasts.results import Result
from tests.tracking.rows import make_delivery
from tests.tracking.serving import most_memory, serving
from tests.tracking.webhooks.payloads import Who, body, event, of
from tests.tracking.webhooks.posting import BASIC, FORM, KEYS, POSTS, SECRET, TOPIC, Post, sns_certificate
from tests.tracking.webhooks.test_bad_input import anything, large, mutated, nested
from tests.tracking.webhooks.test_providers import CASES
from tracking.webhooks.reading import MOST_BYTES, MOST_BYTES_OF

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Only Linux says how much memory was used."),
]
BODIES, MUTATIONS = (2000, 200) if os.environ.get("FULL_AMOUNTS") else (5, 5)
TOO_MUCH = [
    nested(),
    b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    large(b"[", b"{}", b"]"),
    large(b"[", b"[]", b"]"),
    large(b'{"events": [', b'{"event":"open"}', b"]}"),
    b'{"event": "' + b"x" * 2_000_000 + b'"}',
    b"\xff\xfe\x00" * 700_000,
    b'{"event": "delivered", "email": "\xff\xfe"}',
    b"",
    b"[" + b"9" * 2_000_000 + b"]",
]


def environment(folder: Path) -> dict[str, str]:
    """Every provider is set up."""
    keys = {f"ANYMAIL_{name}": str(value) for needed in KEYS.values() for name, value in needed().items()}
    certificate = folder / "sns.pem"
    certificate.write_bytes(sns_certificate())
    own = {"AMAZON_SNS_TOPICS": TOPIC, "AMAZON_SNS_CERTIFICATE": str(certificate), "SITE_URL": "http://testserver"}
    return keys | {"ANYMAIL_WEBHOOK_SECRET": SECRET} | own


def largest_batch(seed: str) -> bytes:
    """Of SparkPost: 10,000 events, with a sign for which Python takes four bytes for each letter of the text."""
    who = Who("", "ann@home.example", "t" * 20)
    more = {
        "subject": "Snow day 😀",
        "raw_reason": f"250 2.0.0 {seed}",
        "geo_ip": {"country": "US"},
        "padding": "x" * 1100,
    }
    said = json.dumps([event("sparkpost", "delivery", who, **more)] * 10_000, ensure_ascii=False).encode()
    assert len(said) > 14_000_000
    return said


def posts(provider: str, delivery: Delivery) -> Iterator[Post]:
    chance = random.Random(provider)
    if provider in ("sparkpost", "postmark"):
        for turn in range(3):
            yield Post(largest_batch(str(turn)))
            yield Post(largest_batch(str(turn)), FORM)
        yield Post(b'["' + "😀".encode() * 1_250_000 + b'"]')
        yield Post(b'["' + b'ab","' * 1_000_000 + b'ab"]')
    for sent in TOO_MUCH:
        yield Post(sent)
        yield Post(sent, FORM)
        yield POSTS[provider](sent)
    for _ in range(BODIES):
        yield POSTS[provider](body(provider, anything(chance)))
    cases = [case for case in CASES if case[0] == provider]
    for number in range(MUTATIONS):
        _provider, word, more, _kind, _result = cases[number % len(cases)]
        yield POSTS[provider](body(provider, mutated(event(provider, word, of(delivery), **more), chance)))


def post_all(port: int, provider: str, delivery: Delivery) -> dict[int, int]:
    """How often each status came."""
    name = "anymail:mandrill_webhook" if provider == "mandrill" else f"anymail:{provider}_tracking_webhook"
    statuses: dict[int, int] = {}
    for sent in posts(provider, delivery):
        wire = HTTPConnection("127.0.0.1", port, timeout=300)
        headers = {"Host": "testserver", "Content-Type": sent.content_type, **BASIC, **sent.headers}
        try:
            wire.request("POST", reverse(name), sent.body, headers)
            answer = wire.getresponse()
            answer.read()
            status = answer.status
        except (BrokenPipeError, ConnectionResetError, RemoteDisconnected):
            # Longer than any provider's: refused before it was said, which this client takes ill.
            assert len(sent.body) > min(MOST_BYTES, MOST_BYTES_OF.get(provider, MOST_BYTES))
            status = 413
        wire.close()
        statuses[status] = statuses.get(status, 0) + 1
    return statuses


def test_a_server_stays_small_and_never_says_that_it_failed(tmp_path: Path) -> None:
    numbers = count()
    rows = {name: make_delivery(f"p{next(numbers)}@home.example", provider_message_id=f"m-{name}") for name in POSTS}
    Delivery.objects.update(result=Result.SOFT_BOUNCED)
    with serving("granian", tmp_path, **environment(tmp_path)) as (process, port), ThreadPoolExecutor(4) as pool:
        before = most_memory(process)
        answers = dict(zip(POSTS, pool.map(lambda name: post_all(port, name, rows[name]), POSTS), strict=True))
        memory = most_memory(process)
    print(json.dumps(answers), f"{before // 1024} MB, then {memory // 1024} MB", file=sys.stderr)
    assert {status for each in answers.values() for status in each} <= {200, 400, 401, 403, 413}
    assert all(each[200] > BODIES // 2 for each in answers.values()), "the fuzzing got no further than the door"
    assert all(row.result >= Result.SOFT_BOUNCED for row in Delivery.objects.all())
    assert memory < 200 * 1024
    assert "Traceback" not in (tmp_path / "log").read_text()
