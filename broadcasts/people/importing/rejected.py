"""The rejected rows as CSV: as they were, with their number and the reason, to be corrected and imported again."""

from collections.abc import Iterator, Sequence
from itertools import islice

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from broadcasts import audit
from broadcasts.csv_guard import csv_lines
from broadcasts.models import Import, StagedPerson, User
from broadcasts.people.importing.opening import open_source

_LINES_A_CHUNK = 500


def rejected_chunks(of_import: Import) -> Iterator[str]:
    """In pieces of some hundred lines, in the order of the file. Raises UnreadableFile when the file is gone."""
    headings = list(open_source(of_import).headings)
    return _chunks(csv_lines([*headings, _("Row"), _("Reason")], _rows(of_import, headings)))


def record_download(of_import: Import, by: User) -> None:
    rows = rejected_rows(of_import).count()
    audit.record(by, "import.rejected_downloaded", of_import, school=of_import.school, rows=rows)


def rejected_rows(of_import: Import) -> "QuerySet[StagedPerson]":
    return of_import.staged_people.filter(action=StagedPerson.Action.REJECTED).order_by("file", "number", "pk")


def _chunks(lines: Iterator[str]) -> Iterator[str]:
    while chunk := "".join(islice(lines, _LINES_A_CHUNK)):
        yield chunk


def _rows(of_import: Import, headings: Sequence[str]) -> Iterator[Sequence[object]]:
    meanings = [of_import.columns.get(heading, "") for heading in headings]
    for staged in rejected_rows(of_import).prefetch_related("addresses").iterator(chunk_size=2000):
        cells = list(staged.cells or _rebuilt(staged, meanings))[: len(headings)]
        padding = [""] * (len(headings) - len(cells))
        yield (*cells, *padding, f"{staged.file}: {staged.number}" if staged.file else staged.number, staged.reason)


def _rebuilt(staged: StagedPerson, meanings: Sequence[str]) -> Iterator[str]:
    """Rows that only contradict each other were read already, and what they said is what is left of them."""
    said = {
        "sis_id": staged.sis_id,
        "name": staged.name,
        "email": "; ".join(address.address for address in staged.addresses.all()),
        "kind": staged.kind,
        "grade": staged.grade or "",
        "language": staged.language,
    }
    if "name" not in meanings:
        said["last_name" if "last_name" in meanings else "first_name"] = said.pop("name")
    # The first column of a meaning has it all.
    return (said.pop(meaning, "") for meaning in meanings)
