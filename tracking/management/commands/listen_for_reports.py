import signal
import threading
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from tracking.bounces.listener import BounceListener


class Command(BaseCommand):
    help = "Take reports about undelivered email in by SMTP, at REPORTS_LISTEN, until stopped."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.BOUNCE_DOMAIN:
            raise CommandError("Set BOUNCE_DOMAIN to the domain to which reports come back.", returncode=2)
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        host, _, port = settings.REPORTS_LISTEN.rpartition(":")
        listener = BounceListener(host, int(port))
        listener.start()
        self.stdout.write("Listening for reports at {}:{}".format(*listener.address))
        self.stdout.flush()
        stop.wait()
        listener.stop()
