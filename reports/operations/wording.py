"""The status as lines for a person."""

from collections.abc import Iterator
from datetime import datetime

from django.conf import settings

from reports.operations.backlog import LANES, MOST_COUNTED, Backlog, Doubts
from reports.operations.processes import Process
from reports.operations.status import Status


def describe(status: Status) -> Iterator[str]:
    yield f"Delivering at {status.at:%Y-%m-%d %H:%M:%S} UTC"
    for lane in LANES:
        yield from _lane(lane, [one for one in status.backlogs if one.lane == lane], status.at)
    yield from _doubts(status)
    yield from _processes(status)
    yield from _queues(status)
    yield ""
    yield "Wrong, and what to do:" if status.problems else "All is well."
    for check in status.problems:
        yield f"  {check.problem}"
        if check.remedy:
            yield f"    -> {check.remedy}"


def _lane(lane: str, rows: list[Backlog], now: datetime) -> Iterator[str]:
    yield ""
    yield f"Due ({lane}): {_many(sum(one.due for one in rows))} emails of {len(rows)} broadcasts"
    for one in rows:
        waited = f", the oldest for {_span(one.due_since, now)}" if one.due_since else ""
        trouble = f"; trouble: {one.trouble}" if one.trouble_since else ""
        due = f"{_many(one.due)} due" if one.due else "about to start"
        yield f"  broadcast {one.broadcast} “{one.name}”: {due}{waited}{trouble}"


def _doubts(status: Status) -> Iterator[str]:
    yield ""
    yield f"Nobody can vouch for: {_many(sum(one.rows for one in status.doubts))} emails"
    for one in status.doubts:
        yield f"  broadcast {one.broadcast}: {_many(one.rows)} {_outlook(one)}, since {_span(one.since, status.at)}"


def _outlook(one: Doubts) -> str:
    if not one.is_open:
        return "unconfirmed (not sent again, by its type or after repetitions; a report settles them)"
    minutes = settings.IN_DOUBT_GRACE_SECONDS // 60
    return f"in doubt (reports may settle them; after {minutes} minutes they are decided as their type says)"


def _processes(status: Status) -> Iterator[str]:
    yield ""
    yield f"Working: {sum(one.is_alive for one in status.processes)} groups"
    for one in status.processes:
        yield f"  {one.name}: {_doing(one)}, last heard of {_span(one.beat_at, status.at)} ago"


def _doing(one: Process) -> str:
    if not one.is_alive:
        return "SILENT; its rows are taken back when their lease runs out"
    return one.works_on or ("waits for work" if one.serves else "is stopping")


def _queues(status: Status) -> Iterator[str]:
    yield ""
    lengths = ", ".join(f"{name} {length}" for name, length in status.queues.items())
    without = "Redis does not answer" if settings.REDIS_URL else "inside the process of manage.py serve"
    yield f"Queues: {lengths or without}"


def _many(count: int) -> str:
    return f"more than {MOST_COUNTED}" if count > MOST_COUNTED else str(count)


def _span(since: datetime | None, now: datetime) -> str:
    seconds = max(0, int((now - since).total_seconds())) if since else 0
    minutes, hours = seconds // 60, seconds // 3600
    if seconds < 120:
        return f"{seconds} s"
    return f"{minutes} min" if minutes < 120 else f"{hours} h"
