"""Opens that wait in memory: none that was answered is lost when a server is asked to stop."""

import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from django.db import OperationalError, connections
from django.urls import reverse

from broadcasts.models import Broadcast, Delivery
from broadcasts.results import Result
from broadcasts.tokens import make_token
from tests import factory
from tests.benchmarks.knocking import knock
from tests.tracking.rows import SECONDS, make_delivery
from tests.tracking.serving import serving
from tests.waiting import wait_for
from tracking import buffering
from tracking.buffering import Buffer
from tracking.models import Event
from tracking.opening import Fetch, read_fetch
from tracking.picture import END, GIF, HEADERS, START, with_picture

pytestmark = pytest.mark.django_db(transaction=True)
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
CONNECT = "django.db.backends.base.base.BaseDatabaseWrapper.ensure_connection"


@pytest.fixture
def buffer() -> Iterator[Buffer]:
    made = Buffer()
    yield made
    made.stop()


def path_of(delivery: Delivery, purpose: str = "pixel") -> str:
    return reverse("tracking:pixel", args=[make_token(delivery.pk, purpose)])


def environ_of(path: str, **more: str) -> dict[str, Any]:
    return {"REQUEST_METHOD": "GET", "PATH_INFO": path, "REMOTE_ADDR": "127.0.0.1", "HTTP_USER_AGENT": IPHONE, **more}


def fetch_of(delivery: Delivery, agent: str = IPHONE) -> Fetch:
    fetch = read_fetch(delivery.pk, environ_of("", HTTP_USER_AGENT=agent))
    assert fetch
    return fetch


def portal(_environ: dict[str, Any], _start_response: Any) -> list[bytes]:
    return [b"the portal"]


def ask(buffer: Buffer, environ: dict[str, Any]) -> tuple[bytes, list[tuple[Any, ...]]]:
    said: list[tuple[Any, ...]] = []
    body = b"".join(with_picture(portal, buffer)(environ, lambda *words: said.append(words)))
    return body, said


def times(delivery: Delivery) -> list[tuple[str, int]]:
    return list(delivery.events.order_by("label").values_list("label", "times"))


def test_the_way_before_django_is_the_one_that_emails_name() -> None:
    assert reverse("tracking:pixel", args=["TOKEN"]) == f"{START}TOKEN{END}"


def test_whatever_is_asked_the_picture_is_the_same(buffer: Buffer) -> None:
    delivery = make_delivery()
    paths = [path_of(delivery), path_of(delivery, "bounce"), "/o/.gif", "/o/x.gif", "/o/\xff\x00.gif", "/o/a/b.gif"]
    for path in [*paths, f"/o/{'9' * 100_000}.gif"]:
        assert ask(buffer, environ_of(path)) == (GIF, [("200 OK", list(HEADERS.items()))])
    assert ask(buffer, environ_of(path_of(delivery), REQUEST_METHOD="POST"))[0] == GIF
    assert ask(buffer, environ_of(path_of(delivery), REQUEST_METHOD="HEAD"))[0] == b""
    assert ask(buffer, environ_of(path_of(delivery), HTTP_SEC_PURPOSE="prefetch"))[0] == GIF
    buffer.stop()
    assert times(delivery) == [("person", 1), ("scanner", 1)]


@pytest.mark.parametrize("path", ["/", "/o/", "/u/x/", "/o/x.png", "/accounts/login/"])
def test_everything_else_is_the_portals(buffer: Buffer, path: str) -> None:
    assert ask(buffer, environ_of(path)) == (b"the portal", [])


def test_an_open_is_applied_within_moments(buffer: Buffer) -> None:
    delivery = make_delivery()
    ask(buffer, environ_of(path_of(delivery)))
    wait_for(lambda: Delivery.objects.get(pk=delivery.pk).result == Result.OPENED, "the open", SECONDS)


def test_many_at_once_are_counted_to_the_last(buffer: Buffer) -> None:
    broadcast = factory.make_broadcast(status=Broadcast.Status.SENT)
    deliveries = [make_delivery(f"p{number}@home.example", broadcast=broadcast) for number in range(5)]
    with ThreadPoolExecutor(6) as pool:
        for _turn in range(40):
            for delivery in deliveries:
                pool.submit(buffer.add, fetch_of(delivery))
    buffer.stop()
    assert [times(delivery) for delivery in deliveries] == [[("person", 40)]] * 5


def test_a_full_buffer_writes_through(buffer: Buffer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buffering, "MOST_KEPT", 2)
    monkeypatch.setattr(buffering, "SECONDS", 3600)
    broadcast = factory.make_broadcast(status=Broadcast.Status.SENT)
    deliveries = [make_delivery(f"p{number}@home.example", broadcast=broadcast) for number in range(5)]
    for delivery in deliveries:
        buffer.add(fetch_of(delivery))
    assert Event.objects.count() == 4
    connections.close_all()


def test_without_the_database_opens_wait_and_the_picture_is_shown(
    buffer: Buffer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buffering, "MOST_KEPT", 2)
    monkeypatch.setattr(buffering, "AWAY_SECONDS", 0.05)
    broadcast = factory.make_broadcast(status=Broadcast.Status.SENT)
    deliveries = [make_delivery(f"p{number}@home.example", broadcast=broadcast) for number in range(4)]
    with patch(CONNECT, side_effect=OperationalError) as away:
        ask(buffer, environ_of(path_of(deliveries[0])))
        wait_for(lambda: away.call_count > 1, "trying again", SECONDS)
        for delivery in [*deliveries, deliveries[0]]:
            assert ask(buffer, environ_of(path_of(delivery)))[0] == GIF
    buffer.stop()
    # There was room for two; whoever came again was counted.
    assert [times(delivery) for delivery in deliveries] == [[("person", 3)], [("person", 1)], [], []]


def test_one_that_cannot_be_stored_spoils_no_others(buffer: Buffer) -> None:
    delivery = make_delivery()
    buffer.add(fetch_of(delivery)._replace(delivery_id=10**30))
    buffer.add(fetch_of(delivery))
    buffer.stop()
    assert times(delivery) == [("person", 1)]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="The knocking counts on epoll.")
@pytest.mark.parametrize(("server", "how"), [("granian", signal.SIGTERM), ("waitress", signal.SIGINT)])
def test_a_server_that_is_asked_to_stop_loses_nothing_that_it_answered(
    server: str, how: signal.Signals, tmp_path: Path
) -> None:
    broadcast = factory.make_broadcast(status=Broadcast.Status.SENT)
    deliveries = [make_delivery(f"p{number}@home.example", broadcast=broadcast) for number in range(20)]
    asked = [f"GET {path_of(one)} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: {IPHONE}\r\n\r\n" for one in deliveries]
    with serving(server, tmp_path) as (process, port):
        answered = knock(port, [one.encode() for one in asked] * 25, 8)
        process.send_signal(how)
        process.wait(90)
    assert len(answered) == 500
    assert [times(delivery) for delivery in deliveries] == [[("person", 25)]] * 20, (tmp_path / "log").read_text()
    assert set(Delivery.objects.values_list("result", flat=True)) == {Result.OPENED}
