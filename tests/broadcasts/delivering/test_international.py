"""Addresses with other letters before the @ (RFC 6531): sent where the mail server takes them, and said where not."""

from collections.abc import Iterator
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from django.test import Client
from django.urls import get_resolver, reverse
from pytest_django import Settings

from broadcasts.composing.compiling import Recipient, compile_broadcast
from broadcasts.delivering.naming_relays import read_relays
from broadcasts.delivering.transports import MailServerTrouble, send_plain
from broadcasts.models import BlockedEmail, BlockingPolicy, Delivery
from broadcasts.tokens import make_token
from tests import factory
from tests.broadcasts.delivering.steps import deliver, make_due, make_people, results_of, row_of, start
from tests.servers import free_port
from tests.smtp_server import Script, ScriptedServer

pytestmark = pytest.mark.django_db
JURGEN, LI, ANN = "jürgen+a=b@bücher.example", "李@例え.example", "ann@bücher.example"
# As they are on the wire.
JURGEN_THERE, LI_THERE, ANN_THERE = (
    "jürgen+a=b@xn--bcher-kva.example",
    "李@xn--r8jz45g.example",
    "ann@xn--bcher-kva.example",
)
WORDS = "letters before the @ that the mail server of this school cannot write to"
Servers = tuple[ScriptedServer, ScriptedServer]


@pytest.fixture(autouse=True)
def taken(settings: Settings) -> None:
    assert get_resolver().url_patterns
    settings.ALLOW_INTERNATIONAL_ADDRESSES = True
    settings.MAIL_IS_SANDBOX, settings.BOUNCE_DOMAIN = False, "bounces.school.test"


@pytest.fixture(params=["", "PIPELINING", "PIPELINING CHUNKING"])
def able(settings: Settings, request: pytest.FixtureRequest) -> Iterator[Script]:
    server = ScriptedServer(offers=["DSN", "SMTPUTF8", "8BITMIME", *request.param.split()])
    settings.MAIL_URL = server.url
    yield server.script
    server.stop()


@pytest.fixture(params=["DSN", "DSN PIPELINING", "DSN SMTPUTF8"])
def unable(settings: Settings, request: pytest.FixtureRequest) -> Iterator[Script]:
    """The last one breaks RFC 6531 section 3.1: without 8BITMIME it cannot take the header."""
    server = ScriptedServer(offers=request.param.split())
    settings.MAIL_URL = server.url
    yield server.script
    server.stop()


@pytest.fixture
def two(settings: Settings) -> Iterator[Servers]:
    pair = ScriptedServer(offers=["DSN"]), ScriptedServer(offers=["DSN", "SMTPUTF8", "8BITMIME"])
    settings.MAIL_URL = f"{pair[0].url}?weight=9 {pair[1].url}"
    yield pair
    for server in pair:
        server.stop()


def to_of(message: bytes) -> bytes:
    return next(line for line in message.split(b"\r\n") if line.startswith(b"To: "))


def test_the_address_is_named_in_utf8_and_nobody_else_s_email_changes(able: Script) -> None:
    broadcast = start(make_people("ben@x.example", JURGEN, LI, ANN))
    deliver(broadcast)
    assert set(results_of(broadcast).values()) == {"Sent"}
    by_recipient = {one.recipient: one for one in able.received}
    assert set(by_recipient) == {"ben@x.example", JURGEN_THERE, LI_THERE, ANN_THERE}
    assert f"<{JURGEN_THERE}>".encode() in to_of(by_recipient[JURGEN_THERE].message)
    assert f"<{LI_THERE}>".encode() in to_of(by_recipient[LI_THERE].message)
    for message in (by_recipient["ben@x.example"].message, by_recipient[ANN_THERE].message):
        assert message.isascii()
    for row in broadcast.deliveries.all():
        token = make_token(row.pk, "bounce")
        said = f"MAIL FROM:<b+{token}@bounces.school.test> RET=HDRS ENVID={token}"
        assert f"{said} SMTPUTF8 BODY=8BITMIME" in able.commands or row.email in ("ben@x.example", ANN)
        assert said in able.commands or row.email in (JURGEN, LI)


def test_reports_name_the_address_by_its_own_type(able: Script) -> None:
    deliver(start(make_people(JURGEN, LI, "o+k@x.example")))
    asked = {command.partition(" ORCPT=")[2] for command in able.commands if command.startswith("RCPT")}
    # RFC 6533 section 3, the form of 7 bits; RFC 3461 for everybody else.
    assert asked == {
        r"utf-8;j\x{FC}rgen\x{2B}a\x{3D}b@xn--bcher-kva.example",
        r"utf-8;\x{674E}@xn--r8jz45g.example",
        "rfc822;o+2Bk@x.example",
    }


def test_the_body_stays_in_seven_bits(able: Script) -> None:
    deliver(start(make_people(LI)))
    head, _blank, body = able.received[0].message.partition(b"\r\n\r\n")
    assert body.isascii()
    assert [line for line in head.split(b"\r\n") if not line.isascii()] == [to_of(head)]


def test_without_the_offer_it_bounces_and_the_server_hears_nothing_of_it(unable: Script) -> None:
    broadcast = start(make_people("ben@x.example", JURGEN, "cleo@x.example", ANN))
    deliver(broadcast)
    assert results_of(broadcast) == {
        "ben@x.example": "Sent", JURGEN: "Bounced", "cleo@x.example": "Sent", ANN: "Sent",
    }  # fmt: skip
    assert broadcast.status == "sent"
    assert not broadcast.trouble
    assert all(command.isascii() and "SMTPUTF8" not in command for command in unable.commands)
    row = row_of(broadcast, JURGEN)
    assert (row.attempts, row.state, row.next_attempt_at) == (1, Delivery.State.IDLE, None)
    assert WORDS in row.tries.get().text
    deliver(broadcast)  # the second arrival
    assert row.tries.count() == 1


def test_a_broadcast_to_them_alone_ends_too(unable: Script) -> None:
    broadcast = start(make_people(JURGEN, LI))
    deliver(broadcast)
    assert set(results_of(broadcast).values()) == {"Bounced"}
    assert broadcast.status == "sent"


def test_many_of_them_stop_no_broadcast_and_block_nobody(unable: Script, settings: Settings) -> None:
    settings.STOP_AFTER_FAILURES = 3
    BlockingPolicy.objects.update_or_create(pk=1, defaults={"blocks_failures": True, "failures": 1})
    broadcast = start(make_people(*(f"ü{number}@x.example" for number in range(8)), "zoe@x.example"))
    deliver(broadcast)
    assert results_of(broadcast)["zoe@x.example"] == "Sent"
    assert broadcast.status == "sent"
    assert not BlockedEmail.objects.exists()


def test_the_email_log_says_why(unable: Script, as_alice: Client) -> None:
    broadcast = start(make_people(JURGEN))
    deliver(broadcast)
    row = row_of(broadcast, JURGEN)
    page = as_alice.get(reverse("reports:delivery-detail", args=[row.pk])).content.decode()
    assert WORDS in page


def test_another_mail_server_that_takes_it_gets_it(two: Servers) -> None:
    broadcast = start(make_people("ann@x.example", JURGEN, "ben@x.example", LI))
    deliver(broadcast)
    assert set(results_of(broadcast).values()) == {"Sent"}
    assert {JURGEN_THERE, LI_THERE} <= {one.recipient for one in two[1].script.received}
    assert all(one.recipient.isascii() for one in two[0].script.received)


def test_a_mail_server_that_is_away_might_take_it_later(two: Servers, settings: Settings) -> None:
    port = free_port()
    settings.MAIL_URL = f"{two[0].url} smtp://127.0.0.1:{port}"
    broadcast = start(make_people("ann@x.example", JURGEN))
    deliver(broadcast)
    assert results_of(broadcast) == {"ann@x.example": "Sent", JURGEN: "Soft Bounced"}
    settings.MAIL_URL = " ".join(relay.url for relay in [*read_relays(two[0].url), *read_relays(two[1].url)])
    make_due(broadcast)
    deliver(broadcast)
    assert [one.recipient for one in two[1].script.received] == [JURGEN_THERE]
    row = row_of(broadcast, JURGEN)
    assert (row.attempts, row.state, row.next_attempt_at) == (2, Delivery.State.IDLE, None)


def test_of_several_that_all_lack_it_none_is_tried_for_long(two: Servers, settings: Settings) -> None:
    other = ScriptedServer(offers=["DSN"])
    settings.MAIL_URL = f"{two[0].url} {other.url}"
    broadcast = start(make_people("ann@x.example", JURGEN))
    deliver(broadcast)
    other.stop()
    assert results_of(broadcast) == {"ann@x.example": "Sent", JURGEN: "Bounced"}


def test_a_server_that_refuses_them_says_nothing_against_the_address(able: Script) -> None:
    able.answer("rcpt", "553 5.6.7 Non-ASCII addresses not permitted for that recipient")
    broadcast = start(make_people(JURGEN))
    deliver(broadcast)
    assert results_of(broadcast) == {JURGEN: "Bounced"}


class Mailboxes:
    def __init__(self) -> None:
        self.taken: list[tuple[list[str], list[str], bytes]] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        self.taken.append((envelope.mail_options, envelope.rcpt_tos, envelope.content))
        return "250 taken"


@pytest.mark.parametrize("offers", [True, False])
def test_a_server_of_somebody_else_s_making_reads_it(settings: Settings, *, offers: bool) -> None:
    mailboxes = Mailboxes()
    server = Controller(mailboxes, "127.0.0.1", free_port(), enable_SMTPUTF8=offers)
    server.start()
    settings.MAIL_URL = f"smtp://127.0.0.1:{server.port}"
    broadcast = start(make_people("ann@x.example", LI))
    deliver(broadcast)
    server.stop()
    assert results_of(broadcast) == {"ann@x.example": "Sent", LI: "Sent" if offers else "Bounced"}
    named = {recipient: options for options, (recipient,), _content in mailboxes.taken}
    assert named.pop(LI_THERE, None) == (["SMTPUTF8", "BODY=8BITMIME"] if offers else None)
    assert named == {"ann@x.example": []}


def test_a_single_message_goes_the_same_way(able: Script) -> None:
    message = compile_broadcast(factory.make_broadcast()).message_for(Recipient(None, "Jürgen", JURGEN))
    send_plain("office@lincoln.example", JURGEN, message)
    assert [one.recipient for one in able.received] == [JURGEN_THERE]
    send_plain("office@lincoln.example", ANN, b"Subject: x\r\n\r\nx\r\n")
    assert able.received[-1].recipient == ANN_THERE
    assert [command.endswith(" SMTPUTF8 BODY=8BITMIME") for command in able.commands if command[:4] == "mail"] == [
        True,
        False,
    ]


def test_a_single_message_that_cannot_leave_says_why(unable: Script) -> None:
    with pytest.raises(MailServerTrouble, match=WORDS):
        send_plain("office@lincoln.example", JURGEN, b"Subject: x\r\n\r\nx\r\n")
    assert not any(command[:4].upper() == "MAIL" for command in unable.commands)
    with pytest.raises(MailServerTrouble):
        send_plain("office@lincoln.example", "jürgen", b"Subject: x\r\n\r\nx\r\n")
