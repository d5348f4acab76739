"""Pictures per second with every open in the database, beside a plain Django view with one ORM write for each."""

import os
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from django.db import connection
from django.db.models import Sum
from django.urls import reverse

from broadcasts.models import Broadcast, Delivery
from broadcasts.results import Result
from broadcasts.tokens import make_token
from tests.benchmarks.figures import Figure, timed
from tests.benchmarks.knocking import knock
from tests.servers import free_port, wait_until_listening
from tests.waiting import wait_for
from tracking.models import Event

FETCHES, PEER_FETCHES, CONNECTIONS = 40_000, 2_000, 32
BIN = Path(sys.executable).parent
GRANIAN = ["granian", "--interface", "wsgi", "--host", "127.0.0.1", "--no-log", "--workers", "2"]
SERVERS = {
    "granian, 2 workers of 4 threads": [*GRANIAN, "--blocking-threads", "4", "--port"],
    "granian, 2 workers of 1 thread": [*GRANIAN, "--blocking-threads", "1", "--port"],
    "waitress, 8 threads": ["waitress", "--host", "127.0.0.1", "--threads", "8", "--port"],
}
GUNICORN = ["gunicorn", "--workers", "4", "--log-level", "error", "--bind"]
AGENTS = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)",
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36",
    "Mozilla/5.0",
)


def measure(broadcast: Broadcast) -> Iterator[Figure | str]:
    if connection.vendor != "postgresql":
        yield "pictures: measured on PostgreSQL, where several processes write at once"
        return
    ids = list(broadcast.deliveries.filter(is_sendable=True).values_list("pk", flat=True)[:20_000])
    peer = fetched("tests.benchmarks.plain_pixel", plain_server(), ids, PEER_FETCHES)
    yield peer
    for name, command in SERVERS.items():
        ours = fetched("messenger.wsgi", (name, command), ids, FETCHES)
        ours.ratio += f", {peer.seconds / peer.rows * ours.rows / ours.seconds:.1f} x plain"
        yield ours


def plain_server() -> tuple[str, list[str]]:
    """gunicorn where there is one: Messenger does not need it."""
    if find_spec("gunicorn"):
        return "plain view and ORM, gunicorn, 4 workers", [*GUNICORN]
    return "plain view and ORM, granian, 2 x 4 threads", SERVERS["granian, 2 workers of 4 threads"]


def fetched(module: str, server: tuple[str, list[str]], ids: Sequence[int], count: int) -> Figure:
    name, command = server
    Event.objects.filter(delivery__in=ids).delete()
    Delivery.objects.filter(pk__in=ids).update(result=Result.SENT, attempts=1, next_attempt_at=None)
    requests = make_requests(ids, count)
    with serving(command, module) as port:
        knock(port, requests[:200], CONNECTIONS)  # imports, connections to the database
        wait_for(lambda: opens() == 200, "the first opens")
        with timed(f"pictures: {name}", count) as figure:
            took = knock(port, requests, CONNECTIONS)
            wait_for(lambda: opens() == 200 + count, "all opens in the database")
    assert opens() == 200 + count
    figure.ratio = f"p50 {took[len(took) // 2] * 1000:.1f}, p99 {took[len(took) * 99 // 100] * 1000:.1f} ms"
    return figure


def opens() -> int:
    return Event.objects.aggregate(opens=Sum("times"))["opens"] or 0


def make_requests(ids: Sequence[int], count: int) -> list[bytes]:
    """Behind a proxy, from as many homes; families look again, and sometimes one after the other at one address."""
    chance = random.Random(count)
    made = []
    for _number in range(count):
        pk = chance.choice(ids)
        home = f"{80 + pk % 7}.{pk // 250 % 250}.{pk % 250}.{chance.randrange(1, 250)}"
        lines = [
            f"GET {reverse('tracking:pixel', args=[make_token(pk, 'pixel')])} HTTP/1.1",
            "Host: 127.0.0.1",
            f"User-Agent: {chance.choice(AGENTS)}",
            "Accept: image/avif,image/webp,*/*;q=0.8",
            f"X-Forwarded-For: {home}",
            "X-Forwarded-Proto: https",
        ]
        made.append("\r\n".join([*lines, "", ""]).encode())
    return made


@contextmanager
def serving(command: list[str], module: str) -> Iterator[int]:
    port = free_port()
    where = f"127.0.0.1:{port}" if command[-1] == "--bind" else str(port)
    environment = os.environ | {"SITE_URL": "https://portal.example"}
    log = Path(os.environ["MESSENGER_HOME"]) / "serving.log"
    full = [sys.executable, "-m", *command, where, f"{module}:application"]
    with log.open("wb") as output:
        process = subprocess.Popen(full, env=environment, stdout=output, stderr=output)
    try:
        wait_until_listening(process, port, log)
        yield port
    finally:
        process.terminate()
        process.wait(30)
