"""Every process of workers, and the sweep, says every few seconds that it is there and what it works on."""

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import dramatiq
from django.apps import apps
from django.db import DatabaseError, close_old_connections, connection
from django.utils import timezone

from broadcasts.at_work import process_name, work_of

BEAT_SECONDS = 5.0
# Longer than SQLite lets a writer wait for another.
SILENT_AFTER = timedelta(seconds=30)
FORGOTTEN_AFTER = timedelta(minutes=15)
log = logging.getLogger(__name__)
_stopping = threading.Event()


def is_stopping() -> bool:
    """This process has been told to end: take up nothing new."""
    return _stopping.is_set()


def beat(name: str, serves: str, started_at: datetime, works_on: str = "") -> None:
    now = timezone.now()
    said = {"serves": serves, "works_on": works_on[:200], "started_at": started_at, "beat_at": now}
    _rows().update_or_create(name=name[:200], defaults=said)


def forget(name: str) -> None:
    """It has ended as it should."""
    _rows().filter(name=name[:200]).delete()


def forget_silent(now: datetime) -> int:
    """Those of whom nothing was heard for so long that nobody asks for them any more."""
    return int(_rows().filter(beat_at__lt=now - FORGOTTEN_AFTER).delete()[0])


def _rows() -> Any:
    """The broker is made, and this module read, before there are models."""
    return apps.get_model("broadcasts", "Heartbeat").objects


class Beating:
    """Tells of one group of worker threads until it is stopped."""

    def __init__(self, name: str, queues: str, busy_with: Callable[[], str]) -> None:
        self._name, self._serves, self._busy_with = name, queues, busy_with
        self._started_at, self._woken, self._ended = timezone.now(), threading.Event(), False
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
        self._thread.start()

    def take_up_nothing_new(self) -> None:
        self._serves = ""
        self._woken.set()

    def end(self) -> None:
        self._ended = True
        self._woken.set()
        self._thread.join(BEAT_SECONDS)

    def _run(self) -> None:
        try:
            while not self._ended:
                self._try(lambda: beat(self._name, self._serves, self._started_at, self._busy_with()))
                self._woken.wait(BEAT_SECONDS)
                self._woken.clear()
            self._try(lambda: forget(self._name))
        finally:
            connection.close()

    def _try(self, deed: Callable[[], None]) -> None:
        """Work goes on without it; the next one is due in a moment."""
        close_old_connections()
        try:
            deed()
        except DatabaseError as error:
            log.warning("A heartbeat could not be written: %s", type(error).__name__)


class Heartbeats(dramatiq.Middleware):
    """dramatiq tells when a group of worker threads starts and ends."""

    def __init__(self) -> None:
        self._beating: dict[dramatiq.Worker, Beating] = {}

    def after_worker_boot(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        _stopping.clear()
        queues = " ".join(sorted(worker.consumer_whitelist or broker.get_declared_queues()))
        group = "-".join(queues.split())
        self._beating[worker] = Beating(f"{process_name()}:{group}", queues, lambda: _busy_with(worker))

    def before_worker_shutdown(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:  # noqa: ARG002
        _stopping.set()
        if beating := self._beating.get(worker):
            beating.take_up_nothing_new()

    def after_worker_shutdown(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:  # noqa: ARG002
        if beating := self._beating.pop(worker, None):
            beating.end()


def _busy_with(worker: dramatiq.Worker) -> str:
    return ", ".join(str(work) for work in work_of({thread.ident for thread in worker.workers}))
