"""The door for mail servers that pass a report to a program: `ingest_bounce --recipient ADDRESS < message`."""

import json
import os
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tracking.bounces.explaining import LARGEST_READ, explain
from tracking.bounces.ingesting import ingest_report
from tracking.bounces.naming import recipient_in

COME_AGAIN = os.EX_TEMPFAIL  # 75: the mail server keeps the report and tries later
GULP = 1024 * 1024


class Command(BaseCommand):
    help = "Take in one bounce report from standard input. Exit status 75 when the database cannot take it now."
    requires_system_checks = ()  # a mail server starts this for every report; --explain needs no database

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--recipient", default="", help="The address it came to; without it, the one that its headers name."
        )
        parser.add_argument(
            "--explain",
            nargs="+",
            metavar="FILE",
            help="Store nothing: print a line of JSON for each file, saying what kind of report it is and what it "
            "says about whom.",
        )

    def handle(self, *_args: Any, recipient: str, explain: list[str] | None, **_options: Any) -> None:
        if explain:
            for name in explain:
                self.stdout.write(_explanation(Path(name)))
            return
        raw = _read_start()
        try:
            new = ingest_report(raw, recipient or recipient_in(raw))
        except Exception as error:  # noqa: BLE001 - any other status would make the mail server throw the report away
            self.stderr.write(f"The report cannot be taken now: {type(error).__name__}: {error}")
            sys.exit(COME_AGAIN)
        self.stdout.write(f"{new} new event(s)")


def _read_start() -> bytes:
    """All of it is taken off the mail server's hands; what is read stands at the start."""
    raw = sys.stdin.buffer.read(LARGEST_READ)
    while sys.stdin.buffer.read(GULP):
        pass
    return raw


def _explanation(path: Path) -> str:
    try:
        with path.open("rb") as file:
            report = explain(file.read(LARGEST_READ))
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}", returncode=os.EX_NOINPUT) from error
    recipients = [finding.as_json() for finding in report.findings]
    return json.dumps({"kind": report.kind, "recipients": recipients}, ensure_ascii=False)
