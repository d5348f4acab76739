"""Whether everything that an email needs is there: each check with what is wrong and what to do, in plain words."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import cache

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from broadcasts.models import Heartbeat
from reports.operations.backlog import LANES, Backlog, backlogs
from reports.operations.processes import Process, alive_for, processes
from reports.operations.queues import ask_redis, queue_names

# A worker takes rows up within seconds; this long without anybody at work means that nobody will.
MOST_LATE = timedelta(minutes=5)
# Leases and retries are told by the clocks of the machines.
MOST_SKEW = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    problem: str = ""  # neither addresses nor secrets
    remedy: str = ""

    @property
    def is_fine(self) -> bool:
        return not self.problem


def check_everything() -> list[Check]:
    found = [_check("database", _database)]
    if found[0].is_fine:
        found += [_check("migrations", _migrations), _check("clock", _clock)]
    if settings.REDIS_URL:
        found.append(_check("redis", _redis))
    if all(check.is_fine for check in found[:2]):
        with suppress(DatabaseError):  # lost between two questions: the next one will say so
            now = timezone.now()
            found += list(check_work(processes(now), backlogs(now, is_counted=False)))
    return found


def check_work(found: list[Process], waiting: list[Backlog]) -> Iterator[Check]:
    for queue in queue_names():
        yield _check(f"worker:{queue}", lambda queue=queue: _worker(queue, found))  # type: ignore[misc]
    yield _check("sweep", lambda: _sweep(found))
    for lane in LANES:
        rows = [one for one in waiting if one.lane == lane]
        yield _check(f"due:{lane}", lambda lane=lane, rows=rows: _late(lane, rows, found))  # type: ignore[misc]


Finding = tuple[str, str]
FINE: Finding = ("", "")


def _check(name: str, look: Callable[[], Finding]) -> Check:
    return Check(name, *look())


def _database() -> Finding:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        return f"The database does not answer ({type(error).__name__}).", "Start it, and compare DATABASE_URL."
    return FINE


@cache
def _known_migrations() -> frozenset[tuple[str, str]]:
    """Of the code that this process runs; reading the files takes a tenth of a second."""
    return frozenset(MigrationLoader(None).graph.leaf_nodes())


def _migrations() -> Finding:
    missing = _known_migrations() - set(MigrationRecorder(connection).applied_migrations())
    if not missing:
        return FINE
    names = ", ".join(sorted(".".join(one) for one in missing))
    return f"The database lacks {names}.", "Run: manage.py migrate"


def _clock() -> Finding:
    if connection.vendor != "postgresql":
        return FINE
    with connection.cursor() as cursor:
        before = timezone.now()
        cursor.execute("SELECT clock_timestamp()")
        skew = abs(cursor.fetchone()[0] - before)
    if skew < MOST_SKEW:
        return FINE
    words = f"The clocks of this machine and of the database are {skew.total_seconds():.0f} seconds apart."
    return words, "Let both follow the same time servers (apt install systemd-timesyncd)."


def _redis() -> Finding:
    try:
        ask_redis()
    except (redis.RedisError, OSError) as error:
        return (
            f"Redis does not answer ({type(error).__name__}).",
            "Start it, and compare REDIS_URL. No email is lost.",
        )
    return FINE


def _worker(queue: str, found: list[Process]) -> Finding:
    if alive_for(queue, found):
        return FINE
    remedy = f"Start one: the unit messenger-worker, or manage.py rundramatiq --queues {queue}"
    return f"No worker serves the queue {queue}.", remedy


def _sweep(found: list[Process]) -> Finding:
    if alive_for(Heartbeat.SWEEP, found):
        return FINE
    return "The sweep has not finished a round lately.", "Start it (manage.py sweep), or read its log."


def _late(lane: str, rows: list[Backlog], found: list[Process]) -> Finding:
    """Who waits behind others, or for a mail server in trouble, is not forgotten."""
    is_anybody_at_it = any(one.is_alive and lane in one.serves and "broadcast" in one.works_on for one in found)
    moments = [row.due_since for row in rows if row.due_since is not None and row.trouble_since is None]
    late = timezone.now() - min(moments) if moments else timedelta()
    if is_anybody_at_it or late < MOST_LATE:
        return FINE
    minutes = int(late.total_seconds() // 60)
    return f"Emails wait since {minutes} minutes and nobody works on them.", f"Restart the workers of {lane}."
