"""Handing over by SMTP with all bookkeeping, two workers, against Django's own backend over one open connection."""

import os
import resource
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
WORK = """
import django
django.setup()
from broadcasts.delivering.working import deliver_due, shift
while deliver_due({broadcast}, shift(60)):
    pass
"""


def measure(broadcast: Broadcast) -> list[Figure]:
    """Of a prepared broadcast; what is more than EMAILS is not due during this."""
    sendable = Delivery.objects.filter(broadcast=broadcast, is_sendable=True).order_by("pk")
    last = list(sendable.values_list("pk", flat=True)[:EMAILS])[-1]
    sendable.filter(pk__gt=last).update(state=Delivery.State.IDLE)
    count = sendable.filter(state=Delivery.State.WAITING).count()
    school.settle()
    with TemporaryDirectory(prefix="messenger-sink-") as folder, running_sink(Path(folder)) as port:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        with timed(f"sending by SMTP, {WORKERS} workers", count) as ours:
            deliver_by_workers(broadcast, port)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        with timed("Django's backend, one open connection", PEER_EMAILS) as theirs:
            send_by_django(broadcast, port, list(sendable[:PEER_EMAILS]))
    cpu = (used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime) / count
    speed = (count / ours.seconds) / (PEER_EMAILS / theirs.seconds)
    ours.ratio = f"{speed:.1f} x, {cpu * 1e6:.0f} us CPU each"
    handed = Delivery.objects.filter(broadcast=broadcast, attempts__gt=0).count()
    assert handed == count, f"{handed} of {count} were handed over"
    return [theirs, ours]


@contextmanager
def running_sink(folder: Path) -> Iterator[int]:
    port, counts = folder / "port", folder / "counts"
    sink = subprocess.Popen([sys.executable, "-m", "tests.benchmarks.sink", str(port), str(counts)])
    while not (port.exists() and port.read_text()):
        assert sink.poll() is None, "the sink did not start"
        time.sleep(0.02)
    try:
        yield int(port.read_text())
    finally:
        sink.send_signal(signal.SIGTERM)
        sink.wait()


def deliver_by_workers(broadcast: Broadcast, port: int, pids: list[int] | None = None, seconds: int = 300) -> None:
    """`pids`: where to note whom to look at."""
    own = {"MAIL_URL": f"smtp://127.0.0.1:{port}", "BOUNCE_DOMAIN": "bounces.school.test", "SECRET_KEY": "x" * 50}
    command = [sys.executable, "-c", WORK.format(broadcast=broadcast.pk)]
    workers = [subprocess.Popen(command, env=os.environ | own) for _ in range(WORKERS)]
    if pids is not None:
        pids += [worker.pid for worker in workers]
    for worker in workers:
        assert worker.wait(timeout=seconds) == 0


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
