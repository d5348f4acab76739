"""The Email Log as a file: the same columns as the page, and what a spreadsheet needs besides, in constant memory."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import IO
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Case, QuerySet, Value, When
from django.utils import timezone

from broadcasts import audit
from broadcasts.csv_guard import csv_lines
from broadcasts.delivering.doubts import doubtful
from broadcasts.models import Broadcast, Delivery, User
from broadcasts.templatetags.messenger import moment
from reports.email_log.copying import copied_lines
from reports.email_log.sorting import Sort
from reports.email_log.wanted import Wanted
from reports.email_log.xlsx import write_workbook
from reports.explanations import label_of

HEADER = (
    *("Name", "Email", "Broadcast", "Type", "School", "Attempts", "Last Attempt", "Delivery Results"),
    *("Last Attempt (ISO)", "Broadcast Number", "Row Number", "Language"),
    *("Note", "Duplicate Of Row", "In Doubt", "Late Bounce", "Late Bounce Reason"),
)
FIELDS = (
    *("name", "email", "broadcast__name", "broadcast__broadcast_type__name", "broadcast__school__name", "attempts"),
    *("last_attempt_at", "result", "broadcast__school__time_zone", "broadcast_id", "pk", "language"),
    *("note", "duplicate_of_id", "doubt", "late_bounce_at", "late_bounce_reason"),
)
NOTES = {str(value): str(label) for value, label in Delivery.Note.choices}
_LINES_A_CHUNK = 500
Row = tuple[object, ...]


@dataclass(frozen=True)
class Export:
    """Exactly the rows wanted, all of them."""

    wanted: Wanted
    sort: Sort
    is_raw: bool = False
    are_few: bool = False  # so few that a statement for each broadcast would take longer than sorting them

    def csv(self) -> Iterator[bytes]:
        """In pieces of some hundred lines."""
        if connection.vendor == "postgresql":
            yield next(csv_lines(HEADER, ())).encode()
            yield from copied_lines(self.wanted, self.sort, NOTES, is_raw=self.is_raw, are_few=self.are_few)
            return
        lines = csv_lines(HEADER, self.rows(), is_raw=self.is_raw)
        while chunk := "".join(islice(lines, _LINES_A_CHUNK)):
            yield chunk.encode()

    def write_xlsx(self, file: IO[bytes], seen: Callable[[], object] = lambda: None) -> None:
        """`seen` is called for each row."""

        def told() -> Iterator[Row]:
            for row in self.rows(in_words=False):
                yield row
                seen()

        write_workbook(HEADER, told(), file, "Email Log")

    def rows(self, *, in_words: bool = True) -> Iterator[Row]:
        """Cells in the order of the header; times on the clock of each row's school.

        Without `in_words` the Last Attempt is that clock's own time, for cells that have a type.
        """
        found = with_doubts(self.sort.apply(Delivery.objects.filter(self.wanted.condition())))
        for row in found.values_list(*FIELDS).iterator(chunk_size=2000):
            *shown, tried, result, zone, broadcast, pk, language, note, duplicate_of, doubt, late, reason = row
            clock = ZoneInfo(zone)
            yield (
                *(*shown, _moment(tried, clock) if in_words else _local(tried, clock), label_of(result)),
                *(_iso(tried, clock), broadcast, pk, language),
                *(NOTES[note], duplicate_of, doubt, _iso(late, clock), reason),
            )


def with_doubts(rows: "QuerySet[Delivery]") -> "QuerySet[Delivery]":
    unconfirmed = When(state=Delivery.State.UNCONFIRMED, then=Value("unconfirmed"))
    return rows.annotate(doubt=Case(unconfirmed, When(doubtful(timezone.now()), then=Value("in doubt"))))


def record_export(by: User | None, broadcast: Broadcast | None, rows: int, details: Mapping[str, str]) -> None:
    """`broadcast`: the one that the file is limited to. `by` is None for whoever has the server's shell."""
    audit.record(
        by,
        "email_log.exported",
        broadcast or by or Delivery(),
        school=broadcast.school if broadcast else None,
        label=str(broadcast) if broadcast else "Email Log",
        rows=rows,
        **details,
    )


def _moment(value: datetime | None, clock: ZoneInfo) -> str:
    return _minute(value.replace(second=0, microsecond=0), clock) if value else ""


@lru_cache(maxsize=1000)
def _minute(value: datetime, clock: ZoneInfo) -> str:
    """Thousands of rows were tried in the same minute, and writing a moment is the dearest part of a line."""
    with timezone.override(clock):
        return moment(value)


def _local(value: datetime | None, clock: ZoneInfo) -> datetime | None:
    return value.astimezone(clock).replace(tzinfo=None, microsecond=0) if value else None


def _iso(value: datetime | None, clock: ZoneInfo) -> str:
    return value.astimezone(clock).isoformat(timespec="seconds") if value else ""
