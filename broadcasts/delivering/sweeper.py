"""The sweep as a loop: a thread of the serving process, or a process of its own."""

import logging
import threading
import time
from contextlib import suppress

from django.db import DatabaseError, close_old_connections
from django.utils import timezone

from broadcasts.actors import sweep_and_wake
from broadcasts.at_work import process_name
from broadcasts.delivering.rounds import do_what_is_due
from broadcasts.heartbeats import BEAT_SECONDS, beat, forget, forget_silent
from broadcasts.models import Heartbeat

INTERVAL_SECONDS = 1.0
log = logging.getLogger(__name__)


def sweep_until(stop: threading.Event) -> None:
    """Sweep every second. Nothing that happens in one round ends the loop."""
    name, started_at = f"{process_name()}:sweep", timezone.now()
    told = time.monotonic() - BEAT_SECONDS
    while not stop.is_set():
        close_old_connections()
        try:
            sweep_and_wake()
            do_what_is_due()
            # Only after a whole round: whoever reads it learns that rounds succeed, not that a process is there.
            if time.monotonic() - told >= BEAT_SECONDS:
                beat(name, Heartbeat.SWEEP, started_at)
                forget_silent(timezone.now())
                told = time.monotonic()
        except Exception:
            log.exception("A round of the sweep failed; the next one is due in a second.")
        stop.wait(INTERVAL_SECONDS)
    with suppress(DatabaseError):
        forget(name)
