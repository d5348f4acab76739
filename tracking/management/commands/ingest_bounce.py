"""The door for mail servers that pass a report to a program: `ingest_bounce --recipient ADDRESS < message`."""

import os
import sys
from argparse import ArgumentParser
from email import message_from_bytes
from typing import Any

from django.core.management.base import BaseCommand
from django.db import DatabaseError

from tracking.bounces.ingesting import ingest_report

COME_AGAIN = os.EX_TEMPFAIL  # 75: the mail server keeps the report and tries later


class Command(BaseCommand):
    help = "Take in one bounce report from standard input. Exit status 75 when the database cannot take it now."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--recipient", default="", help="The address it came to; without it, its Delivered-To or X-Original-To."
        )

    def handle(self, *_args: Any, recipient: str, **_options: Any) -> None:
        raw = sys.stdin.buffer.read()
        try:
            new = ingest_report(raw, recipient or _recipient_in(raw))
        except DatabaseError as error:
            self.stderr.write(f"The database cannot take the report now: {error}")
            sys.exit(COME_AGAIN)
        self.stdout.write(f"{new} new event(s)")


def _recipient_in(raw: bytes) -> str:
    message = message_from_bytes(raw)
    return str(message["X-Original-To"] or message["Delivered-To"] or message["To"] or "")
