"""What the reading of real bounces is worth, and how fast reports come in by LMTP beside the reading alone."""

import smtplib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Lock

from django.conf import settings

from broadcasts.models import Broadcast, Delivery
from broadcasts.tokens import make_token
from tests.benchmarks.figures import timed
from tests.tracking.bounces import corpus
from tracking.bounces.explaining import explain
from tracking.bounces.listener import BounceListener
from tracking.models import Event

REPORTS = 2_000
CONNECTIONS = 10
LABELS = ("Failed", "Bounced", "Soft Bounced", "Delivered", "none")

REPORT = """\
From: Mail Delivery System <mailer-daemon@mx.home.example>
To: {to}
Subject: Undelivered Mail Returned to Sender
Message-ID: <{number}@mx.home.example>
Date: Thu, 11 May 2017 09:44:00 -0500
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

I'm sorry to have to inform you that your message could not be delivered to one or more recipients.

<family@homes.example>: host mx.homes.example[192.0.2.1] said: 550 5.1.1 User unknown (in reply to RCPT TO command)

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.home.example

Final-Recipient: rfc822; family@homes.example
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 User unknown

--b
Content-Type: text/rfc822-headers

Subject: Snow day
X-Filler: {filler}

--b--
"""


def measure(broadcast: Broadcast) -> Iterator[object]:
    yield from quality()
    settings.BOUNCE_DOMAIN = settings.BOUNCE_DOMAIN or "bounces.messenger.test"
    reports = make_reports(broadcast)
    with timed("reading reports alone", len(reports)) as alone:
        for _to, raw in reports:
            explain(raw)
    before = Event.objects.count()
    with listening() as listener, timed("reports by LMTP, each stored before its 250", len(reports)) as stored:
        deliver(listener, reports)
    assert Event.objects.count() - before == len(reports)
    stored.against(alone, "of reading alone")
    yield from (alone, stored)


def quality() -> Iterator[object]:
    if not corpus.IS_THERE:
        yield f"real bounces: not beside the project ({corpus.FOLDER})"
        return
    cases = list(corpus.cases())
    for words, some in (("all", cases), *((f"half {half}", [c for c in cases if c.half == half]) for half in (0, 1))):
        found = corpus.score(some)
        worth = f"precision {found.precision:.3f}, recall {found.recall:.3f}"
        counts = f"{found.right} right, {found.too_many} too many, {found.missed} missed"
        yield f"real bounces, {words}: {len(some)} messages, Failed or not: {worth} ({counts})"
    table = corpus.score(cases).table
    yield f"{'what they mean':20}" + "".join(f"{label:>14}" for label in LABELS)
    for reason in sorted({reason for reason, _label in table}):
        yield f"{reason:20}" + "".join(f"{table[reason, label] or '':>14}" for label in LABELS)
    with timed("reading the real bounces", len(cases)) as figure:
        for case in cases:
            explain(case.raw)
    yield figure


def make_reports(broadcast: Broadcast) -> list[tuple[str, bytes]]:
    rows = Delivery.objects.filter(broadcast=broadcast, is_sendable=True).values_list("pk", flat=True)[:REPORTS]
    reports = []
    for number, pk in enumerate(rows):
        to = f"b+{make_token(pk, 'bounce')}@{settings.BOUNCE_DOMAIN}"
        reports.append((to, REPORT.format(to=to, number=number, filler="x" * 60).replace("\n", "\r\n").encode()))
    return reports


@contextmanager
def listening() -> Iterator[BounceListener]:
    listener = BounceListener("127.0.0.1", 0, lmtp=True)
    listener.start()
    try:
        yield listener
    finally:
        listener.stop()


def deliver(listener: BounceListener, reports: list[tuple[str, bytes]]) -> None:
    """As a mail server does: some connections, one message after the other on each."""
    waiting, lock = iter(reports), Lock()

    def talk(_number: int) -> None:
        host, port = listener.address
        with smtplib.LMTP(host, port) as server:
            while True:
                with lock:
                    report = next(waiting, None)
                if report is None:
                    return
                assert not server.sendmail("", [report[0]], report[1])

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        list(pool.map(talk, range(CONNECTIONS)))
