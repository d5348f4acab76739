"""Tables as files to download, in both forms: CSV, streamed, and a workbook; moments on the clock that they carry.

A cell that is a moment is written as the pages write it; its ISO form is a column of its own (`iso`).
"""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import IO
from zoneinfo import ZoneInfo

from django.http import FileResponse, StreamingHttpResponse
from django.utils import timezone

from broadcasts.csv_guard import csv_lines
from broadcasts.templatetags.messenger import moment
from broadcasts.workbook import write_workbook

TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_LINES_A_CHUNK = 500
Row = Sequence[object]


@dataclass(frozen=True)
class Form:
    """Which of the forms somebody asked for."""

    kind: str  # of TYPES
    is_raw: bool = False

    @classmethod
    def read(cls, asked: Mapping[str, str]) -> "Form":
        """`format` and `raw` of an address; of what makes no sense, CSV."""
        kind = asked.get("format", "csv")
        return cls(kind if kind in TYPES else "csv", asked.get("raw") == "on")

    @property
    def details(self) -> dict[str, str]:
        """For the audit trail; nothing for what is usual."""
        return ({"format": self.kind} if self.kind != "csv" else {}) | ({"raw": "on"} if self.is_raw else {})


@dataclass(frozen=True)
class TableFile:
    name: str  # of the file, without day and ending
    title: str  # of the workbook's sheet
    header: Sequence[str]
    rows: Iterable[Row]  # moments in them have the time zone in which they are to be read

    def response(self, form: Form) -> StreamingHttpResponse:
        name = f"{self.name}-{timezone.localdate():%Y-%m-%d}.{form.kind}"
        if form.kind == "xlsx":
            return workbook_response(name, lambda file: write_workbook(self.header, self._typed(), file, self.title))
        return csv_response(name, csv_chunks(self.header, self._in_words(), is_raw=form.is_raw))

    def _in_words(self) -> Iterator[Row]:
        return ([in_words(cell) if isinstance(cell, datetime) else cell for cell in row] for row in self.rows)

    def _typed(self) -> Iterator[Row]:
        return ([clock_time(cell) if isinstance(cell, datetime) else cell for cell in row] for row in self.rows)


def csv_chunks(header: Sequence[str], rows: Iterable[Row], *, is_raw: bool) -> Iterator[bytes]:
    """In pieces of some hundred lines."""
    lines = csv_lines(header, rows, is_raw=is_raw)
    while chunk := "".join(islice(lines, _LINES_A_CHUNK)):
        yield chunk.encode()


def csv_response(name: str, chunks: Iterable[bytes]) -> StreamingHttpResponse:
    response = StreamingHttpResponse(chunks, content_type=TYPES["csv"])
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def workbook_response(name: str, write: Callable[[IO[bytes]], object]) -> FileResponse:
    file = tempfile.TemporaryFile(prefix="messenger-export-")  # noqa: SIM115 - the response closes it
    write(file)
    file.seek(0)
    return FileResponse(file, as_attachment=True, filename=name, content_type=TYPES["xlsx"])


def on_clock(value: datetime | None, zone: str) -> datetime | None:
    return value.astimezone(ZoneInfo(zone)) if value else None


def in_words(value: datetime | None) -> str:
    """As the pages write it, on the clock that it carries."""
    return _minute(value.replace(second=0, microsecond=0), value.tzinfo) if value else ""


@lru_cache(maxsize=1000)
def _minute(value: datetime, clock: ZoneInfo) -> str:
    """Thousands of rows were tried in the same minute, and writing a moment is the dearest part of a line."""
    with timezone.override(clock):
        return moment(value)


def clock_time(value: datetime | None) -> datetime | None:
    """For a cell that has a type: workbooks know no time zones."""
    return value.replace(tzinfo=None, microsecond=0) if value else None


def iso(value: datetime | None) -> str:
    return value.isoformat(timespec="seconds") if value else ""
