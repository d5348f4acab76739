"""Several mail servers share the work; one in trouble is left out, and only when none is left are we in trouble."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import get_resolver, reverse
from django.utils import timezone
from pytest_django import Settings

from broadcasts.delivering.naming_relays import Relay, read_relays
from broadcasts.delivering.transports import send_plain
from broadcasts.models import Broadcast, RelayTrouble
from tests.broadcasts.delivering.steps import deliver, make_due, make_people, start
from tests.smtp_server import ScriptedServer

pytestmark = pytest.mark.django_db
Servers = tuple[ScriptedServer, ScriptedServer]


@pytest.fixture
def servers(settings: Settings) -> Iterator[Servers]:
    assert get_resolver().url_patterns
    pair = ScriptedServer(offers=["DSN", "PIPELINING"]), ScriptedServer(offers=["DSN", "PIPELINING"])
    settings.MAIL_URL = f"{pair[0].url}?weight=2 {pair[1].url}"
    settings.MAIL_IS_SANDBOX, settings.BOUNCE_DOMAIN = False, "bounces.school.test"
    settings.DELIVERING_CONNECTIONS = 6
    yield pair
    for server in pair:
        server.stop()


def to_many(count: int) -> Broadcast:
    return start(make_people(*(f"p{number}@x.example" for number in range(count))))


def send_all(broadcast: Broadcast) -> None:
    while deliver(broadcast):
        pass


def received(*servers: ScriptedServer) -> list[str]:
    return sorted(one.recipient for server in servers for one in server.script.received)


def test_the_addresses_say_what_each_is_to_carry() -> None:
    assert read_relays("smtp://a.example:25?weight=2&connections=3 smtps://u:p%40w@b.example?per_minute=600") == [
        Relay("smtp://a.example:25", weight=2, connections=3),
        Relay("smtps://u:p%40w@b.example", per_minute=600),
    ]


def test_a_name_holds_no_password() -> None:
    assert [relay.name for relay in read_relays("smtps://u:secret@b.example:465 smtp://c.example")] == [
        "b.example:465",
        "c.example",
    ]


@pytest.mark.parametrize("wish", ["weight=0", "connections=many", "per_minute=-1", "speed=9", "weight="])
def test_an_odd_wish_is_refused_in_words(wish: str) -> None:
    with pytest.raises(ValueError, match=r"whole number|nothing that can be asked"):
        read_relays(f"smtp://a.example?{wish}")


def test_lines_are_opened_in_proportion(servers: Servers) -> None:
    broadcast = to_many(400)
    send_all(broadcast)
    assert received(*servers) == sorted(f"p{number}@x.example" for number in range(400))
    first, second = (server.script.connections for server in servers)
    assert first == 2 * second > 0


def test_no_more_connections_than_asked_for(servers: Servers, settings: Settings) -> None:
    settings.MAIL_URL = f"{servers[0].url}?connections=1 {servers[1].url}?connections=2"
    broadcast = to_many(300)
    deliver(broadcast)
    assert servers[0].script.connections == 1
    assert servers[1].script.connections <= 2


@pytest.mark.parametrize(
    ("phase", "reply"),
    [("connect", "421 4.3.2 shutting down"), ("mail", "530 5.7.0 authentication required"), ("connect", "drop")],
)
def test_one_in_trouble_is_left_out_and_the_others_go_on(servers: Servers, phase: str, reply: str) -> None:
    servers[0].script.answer(phase, reply)
    broadcast = to_many(100)
    send_all(broadcast)
    assert len(received(servers[1])) == 100
    assert (broadcast.status, broadcast.trouble) == ("sent", "")
    trouble = RelayTrouble.objects.get()
    assert trouble.relay == servers[0].url.removeprefix("smtp://")
    assert trouble.words


def test_one_that_is_left_out_is_not_asked_until_its_time_comes(servers: Servers) -> None:
    now = timezone.now()
    name = servers[0].url.removeprefix("smtp://")
    out = RelayTrouble.objects.create(relay=name, words="down", since=now, until=now + timedelta(minutes=1))
    send_all(to_many(60))
    assert servers[0].script.connections == 0
    RelayTrouble.objects.filter(pk=out.pk).update(until=now)
    send_all(to_many(60))
    assert servers[0].script.connections > 0
    assert not RelayTrouble.objects.exists(), "it has taken an email: all is well"


def test_with_none_left_the_broadcast_is_in_trouble_and_nobody_is_marked(servers: Servers) -> None:
    for server in servers:
        server.script.answer("connect", "421 4.3.2 shutting down", times=1)
    broadcast = to_many(10)
    send_all(broadcast)
    assert "shutting down" in broadcast.trouble
    assert set(broadcast.deliveries.values_list("result", "attempts")) == {(0, 0)}
    send_all(broadcast)
    assert (broadcast.status, broadcast.trouble) == ("sent", "")


def test_a_limit_of_one_leaves_the_rest_to_the_other(servers: Servers, settings: Settings) -> None:
    settings.MAIL_URL = f"{servers[0].url}?per_minute=60 {servers[1].url}"
    broadcast = to_many(200)
    send_all(broadcast)
    make_due(broadcast)
    assert broadcast.status == "sent"
    assert 0 < len(received(servers[0])) <= 12
    assert len(received(*servers)) == 200


def test_the_page_names_the_one_that_is_left_out(servers: Servers, as_alice: Client) -> None:
    now = timezone.now()
    name = servers[0].url.removeprefix("smtp://")
    for relay in (name, "no-longer.example:25"):
        RelayTrouble.objects.create(relay=relay, words="<down>", since=now, until=now)
    page = as_alice.get(reverse("broadcasts:broadcast-detail", args=[to_many(1).pk])).content.decode()
    assert f"The mail server {name} is in trouble since" in page
    assert "&lt;down&gt;" in page
    assert "no-longer.example" not in page


def test_an_email_of_the_portals_own_takes_the_one_that_answers(servers: Servers) -> None:
    servers[0].script.answer("connect", "421 4.3.2 shutting down")
    send_plain("portal@school.example", "anna@x.example", b"Subject: New password\r\n\r\nHere.\r\n")
    assert received(servers[1]) == ["anna@x.example"]
