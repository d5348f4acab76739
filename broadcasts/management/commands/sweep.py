import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand

from broadcasts.delivering.sweeper import sweep_until


class Command(BaseCommand):
    help = "Wake the workers for whatever is due, every second, until stopped. More than one may run."

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        sweep_until(stop)
