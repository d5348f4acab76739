"""What a CSV file and an Excel sheet have in common: headings, and records with the number beside them."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from django.utils.translation import ngettext
from openpyxl.utils.cell import get_column_letter

from broadcasts.people.columns import UnreadableFile

MAX_COLUMNS = 200
MAX_HEADING = 200
NO_FAULTS: Mapping[int, str] = {}


class Record(NamedTuple):
    number: int  # as a spreadsheet program shows it; the headings are row 1
    cells: Sequence[str]
    faults: Mapping[int, str] = NO_FAULTS  # why the cell at this place cannot be used


class Table(Protocol):
    headings: list[str]  # as written
    total: int  # records to come, roughly

    def records(self) -> Iterator[Record]: ...


def refuse_columns(count: int) -> None:
    if count > MAX_COLUMNS:
        raise UnreadableFile(
            ngettext(
                "The file has %(count)d column, but at most %(limit)d can be read.",
                "The file has %(count)d columns, but at most %(limit)d can be read. Delete the columns that are not "
                "needed and import the file again.",
                count,
            )
            % {"count": count, "limit": MAX_COLUMNS}
        )


def name_headings(headings: Sequence[str]) -> list[str]:
    """One name for each column, so that each can have a meaning of its own."""
    times: Counter[str] = Counter()
    names = []
    for place, heading in enumerate(headings, 1):
        # The letter in no language: the worker's may be another than the user's.
        name = " ".join(heading.split())[:MAX_HEADING] or f"({get_column_letter(place)})"
        times[name.casefold()] += 1
        names.append(name if times[name.casefold()] == 1 else f"{name} ({times[name.casefold()]})")
    return names
