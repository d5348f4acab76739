"""Handing over by SMTP with all bookkeeping, two workers, against Django's own backend over one open connection."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from django.core.mail import EmailMultiAlternatives, get_connection

from broadcasts.composing.compiling import Recipient, compile_broadcast
from broadcasts.models import Broadcast, Delivery
from tests.benchmarks import school
from tests.benchmarks.figures import Figure, timed

EMAILS, PEER_EMAILS, WORKERS = 10_000, 500, 2
# So many conversations hide the time of a commit; what a relay allows is for its owner to say.
CONNECTIONS = 20
# Not before all of them are ready: starting is no part of it. At the end, the seconds of CPU that sending took.
WORK = """
import sys, time
import django
django.setup()
from broadcasts.delivering.warming_up import warm_up
from broadcasts.delivering.working import deliver_due, shift
warm_up()
print("ready", flush=True)
sys.stdin.readline()
before = time.process_time()
while deliver_due({broadcast}, shift(60)):
    pass
print(time.process_time() - before)
"""


def measure(broadcast: Broadcast) -> list[Figure]:
    """Of a prepared broadcast; what is more than EMAILS is not due during this."""
    sendable = Delivery.objects.filter(broadcast=broadcast, is_sendable=True).order_by("pk")
    last = list(sendable.values_list("pk", flat=True)[:EMAILS])[-1]
    sendable.filter(pk__gt=last).update(state=Delivery.State.IDLE)
    count = sendable.filter(state=Delivery.State.WAITING).count()
    school.settle()
    with TemporaryDirectory(prefix="messenger-sink-") as folder, running_sink(Path(folder)) as port:
        with working(broadcast, port) as workers, timed(f"sending by SMTP, {WORKERS} workers", count) as ours:
            cpu = go(workers) / count
        with timed("Django's backend, one open connection", PEER_EMAILS) as theirs:
            send_by_django(broadcast, port, list(sendable[:PEER_EMAILS]))
    speed = (count / ours.seconds) / (PEER_EMAILS / theirs.seconds)
    ours.ratio = f"{speed:.1f} x, {cpu * 1e6:.0f} us CPU each"
    handed = Delivery.objects.filter(broadcast=broadcast, attempts__gt=0).count()
    assert handed == count, f"{handed} of {count} were handed over"
    return [theirs, ours]


@contextmanager
def running_sink(folder: Path, module: str = "sink") -> Iterator[int]:
    """Its port; what it counted is in `counts` of the folder when the block has ended."""
    port, counts = folder / "port", folder / "counts"
    sink = subprocess.Popen([sys.executable, "-m", f"tests.benchmarks.{module}", str(port), str(counts)])
    while not (port.exists() and port.read_text()):
        assert sink.poll() is None, "the sink did not start"
        time.sleep(0.02)
    try:
        yield int(port.read_text())
    finally:
        sink.send_signal(signal.SIGTERM)
        sink.wait()


@contextmanager
def working(broadcast: Broadcast, port: int) -> Iterator[list["subprocess.Popen[str]"]]:
    """The workers, ready to begin; ended with the block."""
    own = {
        "MAIL_URL": f"smtp://127.0.0.1:{port}",
        "BOUNCE_DOMAIN": "bounces.school.test",
        "SECRET_KEY": "x" * 50,
        "DELIVERING_CONNECTIONS": str(CONNECTIONS),
    }
    command, pipe = [sys.executable, "-c", WORK.format(broadcast=broadcast.pk)], subprocess.PIPE
    workers = [
        subprocess.Popen(command, env=os.environ | own, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True)
        for _ in range(WORKERS)
    ]
    try:
        for worker in workers:
            assert worker.stdout
            assert worker.stdout.readline() == "ready\n"
        yield workers
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()


def go(workers: list["subprocess.Popen[str]"]) -> float:
    """Until all is sent; how many seconds of CPU that took the workers."""
    said = []
    for worker in workers:
        assert worker.stdin
        worker.stdin.write("\n")
        worker.stdin.flush()
    for worker in workers:
        assert worker.stdout
        said.append(float(worker.stdout.readline()))
        assert worker.wait() == 0
    return sum(said)


def send_by_django(broadcast: Broadcast, port: int, rows: list[Delivery]) -> None:
    compiled = compile_broadcast(broadcast)
    backend = get_connection("django.core.mail.backends.smtp.EmailBackend", host="127.0.0.1", port=port)
    with backend as connection:
        for row in rows:
            to = Recipient(row.pk, row.name, row.email)
            message = EmailMultiAlternatives(
                compiled.subject_for(to), compiled.text_for(to), "office@lincoln.example", [row.email]
            )
            message.attach_alternative(compiled.html_for(to), "text/html")
            connection.send_messages([message])
