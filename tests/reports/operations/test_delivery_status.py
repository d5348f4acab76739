"""`manage.py delivery_status`: what an administrator reads at the shell when something seems to hang."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from broadcasts.heartbeats import FORGOTTEN_AFTER, beat, forget_silent
from broadcasts.models import Broadcast, Delivery, Heartbeat
from tests import factory
from tests.reports.rows import make_delivery

pytestmark = pytest.mark.django_db


def status(**options: Any) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("delivery_status", stdout=out, **options)
    except CommandError as error:
        return error.returncode, out.getvalue()
    return 0, out.getvalue()


@pytest.fixture
def everybody_works() -> None:
    for serves in ("broadcast", "emergency", "housekeeping", "sweep"):
        beat(f"here:1:{serves}", serves, timezone.now())


def test_all_is_well(everybody_works: None) -> None:
    code, words = status()
    assert code == 0
    assert "All is well." in words
    assert "here:1:emergency: waits for work, last heard of" in words


def test_nobody_works_and_it_says_what_to_start() -> None:
    code, words = status()
    assert code == 1
    assert "No worker serves the queue emergency." in words
    assert "manage.py rundramatiq --queues emergency" in words
    assert "manage.py sweep" in words


def test_what_is_due_is_told_per_lane_with_its_broadcast(everybody_works: None) -> None:
    broadcast = factory.make_broadcast(type_name="Emergency", subject="Gas leak")
    make_delivery(broadcast, "anna@home.example", next_attempt_at=timezone.now() - timedelta(minutes=3))
    _, words = status()
    assert "Due (emergency): 1 emails of 1 broadcasts" in words
    assert f"broadcast {broadcast.pk} “Gas leak”: 1 due, the oldest for 3 min" in words
    assert "Due (broadcast): 0 emails of 0 broadcasts" in words


def test_trouble_is_told_with_its_words(everybody_works: None) -> None:
    broadcast = factory.make_broadcast()
    make_delivery(broadcast, "anna@home.example", next_attempt_at=timezone.now())
    Broadcast.objects.update(trouble="The mail server does not answer.", trouble_since=timezone.now())
    code, words = status()
    assert code == 1
    assert "The mail server does not answer." in words
    assert "MAIL_URL" in words


def test_doubts_are_told_with_broadcast_and_age(everybody_works: None) -> None:
    broadcast = factory.make_broadcast()
    lost = timezone.now() - timedelta(minutes=5)
    row = make_delivery(broadcast, "anna@home.example", last_attempt_at=lost)
    factory.put_in_doubt(row, lost - timezone.now())
    code, words = status()
    assert f"broadcast {broadcast.pk}: 1 in doubt" in words
    assert "since 5 min" in words
    assert code == 0, "reports may still settle it"
    Delivery.objects.update(last_attempt_at=timezone.now() - timedelta(hours=1))
    assert status()[0] == 1, "by now the sweep should have decided"


def test_a_silent_worker_is_told_until_it_is_forgotten(everybody_works: None) -> None:
    beat("gone:9:broadcast", "broadcast", timezone.now(), "broadcast 3")
    gone = Heartbeat.objects.filter(name="gone:9:broadcast")
    gone.update(beat_at=timezone.now() - timedelta(minutes=2))
    code, words = status()
    assert "gone:9:broadcast: SILENT" in words
    assert code == 0, "another one serves its queue"
    assert forget_silent(timezone.now()) == 0
    gone.update(beat_at=timezone.now() - FORGOTTEN_AFTER - timedelta(seconds=1))
    assert forget_silent(timezone.now()) == 1
    assert forget_silent(timezone.now()) == 0


def test_as_json(everybody_works: None) -> None:
    broadcast = factory.make_broadcast()
    make_delivery(broadcast, "anna@home.example", next_attempt_at=timezone.now())
    code, words = status(json=True)
    told = json.loads(words)
    assert (code, told["ok"]) == (0, True)
    assert told["backlogs"][0]["broadcast"] == broadcast.pk
    assert {one["name"] for one in told["processes"]} >= {"here:1:sweep"}
    assert "anna" not in words
