"""Handing over to a provider's API with all bookkeeping, against Anymail with one message for each recipient."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from anymail.message import AnymailMessage  # type: ignore[import-untyped]
from django.core.mail import get_connection

from broadcasts.composing.compiling import Recipient, compile_broadcast
from broadcasts.models import Attempt, Broadcast, Delivery
from broadcasts.results import Result
from tests.benchmarks import school
from tests.benchmarks.figures import Figure, timed
from tests.benchmarks.sending import WORKERS, running_sink

EMAILS, PEER_EMAILS = 20_000, 500
# Not before all of them are ready: starting is no part of it.
WORK = """
import sys
import django
django.setup()
from broadcasts.delivering.warming_up import warm_up
from broadcasts.delivering.working import deliver_due, shift
warm_up()
print("ready", flush=True)
sys.stdin.readline()
while deliver_due({broadcast}, shift(60)):
    pass
"""
KEYS = {"ANYMAIL_SPARKPOST_API_KEY": "key", "ANYMAIL_POSTMARK_SERVER_TOKEN": "key"}


def measure(broadcast: Broadcast) -> list[Figure]:
    """Of a prepared broadcast; what is more than EMAILS is not due during this."""
    with TemporaryDirectory(prefix="messenger-sink-") as folder, running_provider(Path(folder)) as (url, taken):
        rows = list(broadcast.deliveries.filter(is_sendable=True).order_by("pk")[:PEER_EMAILS])
        with timed("Anymail, one message for each recipient", len(rows)) as theirs:
            send_by_anymail(broadcast, url, rows)
        ours = [by_workers(broadcast, provider, url, words) for provider, words in BATCHES]
    for figure in ours:
        speed = (figure.rows / figure.seconds) / (theirs.rows / theirs.seconds)
        figure.ratio = f"{speed:.1f} x"
    assert taken[0] == theirs.rows + sum(figure.rows for figure in ours), f"the provider has {taken[0]} emails"
    return [theirs, *ours]


BATCHES = (
    ("sparkpost", f"provider batches of 500, {WORKERS} workers"),
    ("postmark", f"500 whole emails in a request, {WORKERS} workers"),
)


def by_workers(broadcast: Broadcast, provider: str, url: str, words: str) -> Figure:
    count = make_due(broadcast)
    own = {"MAIL_PROVIDER": provider, "MAIL_PROVIDER_API_URL": url, "SECRET_KEY": "x" * 50, **KEYS}
    command, pipe = [sys.executable, "-c", WORK.format(broadcast=broadcast.pk)], subprocess.PIPE
    workers = [
        subprocess.Popen(command, env=os.environ | own, stdin=pipe, stdout=pipe, text=True) for _ in range(WORKERS)
    ]
    for worker in workers:
        assert worker.stdout
        assert worker.stdout.readline() == "ready\n"
    with timed(words, count) as figure:
        for worker in workers:
            assert worker.stdin
            worker.stdin.write("\n")
            worker.stdin.flush()
        for worker in workers:
            assert worker.wait(timeout=300) == 0
    handed = broadcast.deliveries.filter(attempts=1, provider_message_id__isnull=False).count()
    assert handed >= count, f"{handed} of {count} were handed over"
    return figure


def make_due(broadcast: Broadcast) -> int:
    """As if nobody had tried yet."""
    sendable = broadcast.deliveries.filter(is_sendable=True)
    last = list(sendable.order_by("pk").values_list("pk", flat=True)[:EMAILS])[-1]
    sendable.update(state=Delivery.State.IDLE)
    chosen = sendable.filter(pk__lte=last)
    Attempt.objects.filter(delivery__in=chosen).delete()
    chosen.update(
        state=Delivery.State.WAITING,
        attempts=0,
        result=Result.UNSENT,
        provider_message_id=None,
        last_attempt_at=None,
    )
    Broadcast.objects.filter(pk=broadcast.pk).update(status=Broadcast.Status.SENDING, next_row=0)
    school.settle()
    return chosen.count()


@contextmanager
def running_provider(folder: Path) -> Iterator[tuple[str, list[int]]]:
    """Its address, and a list that has the emails and the requests when it is over."""
    taken: list[int] = []
    with running_sink(folder, "provider_sink") as port:
        yield f"http://127.0.0.1:{port}/", taken
    said = json.loads((folder / "counts").read_text())
    taken += [said["emails"], said["requests"]]


def send_by_anymail(broadcast: Broadcast, url: str, rows: list[Delivery]) -> None:
    """As its documentation shows it, over one open session."""
    compiled = compile_broadcast(broadcast)
    with get_connection("anymail.backends.sparkpost.EmailBackend", api_url=url, api_key="key") as connection:
        for row in rows:
            to = Recipient(row.pk, row.name, row.email)
            message = AnymailMessage(
                compiled.subject_for(to),
                compiled.text_for(to),
                "office@lincoln.example",
                [f"{row.name} <{row.email}>"],
            )
            message.attach_alternative(compiled.html_for(to), "text/html")
            message.metadata = {"delivery": str(row.pk)}
            connection.send_messages([message])
