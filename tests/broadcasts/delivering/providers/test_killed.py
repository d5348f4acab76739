"""A worker that is killed leaves in doubt what stood in its open requests, and nothing else."""

import os
import signal
import subprocess
import sys
import threading
from datetime import timedelta

import pytest
from django.conf import settings as current
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from broadcasts.delivering.sweeping import end_doubts
from broadcasts.models import Delivery
from tests.broadcasts.delivering.steps import deliver, make_people, results_of, start
from tests.provider_server import KEY, Fault, Record

pytestmark = pytest.mark.django_db(transaction=True)
MANY = [f"family{number}@x.example" for number in range(20)]
WORK = """
import django
from django.conf import settings
django.setup()
settings.DATABASES["default"]["NAME"] = {name!r}
from broadcasts.delivering.working import deliver_due, shift
deliver_due({broadcast}, shift(60))
"""


def work_in_another_process(broadcast_id: int, settings: Settings) -> subprocess.Popen[bytes]:
    own = {
        "DJANGO_SETTINGS_MODULE": "messenger.settings",
        "MESSENGER_HOME": str(current.MESSENGER_HOME),
        "SECRET_KEY": settings.SECRET_KEY,
        "MAIL_PROVIDER": settings.MAIL_PROVIDER,
        "MAIL_PROVIDER_API_URL": settings.MAIL_PROVIDER_API_URL,
        "MAIL_PROVIDER_BATCH": "6",
        "DELIVERING_CONNECTIONS": "1",
        "ANYMAIL_POSTMARK_SERVER_TOKEN": KEY,
    }
    code = WORK.format(name=str(connection.settings_dict["NAME"]), broadcast=broadcast_id)
    return subprocess.Popen([sys.executable, "-c", code], env=os.environ | own)


def test_kill_9_loses_nobody_and_doubles_only_what_was_in_the_request(provider: Record, settings: Settings) -> None:
    broadcast = start(make_people(*MANY))
    connection.close()
    is_asked, end = threading.Event(), threading.Event()
    provider.faults.append(Fault(until=end, is_taken=True))
    provider.on_request = lambda _request: is_asked.set()
    worker = work_in_another_process(broadcast.pk, settings)
    assert is_asked.wait(60)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    end.set()
    doubted = set(broadcast.deliveries.filter(state=Delivery.State.IN_DOUBT).values_list("email", flat=True))
    assert len(doubted) == 6
    assert set(results_of(broadcast).values()) == {"Unsent"}
    long_ago = timezone.now() - timedelta(hours=1)
    broadcast.leases.update(until=long_ago)
    end_doubts(timezone.now())
    deliver(broadcast)
    assert set(results_of(broadcast).values()) == {"Sent"}
    taken = [email.to for email in provider.taken]
    assert set(taken) == set(MANY)
    assert {address for address in taken if taken.count(address) > 1} <= doubted
