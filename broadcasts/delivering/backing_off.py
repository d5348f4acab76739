"""Domains that want email more slowly are left alone for a growing while; nobody else waits for them.

Known to this process only: what it learns reaches the others by the rows that it puts off.
"""

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from broadcasts.delivering.ledger import Outcome
from broadcasts.delivering.replies import classify
from broadcasts.models import Attempt

FIRST, LONGEST = timedelta(seconds=30), timedelta(minutes=15)
# Too long for an alarm, whoever asks.
LONGEST_FOR_AN_EMERGENCY = timedelta(minutes=1)
ENOUGH = 10  # deferrals in a row ...
SAYS_SO = 4  # ... of which those that ask for patience count more
ASKS_FOR_PATIENCE = {"too much at once", "too many recipients"}
# It says nothing about the next recipient.
ABOUT_ONE = {"mailbox full"}


@dataclass(slots=True)
class _Standing:
    deferred: int = 0
    since: datetime | None = None
    wait: timedelta = timedelta(0)


class SlowDomains:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._domains: dict[str, _Standing] = {}

    def until(self, domain: str, now: datetime, *, is_emergency: bool) -> datetime | None:
        """When it may be written to again; None: now."""
        standing = self._domains.get(domain)
        if standing is None or standing.since is None:
            return None
        wait = min(standing.wait, LONGEST_FOR_AN_EMERGENCY) if is_emergency else standing.wait
        return standing.since + wait if standing.since + wait > now else None

    def note(self, domain: str, outcome: Outcome) -> None:
        if outcome.outcome == Attempt.Outcome.ACCEPTED:
            if domain in self._domains:
                with self._lock:
                    self._domains.pop(domain, None)
        elif outcome.outcome == Attempt.Outcome.DEFERRED and (weight := _weight(outcome)):
            with self._lock:
                self._count(self._domains.setdefault(domain, _Standing()), weight, outcome.at)

    def _count(self, standing: _Standing, weight: int, at: datetime) -> None:
        if standing.since is not None and at < standing.since + standing.wait:
            return  # it was on the wire already
        standing.deferred += weight
        if standing.deferred >= ENOUGH or standing.since is not None:
            standing.since = at
            standing.wait = min(max(standing.wait * 2, FIRST), LONGEST)
            standing.deferred = 0

    def forget(self) -> None:
        with self._lock:
            self._domains.clear()


def _weight(outcome: Outcome) -> int:
    """A greylisting server wants each recipient once more, later: with fewer first attempts that takes longer."""
    words = outcome.text.lower()
    if "greylist" in words or "graylist" in words:
        return 0
    rule = outcome.rule or classify(outcome.code, outcome.enhanced_code, outcome.text, outcome.phase).rule
    if rule in ABOUT_ONE:
        return 0
    return SAYS_SO if rule in ASKS_FOR_PATIENCE else 1


def domain_of(address: str) -> str:
    return address.rpartition("@")[2].lower()


SLOW_DOMAINS = SlowDomains()
