"""The web as the Procfile has it, asked to stop: soon, whenever that is, and nothing that was answered is lost."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings

from broadcasts.models import Broadcast, Delivery
from broadcasts.results import Result
from tests import factory
from tests.benchmarks.knocking import knock
from tests.servers import free_port, wait_until_listening
from tests.tracking.rows import make_delivery
from tests.tracking.serving import ROOT, database_url
from tests.tracking.test_buffering import IPHONE, path_of, times
from tests.waiting import wait_for

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="granian forks its workers there."),
]
# The Procfile's 30 seconds after which a worker is killed are for one that is stuck.
SOON = 20


@contextmanager
def web(home: Path, *python: str) -> Iterator[tuple["subprocess.Popen[bytes]", int]]:
    line = next(line for line in (ROOT / "Procfile").read_text().splitlines() if line.startswith("web:"))
    port = free_port()
    words = line.replace("${HOST:-127.0.0.1}", "127.0.0.1").replace("${PORT:-8000}", str(port)).split()[2:]
    own = {
        "MESSENGER_HOME": str(home),
        "DATABASE_URL": database_url(),
        "DJANGO_SETTINGS_MODULE": "messenger.settings",
    }
    own["SECRET_KEY"] = settings.SECRET_KEY
    with (home / "log").open("wb") as log:
        command = [sys.executable, *python, "-m", "granian", "--no-log", *words]
        process = subprocess.Popen(command, cwd=ROOT, env=os.environ | own, stdout=log, stderr=log)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    workers: list[str] = []
    try:
        yield process, port
    finally:
        if process.poll() is None:
            workers = children.read_text().split()
            process.kill()
            process.wait()
        for worker in workers:
            os.kill(int(worker), signal.SIGKILL)


def test_workers_that_are_still_starting_hear_it(tmp_path: Path) -> None:
    with web(tmp_path, "-v") as (process, _port):
        # Python itself tells what it imports: both workers are in the middle of loading Messenger.
        wait_for(lambda: (tmp_path / "log").read_bytes().count(b"import 'django.apps'") >= 2, "the start", seconds=90)
        process.send_signal(signal.SIGTERM)
        process.wait(SOON)


def test_both_workers_apply_what_they_answered(tmp_path: Path) -> None:
    broadcast = factory.make_broadcast(status=Broadcast.Status.SENT)
    deliveries = [make_delivery(f"p{number}@home.example", broadcast=broadcast) for number in range(20)]
    asked = [f"GET {path_of(one)} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: {IPHONE}\r\n\r\n" for one in deliveries]
    with web(tmp_path) as (process, port):
        wait_until_listening(process, port, tmp_path / "log")
        answered = knock(port, [one.encode() for one in asked] * 25, 8)
        process.send_signal(signal.SIGTERM)
        process.wait(SOON)
    assert len(answered) == 500
    assert [times(delivery) for delivery in deliveries] == [[("person", 25)]] * 20
    assert set(Delivery.objects.values_list("result", flat=True)) == {Result.OPENED}
