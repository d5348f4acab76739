import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from tracking.bounces.listener import BounceListener


class Command(BaseCommand):
    help = "Take reports about undelivered email in by SMTP or LMTP, at REPORTS_LISTEN, until stopped."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--lmtp",
            action="store_true",
            default=settings.REPORTS_PROTOCOL == "lmtp",
            help="Speak LMTP (RFC 2033), as a mail server on this machine hands email over; the same as "
            "REPORTS_PROTOCOL=lmtp.",
        )

    def handle(self, *_args: Any, lmtp: bool, **_options: Any) -> None:
        if not settings.BOUNCE_DOMAIN:
            raise CommandError("Set BOUNCE_DOMAIN to the domain to which reports come back.", returncode=2)
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        host, _, port = settings.REPORTS_LISTEN.rpartition(":")
        listener = BounceListener(host, int(port), lmtp=lmtp)
        listener.start()
        self.stdout.write("Listening for reports at {}:{} ({})".format(*listener.address, "LMTP" if lmtp else "SMTP"))
        self.stdout.flush()
        stop.wait()
        listener.stop()
