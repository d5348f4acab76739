"""How delivering stands at this moment, for an administrator at the shell."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import redis
from django.conf import settings
from django.utils import timezone

from reports.operations.backlog import Backlog, Doubts, backlogs, doubts
from reports.operations.processes import Process, processes
from reports.operations.queues import queue_lengths
from reports.operations.readiness import Check, check_everything

# The sweep ends a doubt within a round; a minute more means that it does not.
MORE_THAN_GRACE = timedelta(seconds=60)


@dataclass(slots=True)
class Status:
    at: datetime
    problems: list[Check]
    backlogs: list[Backlog] = field(default_factory=list)
    doubts: list[Doubts] = field(default_factory=list)
    processes: list[Process] = field(default_factory=list)
    queues: dict[str, int] = field(default_factory=dict)


def take_status() -> Status:
    now = timezone.now()
    checks = check_everything()
    status = Status(now, [check for check in checks if not check.is_fine])
    if all(check.is_fine for check in checks if check.name in ("database", "migrations")):
        status.backlogs, status.doubts, status.processes = backlogs(now), doubts(now), processes(now)
        status.problems += [*_troubles(status), *_old_doubts(status)]
    if settings.REDIS_URL:  # otherwise they are inside the serving process, out of our sight
        with suppress(redis.RedisError, OSError):
            status.queues = queue_lengths()
    return status


def _troubles(status: Status) -> Iterator[Check]:
    for one in status.backlogs:
        if one.trouble_since:
            words = (
                f"Broadcast {one.broadcast} is in trouble since {one.trouble_since:%Y-%m-%d %H:%M} UTC: {one.trouble}"
            )
            remedy = "Mend the mail server or MAIL_URL; sending goes on by itself. Nobody is marked for it."
            yield Check(f"trouble:{one.broadcast}", words, remedy)


def _old_doubts(status: Status) -> Iterator[Check]:
    """A lease, then the grace for reports; then the sweep decides."""
    grace = timedelta(seconds=settings.LEASE_SECONDS + settings.IN_DOUBT_GRACE_SECONDS) + MORE_THAN_GRACE
    for one in status.doubts:
        if one.is_open and one.since is not None and one.since < status.at - grace:
            words = f"Emails of broadcast {one.broadcast} are in doubt since {one.since:%Y-%m-%d %H:%M} UTC."
            yield Check(f"doubt:{one.broadcast}", words, "The sweep should have decided about them: read its log.")
