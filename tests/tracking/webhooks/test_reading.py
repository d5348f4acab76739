"""The body of a POST: as long as a provider's largest batch, and slow ones hold up nobody."""

import json
import socket
from pathlib import Path
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client

from tests.tracking.rows import make_delivery
from tests.tracking.serving import serving
from tests.tracking.webhooks.payloads import Who, event, of
from tests.tracking.webhooks.posting import BASIC, Post, post
from tests.tracking.webhooks.test_memory import environment
from tracking.models import RefusedPost, UnusedEvent
from tracking.webhooks import reading
from tracking.webhooks.reading import GULP, _form, events_of_list

LISTS = [
    [],
    [1],
    [1, 2.5, -3e10, True, None, "é😀", '\\"],[', {"a": [{"b": "]"}]}, [[], {}]],
    ["x" * (3 * GULP), "😀" * GULP, 7],
    [{"n": number, "text": "é" * (number % 50)} for number in range(5000)],
    {"msys": {}},
    "text",
    7,
]


@pytest.mark.parametrize("said", LISTS)
@pytest.mark.parametrize("form", [{}, {"indent": 3}, {"ensure_ascii": False}])
def test_a_list_is_read_item_by_item_as_python_reads_it(said: Any, form: dict[str, Any]) -> None:
    text = json.dumps(said, **form).encode()
    assert list(events_of_list(text)) == (said if isinstance(said, list) else [said])
    assert list(events_of_list(b" \n\t" + text + b" \r\n")) == (said if isinstance(said, list) else [said])


@pytest.mark.parametrize(
    "text",
    [b"", b"[", b"[1", b"[1,", b"[1,]", b"[,1]", b"[1 2]", b"[1]]", b"[1] 2", b'["\xff"]', b"[1}", b'["a', b"[01]"],
)
def test_what_is_no_json_is_an_error_all_the_same(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        list(events_of_list(text))


@pytest.mark.parametrize("length", [1, GULP - 1, GULP, GULP + 1, 3 * GULP])
@pytest.mark.parametrize("start", ["", "x", "xx"])
def test_a_form_is_read_as_django_reads_it(length: int, start: str) -> None:
    values = [start + "é" * length, "%" * length, "a+b c&d=e" * (length // 8), ""]
    form = QueryDict(mutable=True)
    form.setlist("mandrill_events", values)
    form["é"] = "%zz"
    body = form.urlencode() + "&bare&=nameless&broken=%&half=%4&wrong=%zz"
    assert _form(body.encode()) == QueryDict(body)


@pytest.mark.django_db
def test_the_largest_batch_of_sparkpost_is_taken(client: Client) -> None:
    deliveries = [make_delivery(f"p{number}@home.example") for number in range(3)]
    about = [event("sparkpost", "delivery", of(one), padding="x" * 1200) for one in deliveries]
    strangers = [event("sparkpost", "delivery", Who("", "x@home.example", "t"), padding="x" * 1000)] * 9_997
    sent = Post(json.dumps([about[0], *strangers[:5000], about[1], *strangers[5000:], about[2]]).encode())
    assert 10_000_000 < len(sent.body) < 16 * 1024 * 1024
    for _time in range(2):
        assert sent.to(client, "sparkpost").status_code == 200
    assert [one.events.count() for one in deliveries] == [1, 1, 1]
    assert sent.to(client, "postmark").status_code == 413
    assert RefusedPost.objects.get().reason == "too_long"


@pytest.mark.django_db
def test_a_batch_that_ends_too_early_is_used_as_far_as_it_goes(client: Client) -> None:
    delivery = make_delivery()
    good = json.dumps([event("sparkpost", "delivery", of(delivery)), *[{"msys": {"x": {}}}] * 2000]).encode()
    assert Post(good[:-5]).to(client, "sparkpost").status_code == 200
    assert delivery.events.count() == 1
    assert UnusedEvent.objects.filter(is_whole=False).count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("length", ["-1", "9" * 5000, "abc", "²"])
def test_a_length_that_is_none_is_refused(client: Client, length: str) -> None:
    answer = client.generic("POST", "/anymail/sparkpost/tracking/", b"[]", headers=BASIC, CONTENT_LENGTH=length)
    assert answer.status_code == 413


@pytest.mark.django_db
def test_who_takes_too_long_is_sent_away(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_SECONDS", -1)
    assert Post(b"[]").to(client, "sparkpost").status_code == 408
    assert RefusedPost.objects.get().reason == "too_slow"


@pytest.mark.django_db(transaction=True)
def test_a_slow_sender_of_a_long_body_holds_up_nobody(tmp_path: Path) -> None:
    delivery = make_delivery()
    long = json.dumps([event("sparkpost", "delivery", of(delivery), padding="x" * 400_000)]).encode()
    head = "POST /anymail/sparkpost/tracking/ HTTP/1.1\r\nHost: testserver\r\n"
    head += f"Authorization: {BASIC['Authorization']}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(long)}\r\nConnection: close\r\n\r\n"
    with serving("granian", tmp_path, **environment(tmp_path)) as (_process, port):  # noqa: SIM117 - the server outlasts both
        with (
            socket.create_connection(("127.0.0.1", port)) as slow,
            socket.create_connection(("127.0.0.1", port)) as quick,
        ):
            slow.sendall(head.encode() + long[:300_000])  # and no more, though it has the longest turn
            quick.settimeout(60)
            quick.sendall(head.encode() + long)
            assert quick.recv(100).startswith(b"HTTP/1.1 200")
            slow.sendall(long[300_000:])
            slow.settimeout(60)
            assert slow.recv(100).startswith(b"HTTP/1.1 200")
    assert delivery.events.count() == 1


@pytest.mark.django_db
def test_a_wrong_password_is_refused_before_the_body_is_read(client: Client) -> None:
    answer = client.generic(
        "POST",
        "/anymail/sparkpost/tracking/",
        b"",
        headers={"Authorization": "Basic eDp5"},
        CONTENT_LENGTH="999999999",
    )
    assert answer.status_code == 403
    assert RefusedPost.objects.get().reason == "password"
    post(client, "sparkpost", [])


def test_a_long_one_that_waits_too_long_for_others_is_to_come_again(
    client: Client, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery = make_delivery()
    long = [event("sparkpost", "delivery", of(delivery), raw_reason="x" * reading.LONG)]
    monkeypatch.setattr(reading, "MOST_WAITING_SECONDS", 0.05)
    with reading._one_at_a_time:
        assert post(client, "sparkpost", long).status_code == 503
        assert post(client, "sparkpost", [event("sparkpost", "injection", of(delivery))]).status_code == 200
    assert delivery.events.count() == 1
    assert post(client, "sparkpost", long).status_code == 200
    assert delivery.events.count() == 2
