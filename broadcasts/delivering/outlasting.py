"""A database that is away for a moment: what a worker has heard meanwhile is worth waiting for its return."""

import time
from collections.abc import Callable
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection

AWAY = (OperationalError, InterfaceError)
LOOK_AGAIN_SECONDS = 0.5

Found = TypeVar("Found")


def outlast(deed: Callable[[], Found], seconds: float) -> Found:
    """Do it, if need be again and again for this long over new connections. Safe only for what may be done twice."""
    end = time.monotonic() + seconds
    while True:
        try:
            return deed()
        except AWAY:
            if connection.in_atomic_block or time.monotonic() >= end:
                raise
            connection.close()
            time.sleep(LOOK_AGAIN_SECONDS)
