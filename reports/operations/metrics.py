"""What Prometheus is told. Every figure costs what is left to do, or one look into an index: see `backlog`."""

from collections.abc import Iterator
from datetime import datetime
from functools import partial

import redis
from django.db.models import Max

from broadcasts.models import UNDER_WAY, Attempt, Heartbeat
from reports.operations.backlog import LANES, backlogs, by_status, doubts
from reports.operations.exposition import Metric
from reports.operations.processes import alive_for, processes
from reports.operations.queues import queue_lengths, queue_names
from tracking.models import Event, UnusedEvent, UnusedReport

counter = partial(Metric, kind="counter")


def collect(now: datetime) -> Iterator[Metric]:
    yield from _backlog(now)
    yield _doubts(now)
    yield from _broadcasts()
    yield from _running(now)
    yield _queues()
    yield from _tracking()


def _backlog(now: datetime) -> Iterator[Metric]:
    due = Metric("messenger_due_emails", "Emails that should leave now, counted up to 10001 a broadcast.")
    age = Metric("messenger_oldest_due_age_seconds", "How long the email that waits longest has waited.")
    waiting = backlogs(now)
    for lane in LANES:
        rows = [one for one in waiting if one.lane == lane]
        moments = [one.due_since for one in rows if one.due_since is not None]
        due.add(sum(one.due for one in rows), lane=lane)
        age.add((now - min(moments)).total_seconds() if moments else 0, lane=lane)
    yield due
    yield age


def _doubts(now: datetime) -> Metric:
    metric = Metric("messenger_doubtful_emails", "Emails of which no server said whether it took them.")
    found = doubts(now)
    metric.add(sum(one.rows for one in found if one.is_open), state="in_doubt")
    metric.add(sum(one.rows for one in found if not one.is_open), state="unconfirmed")
    return metric


def _broadcasts() -> Iterator[Metric]:
    counts = by_status()
    under_way = Metric("messenger_broadcasts", "Broadcasts under way, by status.")
    for status in UNDER_WAY:
        under_way.add(counts[status], status=str(status))
    yield under_way
    trouble = Metric("messenger_broadcasts_in_trouble", "Those of them that the mail server does not let go on.")
    trouble.add(counts["trouble"])
    yield trouble


def _running(now: datetime) -> Iterator[Metric]:
    found = processes(now)
    workers = Metric("messenger_workers", "Groups of worker threads that live, by the queue they serve.")
    for queue in queue_names():
        workers.add(alive_for(queue, found), queue=queue)
    yield workers
    beats = [one.beat_at for one in found if Heartbeat.SWEEP in one.serves]
    sweep = Metric("messenger_sweep_age_seconds", "Since the last round of the sweep that was told of.")
    if beats:
        sweep.add(max(0.0, (now - max(beats)).total_seconds()))
    yield sweep


def _queues() -> Metric:
    """Without Redis there are no samples: a zero would say that all is well."""
    metric = Metric("messenger_queue_messages", "Hints in the queues; the database is what counts.")
    try:
        lengths = queue_lengths()
    except (redis.RedisError, OSError):
        return metric
    for queue, length in lengths.items():
        metric.add(length, queue=queue)
    return metric


def _tracking() -> Iterator[Metric]:
    """Numbers are given upwards, so the last one counts; a few are skipped. Counting the rows would read them all."""
    for name, words, rows in (
        ("messenger_attempts_total", "Attempts to hand an email over, about.", Attempt.objects.all()),
        (
            "messenger_events_total",
            "Events that were reported of emails, about, repetitions included.",
            Event.objects,
        ),
    ):
        metric = counter(name, words)
        metric.add(rows.aggregate(last=Max("pk"))["last"] or 0)
        yield metric
    unused = Metric("messenger_unused_reports", "Reports that could not be used, for an administrator to look at.")
    unused.add(UnusedReport.objects.count(), kind="email")
    unused.add(UnusedEvent.objects.count(), kind="webhook")
    yield unused
