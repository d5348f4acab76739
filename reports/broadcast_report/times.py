"""How long emails took to arrive, and when they were opened: by people and by machines, apart."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from broadcasts.models import Broadcast
from broadcasts.results import Result

HOUR, DAY = 3600, 24 * 3600
MOST_HOURS, MOST_DAYS = 48, 30
# The first of each kind per delivery. An opening by the mailbox counts where nobody else opened, as everywhere here.
# Seconds matter in the first hour only; opens go by the hour.
_COUNT = f"""
SELECT what, seconds - seconds %% CASE WHEN what <> 'delivered' THEN {HOUR} WHEN seconds < {HOUR} THEN 1 ELSE 60 END,
    count(*)
FROM (
    SELECT what, {{seconds}} AS seconds FROM (
        SELECT CASE WHEN event.kind = 'delivered' THEN 'delivered'
            WHEN event.label IN ('', 'person', 'unsure') THEN 'people' ELSE 'machines' END AS what,
            min(event.at) AS at
        FROM tracking_event AS event JOIN broadcasts_delivery AS delivery ON delivery.id = event.delivery_id
        WHERE delivery.broadcast_id = %s AND event.kind IN ('delivered', 'opened', 'clicked')
            AND (event.kind = 'delivered' OR event.label IN ('', 'person', 'unsure')
                OR (event.kind = 'opened' AND event.label = 'automatic' AND delivery.result < {Result.OPENED.value}))
        GROUP BY delivery.id, 1
    ) AS firsts
) AS since GROUP BY 1, 2
"""  # noqa: S608 - numbers of our own
_SECONDS = {
    "postgresql": "greatest(0, CAST(floor(date_part('epoch', at) - %s) AS integer))",
    "sqlite": "max(0, CAST(strftime('%%s', at) AS INTEGER) - CAST(%s AS INTEGER))",
}


def count_times(broadcast: Broadcast) -> dict[str, Any]:
    """Seconds since the broadcast began; {} for one that has not."""
    start = broadcast.send_at or broadcast.prepared_at
    if start is None:
        return {}
    found = _read(broadcast.pk, start)
    delivered = found["delivered"]
    return {
        "confirmed": sum(delivered.values()),
        "median": percentile(delivered, 50),
        "ninety": percentile(delivered, 90),
        "by_people": sum(found["people"].values()),
        "by_machines": sum(found["machines"].values()),
        "opens": _by_time(found["people"], found["machines"]),
    }


def _read(broadcast_id: int, start: datetime) -> Mapping[str, dict[int, int]]:
    statement = _COUNT.format(seconds=_SECONDS[connection.vendor])
    found: dict[str, dict[int, int]] = defaultdict(dict)
    with connection.cursor() as cursor:
        cursor.execute(statement, [int(start.timestamp()), broadcast_id])
        for what, seconds, count in cursor.fetchall():
            found[what][int(seconds)] = count
    return found


def percentile(counts: Mapping[int, int], percent: int) -> int | None:
    """The value that so many of a hundred do not exceed; None of nothing."""
    wanted, seen = sum(counts.values()) * percent / 100, 0
    for value in sorted(counts):
        seen += counts[value]
        if seen >= wanted:
            return value
    return None


def _by_time(people: Mapping[int, int], machines: Mapping[int, int]) -> dict[str, Any]:
    """By the hour while two days hold them all, else by the day; what came later shares the last one."""
    last = max([*people, *machines], default=0)
    step, most = (HOUR, MOST_HOURS) if last < MOST_HOURS * HOUR else (DAY, MOST_DAYS)
    number = min(last // step + 1, most)
    return {
        "unit": "hour" if step == HOUR else "day",
        "has_later": last // step >= most,
        "people": _in_steps(people, step, number),
        "machines": _in_steps(machines, step, number),
    }


def _in_steps(counts: Mapping[int, int], step: int, number: int) -> Sequence[int]:
    steps = [0] * number
    for seconds, count in counts.items():
        steps[min(seconds // step, number - 1)] += count
    return steps
