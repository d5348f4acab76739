"""What other rooms want done every few seconds: the sweep does it, wherever it runs.

They register here when Django starts, since this room knows nothing of theirs.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

log = logging.getLogger(__name__)


@dataclass
class Round:
    """`do` gets the time, and must bound what it does: sweeping waits meanwhile. Two processes may do it at once."""

    name: str
    every_seconds: float
    do: Callable[[datetime], object]
    due_at: float = 0.0  # by time.monotonic


_rounds: dict[str, Round] = {}


def do_regularly(name: str, every_seconds: float, do: Callable[[datetime], object]) -> None:
    _rounds[name] = Round(name, every_seconds, do)


def do_what_is_due() -> None:
    """Whatever happens in one of them keeps nothing else from being done."""
    for one in _rounds.values():
        if time.monotonic() >= one.due_at:
            one.due_at = time.monotonic() + one.every_seconds
            try:
                one.do(timezone.now())
            except Exception:
                log.exception("%s failed; the next time is in %s seconds.", one.name, one.every_seconds)
