"""The Email Log as a file: the same columns as the page, and what a spreadsheet needs besides, in constant memory."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO

from django.db import connection

from broadcasts import audit
from broadcasts.csv_guard import csv_lines
from broadcasts.models import Broadcast, Delivery, User
from broadcasts.table_files import clock_time, csv_chunks, iso, on_clock
from broadcasts.table_files import in_words as words_of
from broadcasts.workbook import write_workbook
from reports.email_log.copying import copied_lines, with_doubts
from reports.email_log.sorting import Sort
from reports.email_log.wanted import Wanted
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
Row = tuple[object, ...]


@dataclass(frozen=True)
class Export:
    """Exactly the rows wanted, all of them."""

    wanted: Wanted
    sort: Sort
    is_raw: bool = False
    are_few: bool = False  # so few of their broadcasts' that walking through these would take longer than sorting

    def csv(self) -> Iterator[bytes]:
        """In pieces of some hundred lines."""
        if connection.vendor == "postgresql":
            yield next(csv_lines(HEADER, ())).encode()
            yield from copied_lines(self.wanted, self.sort, NOTES, is_raw=self.is_raw, are_few=self.are_few)
            return
        yield from csv_chunks(HEADER, self.rows(), is_raw=self.is_raw)

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
            tried, late = on_clock(tried, zone), on_clock(late, zone)
            yield (
                *(*shown, words_of(tried) if in_words else clock_time(tried), label_of(result)),
                *(iso(tried), broadcast, pk, language),
                *(NOTES[note], duplicate_of, doubt, iso(late), reason),
            )


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
