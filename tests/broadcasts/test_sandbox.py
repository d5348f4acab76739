"""Conversations with the sandbox mail server, as a sender has them."""

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from smtplib import SMTP, SMTPRecipientsRefused

import pytest
from pytest_django import Settings

from broadcasts.local_services import find_service
from broadcasts.sandbox.recipients import BEHAVIOURS, behaviour_of
from broadcasts.sandbox.server import SandboxServer
from broadcasts.sandbox.store import FILE_NAME

SENDER = "b+1.00@bounces.messenger.test"
ALL = "NOTIFY=SUCCESS,FAILURE,DELAY"


@pytest.fixture
def sandbox(tmp_path: Path, settings: Settings) -> Iterator[SandboxServer]:
    settings.MESSENGER_HOME = tmp_path  # nobody listens for reports there: they stay pending
    server = SandboxServer(tmp_path)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def smtp(sandbox: SandboxServer) -> Iterator[SMTP]:
    with SMTP(*sandbox.address, timeout=10) as connection:
        connection.ehlo("school.example")
        yield connection


def send(smtp: SMTP, recipient: str, options: str = ALL, body: bytes = b"Subject: Hi\r\n\r\nHello\r\n") -> list[str]:
    """The replies to MAIL, RCPT and the message."""
    replies = [smtp.docmd("MAIL", f"FROM:<{SENDER}> RET=HDRS ENVID=a+2Bb")]
    replies.append(smtp.docmd("RCPT", f"TO:<{recipient}> {options}".strip()))
    if replies[-1][0] == 250:
        replies.append(smtp.data(body))
    smtp.rset()
    return [f"{code} {text.decode()}" for code, text in replies]


def stored(folder: Path, columns: str, table: str = "messages") -> list[tuple[object, ...]]:
    with sqlite3.connect(folder / FILE_NAME) as db:
        return db.execute(f"SELECT {columns} FROM {table} ORDER BY id").fetchall()


def test_it_offers_what_a_modern_server_offers(sandbox: SandboxServer, smtp: SMTP) -> None:
    for extension in ("dsn", "pipelining", "8bitmime", "enhancedstatuscodes", "size"):
        assert smtp.has_extn(extension)
    assert find_service("sandbox") == sandbox.address


def test_everybody_is_taken_and_kept_as_sent(smtp: SMTP, tmp_path: Path) -> None:
    body = b"Subject: =?utf-8?q?Schulfrei=21?=\r\n\r\n.\r\n..\r\nLine.\r\n" + b"x" * 2000 + b"\r\n"
    replies = send(smtp, "Ann@home.example", f"{ALL} ORCPT=rfc822;Ann@home.example", body)
    assert replies[-1] == "250 2.0.0 Accepted"
    assert stored(tmp_path, "sender, recipient, envelope_id, original_recipient, subject, raw") == [
        (SENDER, "Ann@home.example", "a+b", "rfc822;Ann@home.example", "Schulfrei!", body)
    ]


def test_attachments_go_on_for_megabytes_without_a_dot(smtp: SMTP, tmp_path: Path) -> None:
    body = b"Subject: Hi\r\n\r\n" + (b"A" * 76 + b"\r\n") * 40_000 + b"end.\r\n" + b"B" * 200_000 + b"\r\n"
    assert send(smtp, "ann@home.example", body=body)[-1] == "250 2.0.0 Accepted"
    assert stored(tmp_path, "raw") == [(body,)]


@pytest.mark.parametrize(
    ("recipient", "reply"),
    [
        ("bounce@home.example", "550 5.1.1 No such mailbox here"),
        ("BOUNCE.17@elsewhere.example", "550 5.1.1 No such mailbox here"),
        ("refuse@home.example", "550 5.7.1 Message refused by policy"),
    ],
)
def test_refusals_are_said_at_once_and_nothing_is_kept(
    smtp: SMTP, tmp_path: Path, recipient: str, reply: str
) -> None:
    assert send(smtp, recipient)[-1] == reply
    assert stored(tmp_path, "id") == stored(tmp_path, "id", "reports") == []


def test_a_full_mailbox_has_room_at_the_third_attempt_even_after_a_restart(tmp_path: Path) -> None:
    replies = []
    for _attempt in range(3):
        server = SandboxServer(tmp_path)
        server.start()
        with SMTP(*server.address, timeout=10) as smtp:
            smtp.ehlo("school.example")
            replies.append(send(smtp, "full@home.example")[-1])
        server.stop()
    assert replies == ["452 4.2.2 Mailbox full, try again later"] * 2 + ["250 2.0.0 Accepted"]


@pytest.mark.parametrize(
    ("recipient", "options", "kinds"),
    [
        ("ann@home.example", ALL, ["delivered"]),
        ("ann@home.example", "", []),  # success is reported to those who asked (RFC 3461 section 4.1)
        ("ann@home.example", "NOTIFY=FAILURE,DELAY", []),
        ("late@home.example", ALL, ["delivered", "failed"]),
        ("late@home.example", "", ["failed"]),
        ("late@home.example", "NOTIFY=NEVER", []),
        ("slow@home.example", ALL, ["delayed", "delivered"]),
        ("slow@home.example", "NOTIFY=SUCCESS", ["delivered"]),
        ("quiet@home.example", ALL, []),
        ("ooto@home.example", "NOTIFY=NEVER", ["auto-reply"]),
        ("complaint@home.example", ALL, ["delivered", "complaint"]),
    ],
)
def test_reports_are_planned_as_asked_for(
    smtp: SMTP, tmp_path: Path, recipient: str, options: str, kinds: list[str]
) -> None:
    send(smtp, recipient, options)
    assert [kind for (kind,) in stored(tmp_path, "kind", "reports")] == kinds


def test_nothing_is_reported_to_nobody(smtp: SMTP, tmp_path: Path) -> None:
    assert smtp.docmd("MAIL", "FROM:<> RET=FULL")[0] == 250
    assert smtp.docmd("RCPT", f"TO:<ann@home.example> {ALL}")[0] == 250
    assert smtp.data(b"Subject: Hi\r\n\r\nHello\r\n")[0] == 250
    assert stored(tmp_path, "sender") == [("<>",)]
    assert stored(tmp_path, "id", "reports") == []


def test_commands_may_come_in_one_go(sandbox: SandboxServer, smtp: SMTP) -> None:
    smtp.send(f"MAIL FROM:<{SENDER}>\r\nRCPT TO:<ann@home.example>\r\nDATA\r\n".encode())
    assert [smtp.getreply()[0] for _command in range(3)] == [250, 250, 354]
    smtp.send(b".\r\nNOOP\r\n")
    assert [smtp.getreply()[0] for _command in range(2)] == [250, 250]


def test_unknown_parameters_are_still_refused(smtp: SMTP) -> None:
    assert smtp.docmd("MAIL", f"FROM:<{SENDER}> NONSENSE=1")[0] == 555
    with pytest.raises(SMTPRecipientsRefused):
        smtp.sendmail(SENDER, "bounce@home.example", b"Subject: Hi\r\n\r\nHello\r\n")


def test_stopping_waits_neither_for_conversations_nor_for_reports(tmp_path: Path, settings: Settings) -> None:
    settings.MESSENGER_HOME = tmp_path
    server = SandboxServer(tmp_path)
    server.start()
    with SMTP(*server.address, timeout=10) as smtp:
        smtp.ehlo("school.example")
        send(smtp, "slow@home.example")
        start = time.monotonic()
        server.stop()
        assert time.monotonic() - start < 3
        smtp.close()


SERVE = """
import sys, threading, pathlib, django
django.setup()
from broadcasts.sandbox.server import SandboxServer
server = SandboxServer(pathlib.Path(sys.argv[1]))
server.start()
print(server.address[1], flush=True)
threading.Event().wait()
"""


def test_what_was_accepted_survives_a_kill(tmp_path: Path) -> None:
    environment = {**os.environ, "MESSENGER_HOME": str(tmp_path), "DJANGO_SETTINGS_MODULE": "tests.settings"}
    command = [sys.executable, "-c", SERVE, str(tmp_path)]
    server = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        with SMTP("127.0.0.1", int(server.stdout.readline()), timeout=10) as smtp:
            smtp.ehlo("school.example")
            replies = [send(smtp, f"late{number}@home.example")[-1] for number in range(20)]
            server.kill()
            smtp.close()
    finally:
        server.kill()
        server.wait()
        server.stdout.close()
    assert replies == ["250 2.0.0 Accepted"] * 20
    assert len(stored(tmp_path, "id")) == 20
    assert len(stored(tmp_path, "id", "reports")) == 40


def test_the_beginning_of_the_address_decides() -> None:
    for behaviour in BEHAVIOURS:
        assert behaviour_of(f"{behaviour.prefix.upper()}-17@any.example") is behaviour
    assert behaviour_of("ann.bounce@home.example").reports
