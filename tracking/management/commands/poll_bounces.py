"""The door for those whose reports collect in a mailbox: reads what is unread there, once or again and again."""

import os
import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseTrouble
from django.db import close_old_connections

from tracking.bounces.polling import MailboxTrouble, poll_mailbox


class Command(BaseCommand):
    help = "Read reports about undelivered email out of the mailbox that BOUNCE_IMAP_URL names."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--every", type=float, default=0, metavar="SECONDS", help="Go on until stopped, with this pause."
        )

    def handle(self, *_args: Any, every: float, **_options: Any) -> None:
        if not settings.BOUNCE_IMAP_URL:
            words = "Set BOUNCE_IMAP_URL to the mailbox: imaps://user:password@mail.example.org/INBOX"
            raise CommandError(words, returncode=2)
        if every <= 0:
            self._poll()
            return
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        while not stop.wait(every):
            self._poll_again()

    def _poll(self) -> None:
        try:
            messages, events = poll_mailbox(settings.BOUNCE_IMAP_URL)
        except (MailboxTrouble, DatabaseTrouble) as error:
            raise CommandError(f"The mailbox could not be read now: {error}", returncode=os.EX_TEMPFAIL) from error
        self.stdout.write(f"{messages} message(s), {events} new event(s)")
        self.stdout.flush()

    def _poll_again(self) -> None:
        close_old_connections()
        try:
            self._poll()
        except CommandError as error:
            self.stderr.write(str(error))
