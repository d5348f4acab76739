"""The open conversations of one worker: opened one by one, watched together, closed when they have nothing to say."""

import selectors
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from types import TracebackType
from typing import Generic, Self, TypeVar

from broadcasts.delivering.conversing import Conversation
from broadcasts.delivering.trouble import MailServerTrouble

Job = TypeVar("Job")
# Greeting, TLS and sign-in take several round trips: others go on meanwhile.
AT_ONCE = 4
NOT_AGAIN_FOR_SECONDS = 5.0
LOOK_AFTER_SECONDS = 0.02


class Lines(Generic[Job]):
    """`most` conversations at once. The first one shows whether the server does its work; then the others follow."""

    def __init__(
        self,
        open_line: Callable[[], Conversation[Job]],
        most: int,
        open_for_utf8: Callable[[], Conversation[Job] | None],
    ) -> None:
        self._open_line, self._most, self._open_for_utf8 = open_line, most, open_for_utf8
        self._selector = selectors.DefaultSelector()
        self._pool = ThreadPoolExecutor(AT_ONCE, "connecting")
        self._opening: list[Future[Conversation[Job]]] = []
        self._not_before = 0.0
        self._watched: dict[Conversation[Job], int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
        for one in self._opening:
            with suppress(Exception):
                one.result().end()
        for line in list(self._watched):
            self._forget(line)
            line.end()
        self._selector.close()

    def __iter__(self) -> Iterator[Conversation[Job]]:
        return iter(self._watched)

    def __len__(self) -> int:
        return len(self._watched)

    def have(self, wanted: int) -> None:
        """At least one, at once; more of them by and by. Raises MailServerTrouble when there is none to be had."""
        self._take_opened()
        if not self._watched and not self._opening:
            self._watch(self._open_line())
        if time.monotonic() >= self._not_before:
            missing = min(wanted, self._most) - len(self._watched) - len(self._opening)
            self._opening += [self._pool.submit(self._open_line) for _ in range(min(missing, AT_ONCE))]
        if not self._watched:
            self._watch(self._opening.pop(0).result())

    def have_for_utf8(self) -> bool:
        """One of them that takes addresses in UTF-8. Raises MailServerTrouble when only an absent server may."""
        if any(line.takes_utf8 and line.is_open for line in self._watched):
            return True
        line = self._open_for_utf8()
        if line is not None:
            self._watch(line)
        return line is not None

    def wait(self, seconds: float) -> list[Conversation[Job]]:
        """Until something arrives, at most this long; the conversations that have something to tell."""
        for line, interest in self._watched.items():
            if line.wants_to_write:
                line.write()
            if not line.is_open:
                seconds = 0
                continue
            wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if line.wants_to_write else 0)
            if wanted != interest:
                self._selector.modify(line.sock, wanted, line)
                self._watched[line] = wanted
        for key, mask in self._selector.select(min(seconds, LOOK_AFTER_SECONDS) if self._opening else seconds):
            line = key.data
            if mask & selectors.EVENT_WRITE:
                line.write()
            if mask & selectors.EVENT_READ and line.is_open:
                line.read()
        now = time.monotonic()
        for line in self._watched:
            line.look_at_clock(now)
        return self.take_told()

    def take_told(self) -> list[Conversation[Job]]:
        """Those with events; the ended ones are forgotten."""
        told = [line for line in self._watched if line.events]
        for line in [line for line in self._watched if not line.is_open]:
            self._forget(line)
        return told

    def _take_opened(self) -> None:
        for one in [one for one in self._opening if one.done()]:
            self._opening.remove(one)
            try:
                self._watch(one.result())
            except MailServerTrouble:
                # Many servers limit the connections of one client: fewer will do.
                self._not_before = time.monotonic() + NOT_AGAIN_FOR_SECONDS

    def _watch(self, line: Conversation[Job]) -> None:
        self._selector.register(line.sock, selectors.EVENT_READ, line)
        self._watched[line] = selectors.EVENT_READ

    def _forget(self, line: Conversation[Job]) -> None:
        if self._watched.pop(line, None) is not None:
            with suppress(KeyError, ValueError):
                self._selector.unregister(line.sock)
