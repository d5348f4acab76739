"""Many conversations at once: quick together, and each in trouble alone."""

import threading
from collections import Counter
from collections.abc import Iterator

import pytest
from django.urls import get_resolver
from pytest_django import Settings

from broadcasts.delivering.working import deliver_due
from broadcasts.models import Attempt, Delivery
from broadcasts.results import Result
from tests.broadcasts.delivering.steps import deliver, make_people, results_of, start
from tests.smtp_server import DROP, Received, ScriptedServer

pytestmark = pytest.mark.django_db
OFFERS = ("DSN", "DSN PIPELINING", "DSN PIPELINING CHUNKING")


@pytest.fixture(params=OFFERS)
def server(settings: Settings, request: pytest.FixtureRequest) -> Iterator[ScriptedServer]:
    assert get_resolver().url_patterns  # read while the sandbox still has its addresses
    server = ScriptedServer(offers=request.param.split())
    settings.MAIL_URL, settings.MAIL_IS_SANDBOX = server.url, False
    settings.BOUNCE_DOMAIN = "bounces.school.test"
    settings.DELIVERING_CONNECTIONS = 8
    yield server
    server.stop()


def addresses(count: int) -> list[str]:
    return [f"p{number}@x.example" for number in range(count)]


def test_everybody_gets_the_email_once_over_several_connections(server: ScriptedServer) -> None:
    broadcast = start(make_people(*addresses(300)))
    assert deliver(broadcast) is False
    times = Counter(received.recipient for received in server.script.received)
    assert times == Counter(addresses(300))
    assert 2 <= server.script.connections <= 8
    assert set(results_of(broadcast).values()) == {"Sent"}
    assert Attempt.objects.count() == 300


def test_a_line_that_starts_with_a_dot_arrives_whatever_the_server_offers(server: ScriptedServer) -> None:
    broadcast = start(make_people("anna@x.example"))
    broadcast.contents.update(body_text="first\n.hidden\n..twice")
    deliver(broadcast)
    assert b"\r\n.hidden\r\n..twice\r\n" in server.script.received[0].message


def test_a_recipient_over_whom_the_server_broods_holds_up_at_most_the_next_one(server: ScriptedServer) -> None:
    """With PIPELINING, the one that was named together with that message waits behind it."""
    others_are_done = threading.Event()
    arrived: list[str] = []

    def brood(received: Received) -> None:
        arrived.append(received.recipient)
        if len(arrived) >= 299:
            others_are_done.set()
        if received.recipient == "p20@x.example":
            assert others_are_done.wait(20), "the others waited for this one"

    server.script.on_dot = brood
    broadcast = start(make_people(*addresses(300)))
    deliver(broadcast)
    assert set(results_of(broadcast).values()) == {"Sent"}


def test_a_mixture_of_refusals_marks_each_recipient_alone(server: ScriptedServer) -> None:
    server.script.answer("rcpt", "550 5.1.1 no such user", recipient="p1")
    server.script.answer("rcpt", "452 4.2.2 mailbox full", recipient="p2")
    server.script.answer("dot", "554 5.7.1 looks like spam", recipient="p3")
    server.script.answer("dot", DROP, recipient="p44")
    broadcast = start(make_people(*addresses(120)))
    while deliver(broadcast):
        pass
    results = results_of(broadcast)
    wanted = {"1": "Failed", "2": "Soft Bounced", "3": "Bounced"}
    for address, result in results.items():
        expected = "Unsent" if address.startswith("p44@") else wanted.get(address[1], "Sent")
        assert result == expected, address
    assert broadcast.deliveries.get(email="p44@x.example").state == Delivery.State.IN_DOUBT


def test_a_server_that_takes_ten_messages_per_connection_gets_all_of_them(server: ScriptedServer) -> None:
    counts: Counter[int] = Counter()
    server.script.most_messages = 10
    broadcast = start(make_people(*addresses(200)))
    while deliver(broadcast):
        counts[server.script.connections] += 1
    assert Counter(received.recipient for received in server.script.received) == Counter(addresses(200))
    assert server.script.connections >= 20


def test_a_server_that_says_go_on_for_nobody_is_understood(server: ScriptedServer) -> None:
    """Some answer 354 to the DATA that was on its way when they refused the only recipient."""
    server.script.answer("rcpt", "550 5.1.1 no such user", recipient="p0")
    server.script.answer("data", "354 go on", recipient="p0")
    broadcast = start(make_people("p0@x.example", "q1@x.example"))
    deliver(broadcast)
    assert results_of(broadcast) == {"p0@x.example": "Failed", "q1@x.example": "Sent"}
    assert [received.recipient for received in server.script.received] == ["q1@x.example"]


def test_the_end_of_a_shift_leaves_nothing_in_doubt(server: ScriptedServer) -> None:
    broadcast = start(make_people(*addresses(200)))
    arrived: list[str] = []
    server.script.on_dot = lambda received: arrived.append(received.recipient)
    assert deliver_due(broadcast.pk, lambda: len(arrived) >= 60) is True
    assert not broadcast.deliveries.filter(state=Delivery.State.IN_DOUBT).exists()
    sent = set(broadcast.deliveries.filter(result=Result.SENT).values_list("email", flat=True))
    assert sent == {received.recipient for received in server.script.received}
    assert 60 <= len(sent) < 200
