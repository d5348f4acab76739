"""Opens wait in memory for a tenth of a second and are applied together: a set costs little more than one.

What was answered is applied when the process is asked to stop; what a kill loses is in docs/decisions/0024.
"""

import logging
import os
import threading
from collections.abc import Sequence
from itertools import islice
from multiprocessing.util import Finalize

from django.db import InterfaceError, OperationalError, close_old_connections, connections
from django.utils import timezone

from tracking.opening import Fetch, Look, record_opens

SECONDS = 0.1
# Without the database, it is asked again after this long.
AWAY_SECONDS = 2.0
# A stop does not wait longer than this for a database that does not answer.
STOP_SECONDS = 20
# Different fetches, of some 600 bytes each, are kept in memory, however long the database is away.
MOST_KEPT = 20_000
# In one transaction, so that nobody waits long for its locks.
TOGETHER = 1_000
log = logging.getLogger(__name__)


class Buffer:
    """One for each process. Its thread starts with the first fetch, when the server has made its processes."""

    def __init__(self) -> None:
        self._start_anew()
        os.register_at_fork(after_in_child=self._start_anew)

    def _start_anew(self) -> None:
        self._kept: dict[tuple[Fetch, int], Look] = {}  # by fetch and day
        self._lock = threading.Lock()
        self._recording = threading.Lock()
        self._filled = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._is_away = False
        self._lost = 0

    def add(self, fetch: Fetch) -> None:
        """From any thread, in microseconds; when it is full, as long as the database needs."""
        now = timezone.now()
        look = Look(fetch, now, now)
        if not self._keep(look):
            self._write_through(look)
        if self._thread is None:
            self._start()
        if not self._filled.is_set():
            self._filled.set()

    def flush(self) -> None:
        """Apply what is there; what the database cannot take now is kept."""
        with self._recording:
            for _ in range(len(self._kept) // TOGETHER + 1):
                looks = self._take()
                if not looks or not self._record(looks):
                    return

    def stop(self) -> None:
        """Apply all that was added. Safe to repeat."""
        self._stopping.set()
        self._filled.set()
        if self._thread:
            self._thread.join(STOP_SECONDS)
        if self._kept:
            log.error("%s opens are lost: the database did not answer", len(self._kept))

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="opens", daemon=True)
                self._thread.start()
                # Also runs in granian's worker processes, where atexit does not.
                Finalize(None, self.stop, exitpriority=100)

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self._filled.wait()
                self._stopping.wait(AWAY_SECONDS if self._is_away else SECONDS)
                self._filled.clear()
                self.flush()
                if self._kept:
                    self._filled.set()
            self.flush()  # what came while the last set was being written
        finally:
            connections.close_all()

    def _keep(self, look: Look) -> bool:
        key = (look.fetch, look.first.toordinal())
        with self._lock:
            known = self._kept.get(key)
            if known:
                first, last = min(known.first, look.first), max(known.last, look.last)
                look = Look(look.fetch, first, last, known.times + look.times)
            elif len(self._kept) >= MOST_KEPT:
                return False
            self._kept[key] = look
            return True

    def _write_through(self, look: Look) -> None:
        """Too many for the thread alone: who adds helps, and thereby waits. Nobody waits for an absent database."""
        if not self._is_away:
            self.flush()
        if not self._keep(look):
            self._lost += 1

    def _take(self) -> list[Look]:
        with self._lock:
            keys = list(islice(self._kept, TOGETHER))
            return [self._kept.pop(key) for key in keys]

    def _record(self, looks: Sequence[Look]) -> bool:
        try:
            close_old_connections()
            record_opens(looks)
        except (OperationalError, InterfaceError) as error:
            self._note_away(error)
            self._lost += sum(not self._keep(look) for look in looks)
            return False
        except Exception:
            # The thread goes on whatever happened: there is no other.
            log.exception("Opens could not be recorded")
            if len(looks) > 1:
                taken = [self._record([look]) for look in looks]
                return all(taken)
        self._note_back()
        return True

    def _note_away(self, error: Exception) -> None:
        if not self._is_away:
            log.error("Opens wait for the database", exc_info=error)
        self._is_away = True

    def _note_back(self) -> None:
        if self._lost:
            log.error("%s opens were lost while the database was away", self._lost)
        self._is_away, self._lost = False, 0
