"""The Email Log as CSV: the same columns as the page, and what a spreadsheet needs besides, in constant memory."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from itertools import islice
from zoneinfo import ZoneInfo

from django.db.models import Case, Q, QuerySet, Value, When
from django.utils import timezone

from broadcasts import audit
from broadcasts.csv_guard import csv_lines
from broadcasts.delivering.doubts import doubtful
from broadcasts.models import Broadcast, Delivery, User
from broadcasts.templatetags.messenger import moment
from reports.explanations import label_of

HEADER = (
    *("Name", "Email", "Broadcast", "Type", "Attempts", "Last Attempt", "Delivery Results"),
    *("Last Attempt (ISO)", "School", "Broadcast Number", "Row Number", "Language"),
    *("Note", "Duplicate Of Row", "In Doubt", "Late Bounce", "Late Bounce Reason"),
)
_FIELDS = (
    *("name", "email", "broadcast__name", "broadcast__broadcast_type__name", "attempts", "last_attempt_at", "result"),
    *("broadcast__school__time_zone", "broadcast__school__name", "broadcast_id", "pk", "language"),
    *("note", "duplicate_of_id", "doubt", "late_bounce_at", "late_bounce_reason"),
)
_NOTES = {str(value): str(label) for value, label in Delivery.Note.choices}
_UNCONFIRMED = Q(state=Delivery.State.UNCONFIRMED)
_LINES_A_CHUNK = 500


def export_chunks(deliveries: "QuerySet[Delivery]") -> Iterator[str]:
    """The file in pieces of some hundred lines, in the query's order, times on the clock of each row's school."""
    lines = csv_lines(HEADER, _rows(deliveries))
    while chunk := "".join(islice(lines, _LINES_A_CHUNK)):
        yield chunk


def record_export(by: User | None, broadcast: Broadcast | None, rows: int, filters: Mapping[str, str]) -> None:
    """`broadcast`: the one that the file is limited to. `by` is None for whoever has the server's shell."""
    audit.record(
        by,
        "email_log.exported",
        broadcast or by or Delivery(),
        school=broadcast.school if broadcast else None,
        label=str(broadcast) if broadcast else "Email Log",
        rows=rows,
        **filters,
    )


def _rows(deliveries: "QuerySet[Delivery]") -> Iterator[tuple[object, ...]]:
    doubt = Case(
        When(_UNCONFIRMED, then=Value("unconfirmed")), When(doubtful(timezone.now()), then=Value("in doubt"))
    )
    rows = deliveries.annotate(doubt=doubt).values_list(*_FIELDS).iterator(chunk_size=2000)
    for *shown, tried, result, zone, school, number, pk, language, note, duplicate_of, unsure, late, reason in rows:
        clock = ZoneInfo(zone)
        yield (
            *(*shown, _moment(tried, clock), label_of(result)),
            *(_iso(tried, clock), school, number, pk, language),
            *(_NOTES[note], duplicate_of, unsure, _iso(late, clock), reason),
        )


def _moment(value: datetime | None, clock: ZoneInfo) -> str:
    return _minute(value.replace(second=0, microsecond=0), clock) if value else ""


@lru_cache(maxsize=1000)
def _minute(value: datetime, clock: ZoneInfo) -> str:
    """Thousands of rows were tried in the same minute, and writing a moment is the dearest part of a line."""
    with timezone.override(clock):
        return moment(value)


def _iso(value: datetime | None, clock: ZoneInfo) -> str:
    return value.astimezone(clock).isoformat(timespec="seconds") if value else ""
