"""The sweep as a loop: a thread of the serving process, or a process of its own."""

import logging
import threading

from django.db import close_old_connections

from broadcasts.actors import sweep_and_wake

INTERVAL_SECONDS = 1.0
log = logging.getLogger(__name__)


def sweep_until(stop: threading.Event) -> None:
    """Sweep every second. Nothing that happens in one round ends the loop."""
    while not stop.is_set():
        close_old_connections()
        try:
            sweep_and_wake()
        except Exception:
            log.exception("A round of the sweep failed; the next one is due in a second.")
        stop.wait(INTERVAL_SECONDS)
