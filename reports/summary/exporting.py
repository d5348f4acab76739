"""The Broadcast Summary as CSV."""

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from broadcasts.csv_guard import csv_lines
from broadcasts.models import Broadcast
from broadcasts.results import LABELS
from reports.explanations import slug_of

HEADER = (
    *("Broadcast Number", "Broadcast", "Type", "School", "Status", "Sent By", "Started (ISO)", "Finished (ISO)"),
    *("Recipients", "Tried", "Delivered Or Opened", *LABELS),
)


def export_lines(broadcasts: QuerySet[Broadcast]) -> Iterator[str]:
    """In the query's order, times on the clock of each broadcast's school."""
    return csv_lines(HEADER, map(_row, broadcasts.iterator(chunk_size=500)))


def _row(broadcast: Broadcast) -> tuple[object, ...]:
    clock = ZoneInfo(broadcast.school.time_zone)
    counts = [getattr(broadcast, slug_of(label).replace("-", "_")) for label in LABELS]
    return (
        *(broadcast.pk, broadcast.name, broadcast.broadcast_type, broadcast.school, broadcast.get_status_display()),
        broadcast.sent_by.display_name if broadcast.sent_by else "",
        *(_iso(broadcast.send_at, clock), _iso(broadcast.finished_at, clock)),
        *(broadcast.recipients, broadcast.tried, broadcast.arrived, *counts),  # type: ignore[attr-defined]
    )


def _iso(value: datetime | None, clock: ZoneInfo) -> str:
    return value.astimezone(clock).isoformat(timespec="seconds") if value else ""
