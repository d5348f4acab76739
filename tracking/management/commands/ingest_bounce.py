"""The door for mail servers that pass a report to a program: `ingest_bounce --recipient ADDRESS < message`."""

import os
import sys
from argparse import ArgumentParser
from email import message_from_bytes
from email.utils import getaddresses
from typing import Any

from django.core.management.base import BaseCommand
from django.db import DatabaseError

from tracking.bounces.ingesting import ingest_report, token_of_address

COME_AGAIN = os.EX_TEMPFAIL  # 75: the mail server keeps the report and tries later
RECIPIENT_HEADERS = ("X-Original-To", "Delivered-To", "To")


class Command(BaseCommand):
    help = "Take in one bounce report from standard input. Exit status 75 when the database cannot take it now."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--recipient", default="", help="The address it came to; without it, the one that its headers name."
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
    """Of the addresses it names, the one that is ours; otherwise the likeliest, for whoever looks at it later."""
    message = message_from_bytes(raw)
    headers = [str(value) for name in RECIPIENT_HEADERS for value in message.get_all(name, [])]
    # One at a time: newer Pythons return nothing for all when one of them is malformed.
    addresses = [address for header in headers for _name, address in getaddresses([header]) if address]
    return next(filter(token_of_address, addresses), addresses[0] if addresses else "")
