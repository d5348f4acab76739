"""The rejected rows as CSV: as they were, with their number and the reason, to be corrected and imported again."""

from collections.abc import Iterator, Sequence
from itertools import islice

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from broadcasts import audit
from broadcasts.csv_guard import csv_lines
from broadcasts.models import Import, StagedPerson, User
from broadcasts.people.importing.opening import open_source
from broadcasts.people.importing.rows import Source

_LINES_A_CHUNK = 500


def rejected_chunks(of_import: Import) -> Iterator[str]:
    """In pieces of some hundred lines, in the order of the file. Raises UnreadableFile when the file is gone."""
    source = open_source(of_import)
    headings = list(source.headings)
    return _chunks(csv_lines([*headings, _("Row"), _("Reason")], _rows(of_import, source, headings)))


def record_download(of_import: Import, by: User) -> None:
    rows = rejected_rows(of_import).count()
    audit.record(by, "import.rejected_downloaded", of_import, school=of_import.school, rows=rows)


def rejected_rows(of_import: Import) -> "QuerySet[StagedPerson]":
    return of_import.staged_people.filter(action=StagedPerson.Action.REJECTED).order_by("file", "number", "pk")


def _chunks(lines: Iterator[str]) -> Iterator[str]:
    while chunk := "".join(islice(lines, _LINES_A_CHUNK)):
        yield chunk


def _rows(of_import: Import, source: Source, headings: Sequence[str]) -> Iterator[Sequence[object]]:
    in_file = source.records()
    for staged in rejected_rows(of_import).iterator(chunk_size=2000):
        cells = list(staged.cells or _find(in_file, staged.number))[: len(headings)]
        padding = [""] * (len(headings) - len(cells))
        yield (*cells, *padding, f"{staged.file}: {staged.number}" if staged.file else staged.number, staged.reason)


def _find(records: Iterator[tuple[int, Sequence[str]]], wanted: int) -> Sequence[str]:
    """Rows that only contradict each other were kept without their cells: the file has them, in the same order."""
    return next((cells for number, cells in records if number == wanted), ())
