"""A real Postfix as the relay: what it answers, and its reports, which come back to us by LMTP."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import connection
from django.urls import get_resolver
from pytest_django import Settings

from broadcasts.models import Attempt, Broadcast, Delivery
from broadcasts.results import Result
from tests import postfix_server
from tests.broadcasts.delivering.steps import deliver, make_people, row_of, start
from tests.postfix_server import ELSEWHERE, FAMILIES, HOLIDAY, Postfix, running_postfix
from tests.smtp_server import Script, ScriptedServer
from tests.tracking.rows import wait_until
from tracking.models import Event, UnusedReport

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(bool(postfix_server.why_not()), reason=postfix_server.why_not()),
]
Kind = Event.Kind
BOUNCES = "bounces.school.test"
UMLAUT, UMLAUT_GONE = f"jürgen@{FAMILIES}", f"jürgen@{ELSEWHERE}"
ANN, STRANGER = f"ann@{FAMILIES}", f"nobody@{FAMILIES}"
GONE, SLOW, AWAY = f"gone@{ELSEWHERE}", f"slow@{ELSEWHERE}", f"bo@{HOLIDAY}"

# The command itself, on the database of this test.
LISTENER = """
import sys
import django
from django.conf import settings
settings.DATABASES["default"]["NAME"] = sys.argv[1]
django.setup()
from django.core.management import call_command
call_command("listen_for_reports", "--lmtp")
"""


@contextmanager
def lmtp_listener() -> Iterator[int]:
    """A process of its own, as beside a mail server; its port."""
    own = {
        "DJANGO_SETTINGS_MODULE": "tests.settings", "BOUNCE_DOMAIN": BOUNCES, "REPORTS_LISTEN": "127.0.0.1:0",
        "MAIL_URL": "sandbox:",
    }  # fmt: skip
    command = [sys.executable, "-c", LISTENER, str(connection.settings_dict["NAME"])]
    root = Path(__file__).resolve().parents[2]
    listener = subprocess.Popen(command, cwd=root, env=os.environ | own, stdout=subprocess.PIPE, text=True)
    try:
        assert listener.stdout is not None
        greeting = listener.stdout.readline()
        assert "(LMTP)" in greeting
        yield int(greeting.split(" (")[0].rpartition(":")[2])
    finally:
        listener.terminate()
        assert listener.wait(20) == 0
        if listener.stdout:
            listener.stdout.close()


@pytest.fixture
def relay(settings: Settings) -> Iterator[tuple[Postfix, Script]]:
    """Postfix, and behind it somebody else's mail server that knows no reports of success."""
    # The addresses are read once, by whichever test needs them first: not while the sandbox is away.
    assert get_resolver().url_patterns
    elsewhere = ScriptedServer(offers=())
    elsewhere.script.answer("rcpt", "550 5.1.1 no such user here", "gone@")
    elsewhere.script.answer("rcpt", "451 4.7.1 come back later", "slow@")
    port = elsewhere.server_address[1]
    try:
        with lmtp_listener() as lmtp, running_postfix(bounces=BOUNCES, lmtp_port=lmtp, elsewhere_port=port) as relay:
            settings.MAIL_URL, settings.MAIL_IS_SANDBOX, settings.BOUNCE_DOMAIN = relay.url, False, BOUNCES
            yield relay, elsewhere.script
    finally:
        elsewhere.stop()


def kinds(broadcast: Broadcast, address: str) -> list[str]:
    return list(row_of(broadcast, address).events.order_by("pk").values_list("kind", flat=True))


def result_of(broadcast: Broadcast, address: str) -> Result:
    return Result(row_of(broadcast, address).result)


def test_every_report_of_postfix_finds_its_row(relay: tuple[Postfix, Script]) -> None:
    postfix, elsewhere = relay
    broadcast = start(make_people(ANN, STRANGER, GONE, SLOW, AWAY))
    deliver(broadcast)
    try:
        # At the hand-over: Postfix knows its own mailboxes, and takes the rest.
        assert result_of(broadcast, STRANGER) == Result.FAILED
        refusal = Attempt.objects.get(delivery=row_of(broadcast, STRANGER))
        assert (refusal.outcome, refusal.code, refusal.enhanced_code) == (Attempt.Outcome.REFUSED, 550, "5.1.1")
        # By its reports.
        wait_until(lambda: result_of(broadcast, ANN) == Result.DELIVERED)
        assert "School is closed today." in postfix.mailbox("ann")
        wait_until(lambda: result_of(broadcast, GONE) == Result.FAILED)
        wait_until(lambda: Kind.AUTO_REPLIED in kinds(broadcast, AWAY))
        assert result_of(broadcast, AWAY) == Result.DELIVERED
        wait_until(lambda: result_of(broadcast, SLOW) == Result.SOFT_BOUNCED)
        assert kinds(broadcast, SLOW) == [Kind.DEFERRED]
        # Then the slow one takes it: Postfix says that it passed the email on.
        elsewhere.rules = [rule for rule in elsewhere.rules if rule.recipient != "slow@"]
        wait_until(lambda: result_of(broadcast, SLOW) == Result.DELIVERED)
    except AssertionError as failed:
        raise AssertionError(f"{failed}\n{postfix.log()[-4000:]}") from failed
    assert [received.recipient for received in elsewhere.received] == [SLOW]
    assert kinds(broadcast, ANN) == [Kind.DELIVERED]
    assert kinds(broadcast, GONE) == [Kind.BOUNCED]
    assert kinds(broadcast, STRANGER) == []
    assert not UnusedReport.objects.exists()
    assert {row.attempts for row in Delivery.objects.all()} == {1}


def test_an_address_with_other_letters_is_delivered_or_reported(
    relay: tuple[Postfix, Script], settings: Settings
) -> None:
    """The mail server elsewhere offers no SMTPUTF8: Postfix tells of it in the form of RFC 6533."""
    settings.ALLOW_INTERNATIONAL_ADDRESSES = True
    postfix, elsewhere = relay
    broadcast = start(make_people(UMLAUT, UMLAUT_GONE))
    deliver(broadcast)
    try:
        wait_until(lambda: result_of(broadcast, UMLAUT) == Result.DELIVERED)
        wait_until(lambda: result_of(broadcast, UMLAUT_GONE) == Result.BOUNCED)
    except AssertionError as failed:
        raise AssertionError(f"{failed}\n{postfix.log()[-4000:]}") from failed
    assert f"<{UMLAUT}>" in postfix.mailbox("jurgen")
    assert not elsewhere.received
    assert kinds(broadcast, UMLAUT_GONE) == [Kind.BOUNCED]
    assert not UnusedReport.objects.exists()
