"""The rejected rows as CSV: as they were, with their number and the reason, to be corrected and imported again."""

from collections.abc import Iterator, Sequence
from itertools import islice

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from broadcasts import audit
from broadcasts.csv_guard import csv_lines
from broadcasts.models import Import, StagedPerson, User

_LINES_A_CHUNK = 500


def rejected_chunks(of_import: Import) -> Iterator[str]:
    """In pieces of some hundred lines, in the order of the file."""
    headings = _headings(of_import)
    lines = csv_lines([*headings, _("Row"), _("Reason")], _rows(of_import, len(headings)))
    while chunk := "".join(islice(lines, _LINES_A_CHUNK)):
        yield chunk


def record_download(of_import: Import, by: User) -> None:
    rows = _rejected(of_import).count()
    audit.record(by, "import.rejected_downloaded", of_import, school=of_import.school, rows=rows)


def _headings(of_import: Import) -> Sequence[str]:
    return list(of_import.summary.get("headings", ()))


def _rows(of_import: Import, width: int) -> Iterator[Sequence[object]]:
    found = _rejected(of_import).values_list("cells", "file", "number", "reason")
    for cells, file, number, reason in found.iterator(chunk_size=2000):
        padded = [*cells, *[""] * (width - len(cells))]
        yield (*padded, f"{file}: {number}" if file else number, reason)


def _rejected(of_import: Import) -> "QuerySet[StagedPerson]":
    return of_import.staged_people.filter(action=StagedPerson.Action.REJECTED).order_by("number", "pk")
