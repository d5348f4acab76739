"""Sharing the work among several mail servers, and leaving those in trouble out for a while."""

import threading
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from django.db.models.functions import Coalesce

from broadcasts.delivering.conversing import Conversation
from broadcasts.delivering.limits import Limits
from broadcasts.delivering.naming_relays import Relay
from broadcasts.delivering.trouble import MailServerTrouble
from broadcasts.models import RelayTrouble

Job = TypeVar("Job")
SHORTEST_OUT, LONGEST_OUT = timedelta(seconds=10), timedelta(minutes=2)


def without_trouble(relays: Sequence[Relay], now: datetime) -> list[Relay]:
    """Those that are not left out now; perhaps none."""
    out = set(RelayTrouble.objects.filter(until__gt=now).values_list("relay", flat=True))
    return [relay for relay in relays if relay.name not in out]


def leave_out(relay: str, words: str, now: datetime) -> None:
    """The longer its trouble lasts, the longer until it is tried again."""
    row, _ = RelayTrouble.objects.get_or_create(
        relay=relay, defaults={"words": words[:500], "since": now, "until": now + SHORTEST_OUT}
    )
    pause = min(max((now - row.since) / 4, SHORTEST_OUT), LONGEST_OUT)
    RelayTrouble.objects.filter(pk=row.pk).update(words=words[:500], until=Coalesce(now + pause, "until"))


def take_back(relays: Collection[str]) -> None:
    """They have taken an email again."""
    if relays:
        RelayTrouble.objects.filter(relay__in=relays).delete()


class Switchboard(Generic[Job]):
    """Opens the lines of one worker, over each mail server in proportion to its weight.

    Lines are opened by threads that must not touch the database: what they met with is in `failed`.
    """

    def __init__(
        self, relays: Sequence[Relay], open_one: Callable[[Relay], Conversation[Job]], most: int, limits: Limits
    ) -> None:
        self.relays, self._open_one, self._limits = relays, open_one, limits
        named = [relay.connections for relay in relays if relay.connections]
        # Lines at once, over all of them.
        self.most = sum(named) if len(named) == len(relays) else max(most, len(relays), sum(named))
        self.failed: dict[str, str] = {}  # relay → its words
        self.are_all = True  # none is left out for now
        self._lock = threading.Lock()
        self._opening: list[Relay] = []
        self._opened: list[tuple[Relay, Conversation[Job]]] = []

    @property
    def has_others(self) -> bool:
        return len(self.relays) > 1

    def open_line(self) -> Conversation[Job]:
        """Raises MailServerTrouble when none of them can be reached, or has room."""
        tried: list[Relay] = []
        trouble = MailServerTrouble("")
        while (relay := self._choose(tried)) is not None:
            tried.append(relay)
            try:
                return self._open(relay)
            except MailServerTrouble as error:
                trouble = error
        raise trouble

    def open_for_utf8(self) -> Conversation[Job] | None:
        """A line that takes addresses in UTF-8, when none is open; None: none of these mail servers does.

        For those whom no line has told of yet, so few: it may be one more than the server was to have. Raises
        MailServerTrouble when one that cannot be asked now might.
        """
        with self._lock:
            lacking = [relay for relay, line in self._opened if not line.takes_utf8]
        trouble = None if self.are_all else MailServerTrouble("")
        for relay in self.relays:
            if relay in lacking:
                continue
            with self._lock:
                self._opening.append(relay)
            try:
                line = self._open(relay)
            except MailServerTrouble as error:
                trouble = error
                continue
            if line.takes_utf8:
                return line
            line.end()
        if trouble:
            raise trouble
        return None

    def _open(self, relay: Relay) -> Conversation[Job]:
        try:
            line = self._open_one(relay)
        except MailServerTrouble as error:
            self._note_failure(relay, str(error))
            raise
        else:
            line.relay = relay.name
            with self._lock:
                self._opened.append((relay, line))
            return line
        finally:
            with self._lock:
                self._opening.remove(relay)

    def _choose(self, tried: Collection[Relay]) -> Relay | None:
        """The one that has least of what its weight gives it."""
        with self._lock:
            lines = [*self._opening, *(relay for relay, line in self._opened if line.is_open)]
            free = [
                relay
                for relay in self.relays
                if relay not in tried and (relay.connections is None or lines.count(relay) < relay.connections)
            ]
            if not free:
                return None
            chosen = min(free, key=lambda relay: (*self._is_hopeless(relay), (lines.count(relay) + 1) / relay.weight))
            self._opening.append(chosen)
            return chosen

    def _is_hopeless(self, relay: Relay) -> tuple[bool, bool]:
        return relay.name in self.failed, not self._limits.may_use(relay.name)

    def _note_failure(self, relay: Relay, words: str) -> None:
        """Many servers limit the connections of one client: with one that is open, fewer will do."""
        with self._lock:
            if not any(other is relay and line.is_open for other, line in self._opened):
                self.failed[relay.name] = words

    def tell_others(self, now: datetime) -> None:
        """What all workers should know of these mail servers."""
        if not self.has_others:
            return
        for relay, words in self.failed.items():
            leave_out(relay, words, now)
        take_back({line.relay for _, line in self._opened if line.messages} - set(self.failed))
