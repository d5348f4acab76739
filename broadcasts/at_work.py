"""What each thread is at work on: for its process's heartbeat and for its log lines."""

import os
import socket
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Work:
    what: str
    pk: int

    def __str__(self) -> str:
        return f"{self.what} {self.pk}"


_by_thread: dict[int, Work] = {}


@contextmanager
def at_work_on(what: str, pk: int) -> Iterator[None]:
    thread = threading.get_ident()
    before = _by_thread.get(thread)
    _by_thread[thread] = Work(what, pk)
    try:
        yield
    finally:
        if before is None:
            del _by_thread[thread]
        else:
            _by_thread[thread] = before


def work_of_this_thread() -> Work | None:
    return _by_thread.get(threading.get_ident())


def work_of(threads: Collection[int | None]) -> list[Work]:
    """What these threads are at, each thing once."""
    found = {work for thread, work in dict(_by_thread).items() if thread in threads}
    return sorted(found, key=lambda work: (work.what, work.pk))


def process_name() -> str:
    """Unique among all machines as long as their names are."""
    return f"{socket.gethostname()}:{os.getpid()}"
