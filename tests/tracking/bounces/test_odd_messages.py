"""Messages that are broken, endless or hostile: looked at in little time and memory."""

import json
import subprocess
import sys
import time
import tracemalloc
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from pathlib import Path

import pytest

from tests.tracking.test_ingesting import dsn
from tracking.bounces.explaining import LARGEST_READ, explain
from tracking.bounces.reports import ReportKind

ROOT = Path(__file__).resolve().parents[3]


def test_a_message_that_goes_round_in_circles_is_no_report() -> None:
    raw = b"Received: from a by b; Thu, 11 May 2017 09:44:00 -0500\r\n" * 60 + dsn()
    report = explain(raw)
    assert report.kind is ReportKind.UNRECOGNISED
    assert "circles" in report.trouble


def test_our_own_email_coming_back_is_no_report() -> None:
    raw = b"X-Delivery-Id: 1.a\r\nAuto-Submitted: auto-generated\r\nSubject: Returned mail\r\n\r\nHello\r\n"
    assert "our own emails" in explain(raw).trouble


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\r\n\r\n",
        b"no headers at all",
        b"\xff\xfe\x00\x80" * 1000,
        b"Content-Type: multipart/report; boundary=b\r\n\r\n" + b"--b\r\n" * 20_000,
        b"Content-Type: message/rfc822\r\n\r\n" * 3000,
        b"From: MAILER-DAEMON\r\nContent-Type: text/plain; charset=nonsense\r\n\r\n\xff\xff",
        b"From: MAILER-DAEMON\r\nSubject: =?utf-8?b?////?=\r\nContent-Type: text/html\r\n\r\n<p>" + b"<" * 100_000,
        b"From: MAILER-DAEMON\r\n\r\n" + b"-" * 100_000,
        b"From: MAILER-DAEMON\r\n\r\n>>> MAIL" + b"\r\n" * 50_000,
        b"From: MAILER-DAEMON\r\nContent-Type: text/html\r\n\r\n" + b"<style>" * 20_000,
        b"From: MAILER-DAEMON\r\nX-Failed-Recipients: " + b"a" * 100_000 + b"\r\n\r\n" + b"a" * 2_000_000,
        b"Subject: " + b"mail " * 100_000 + b"\r\n\r\n" + b"a@" * 100_000,
        b"From: \xe9\xe9 <mailer-daemon@x.example>\r\nTo: \xe9\r\n\r\n" + b"a@b.example " * 50_000,
    ],
)
def test_nothing_is_too_odd_to_be_looked_at(raw: bytes) -> None:
    start = time.process_time()
    explain(raw)
    # Not one of these ties a worker up: patterns that take their time over such texts need minutes.
    assert time.process_time() - start < 5


@pytest.mark.parametrize("part", [b"--b\r\n", b"--b\r\n\r\n", b"Action: failed\r\n\r\n"])
def test_parts_without_end_are_cut(part: bytes) -> None:
    raw = b"Content-Type: message/delivery-status\r\n\r\n" if part.startswith(b"A") else b""
    raw = raw or b"Content-Type: multipart/report; boundary=b\r\n\r\n"
    tracemalloc.start()
    explain(raw + part * (LARGEST_READ // len(part)))
    _now, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 60 * 1024 * 1024


def test_five_thousand_recipients_are_read() -> None:
    blocks = "".join(
        f"Final-Recipient: rfc822; p{number}@home.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
        for number in range(6000)
    )
    report = explain(dsn().replace(b"Final-Recipient", blocks.encode() + b"Final-Recipient", 1))
    assert len(report.findings) == 5000


def test_returned_headers_may_be_encoded() -> None:
    message = MIMEMultipart("report", report_type="delivery-status")
    headers = MIMEText(
        "Subject: Schnee für alle\nX-Delivery-Id: a1.00112233445566778899\n", "rfc822-headers", "utf-8"
    )
    message.attach(headers)
    assert explain(message.as_bytes()).names == ("a1.00112233445566778899",)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Only Linux says how much memory was used.")
def test_the_command_explains_without_a_database_in_little_memory(tmp_path: Path) -> None:
    files = {"a.eml": dsn(), "b.eml": b"nothing", "c.eml": dsn() + b"x" * (50 * 1024 * 1024)}
    for name, raw in files.items():
        (tmp_path / name).write_bytes(raw)
    script = (
        "import re, sys; from django.core.management import execute_from_command_line as run\n"
        "run(['manage.py', 'ingest_bounce', '--explain', *sys.argv[1:]])\n"
        "print(re.search(r'VmHWM:\\s*(\\d+)', open('/proc/self/status').read())[1])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script, *(str(tmp_path / name) for name in files)],
        cwd=ROOT,
        env={
            "DJANGO_SETTINGS_MODULE": "messenger.settings",
            "MESSENGER_HOME": str(tmp_path),
            "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    *lines, kilobytes = ran.stdout.splitlines()
    first, second, third = map(json.loads, lines)
    assert first == third
    assert first == {
        "kind": "dsn",
        "recipients": [
            {
                "address": "ann@home.example",
                "result": "Failed",
                "status": "5.1.1",
                "reply_code": "550",
                "reason": "no such mailbox",
                "rule": "report: failed, user unknown",
            }
        ],
    }
    assert second == {"kind": "unrecognised", "recipients": []}
    assert int(kilobytes) < 200 * 1024


def test_only_the_start_of_a_message_is_read() -> None:
    assert explain(dsn() + b"x" * LARGEST_READ).findings == explain(dsn()).findings
