"""Reports as somebody hostile sends them, to the real listener: it answers, keeps what it refuses, stays small."""

import smtplib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from broadcasts.models import Delivery
from broadcasts.results import Result
from tests.tracking.rows import BOUNCE_DOMAIN, bounce_address, make_delivery
from tests.tracking.serving import ROOT, database_url, most_memory
from tests.tracking.test_ingesting import dsn
from tracking.models import Event, UnusedReport

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Only Linux says how much memory was used."),
]
MEGABYTE = 1024 * 1024


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    own = {"MESSENGER_HOME": str(tmp_path), "BOUNCE_DOMAIN": BOUNCE_DOMAIN, "REPORTS_PROTOCOL": "lmtp"}
    process = subprocess.Popen(
        [sys.executable, "manage.py", "listen_for_reports"],
        cwd=ROOT,
        env=own | {"SECRET_KEY": settings.SECRET_KEY, "DATABASE_URL": database_url()},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        yield process, int(process.stdout.readline().split("127.0.0.1:")[1].split()[0])
    finally:
        process.terminate()
        assert process.wait(60) == 0


def hand_in(port: int, address: str, raw: bytes) -> int:
    with smtplib.LMTP("127.0.0.1", port) as server:
        server.ehlo_or_helo_if_needed()
        server.mail("")
        assert server.rcpt(address)[0] == 250
        return server.data(raw)[0]


def of_thousands(count: int) -> bytes:
    blocks = "".join(
        f"Final-Recipient: rfc822; p{number}@home.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
        for number in range(count)
    )
    return dsn().replace(b"Final-Recipient", blocks.encode() + b"Final-Recipient", 1)


def test_hostile_reports_change_nothing_and_are_kept_to_be_looked_at(
    listening: tuple["subprocess.Popen[str]", int],
) -> None:
    process, port = listening
    delivery = make_delivery(result=Result.DELIVERED)
    ours = bounce_address(delivery)
    loop = b"Received: from a by b; Thu, 11 May 2017 09:44:00 -0500\r\n" * 60 + dsn()
    for raw in (b"no headers at all\r\n", loop, b"\xff\xfe\x00\x80\r\n" * 1000, b"Subject: Undelivered\r\n\r\n"):
        assert hand_in(port, ours, raw) == 250
    assert UnusedReport.objects.count() == 4
    assert hand_in(port, f"b+1.{'0' * 20}@{BOUNCE_DOMAIN}", dsn()) == 250  # forged
    assert UnusedReport.objects.count() == 5
    assert not Event.objects.exists()
    assert hand_in(port, ours, of_thousands(5000)) == 250
    assert Event.objects.count() <= 20
    for _ in range(3):
        assert hand_in(port, ours, b"Subject: Undelivered\r\n\r\n" + b"x\r\n" * (17 * MEGABYTE)) == 552
    assert Delivery.objects.get(pk=delivery.pk).result == Result.DELIVERED
    assert most_memory(process) < 200 * 1024
