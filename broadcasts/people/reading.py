"""A file of recipients, read: its people by spreadsheet row, and what in it cannot be used."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from django.conf import settings
from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from broadcasts.people.cells import Address, read_addresses, read_kind, read_language, read_name
from broadcasts.people.columns import Columns, UnreadableFile, recognise_columns
from broadcasts.people.decoding import EMPTY, Record, read_records, read_text

__all__ = ["Address", "BadRow", "Recipients", "Row", "UnreadableFile", "read_recipients"]

MAX_NAME = 200
MAX_LANGUAGE = 20


@dataclass(frozen=True, slots=True)
class Row:
    """One person of the file."""

    number: int  # as a spreadsheet program shows it; the headings are row 1
    name: str
    addresses: tuple[Address, ...] = ()
    types: tuple[str, ...] | None = None  # as written; None: the file has no such column, or the row is shifted
    language: str = ""  # empty: the file does not say
    kind: str = ""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that is not stored, with enough of it to find it again."""

    number: int
    reasons: tuple[str, ...]
    name: str = ""
    addresses: str = ""
    types: tuple[str, ...] | None = None  # as written; whether they exist is for the database to say

    @property
    def reason(self) -> str:
        return " ".join(self.reasons)


@dataclass(slots=True)
class Recipients:
    file_name: str
    rows: list[Row] = field(default_factory=list)
    bad_rows: list[BadRow] = field(default_factory=list)
    unknown_columns: list[str] = field(default_factory=list)
    has_types: bool = False


def read_recipients(file: BinaryIO, name: str) -> Recipients:
    """Everything the file says, without a look at the database. Raises UnreadableFile."""
    text = read_text(file)
    _number, header = next(read_records(text), (0, []))
    if not header:
        raise UnreadableFile(str(EMPTY))
    columns = recognise_columns(header)
    _refuse_wrong_size(sum(1 for record in read_records(text)) - 1)
    recipients = Recipients(name, unknown_columns=columns.unknown, has_types="types" in columns.places)
    for number, cells in _without_header(text):
        row = _read_row(number, cells, columns)
        if faults := list(_find_faults(row, cells, columns)):
            recipients.bad_rows.append(bad_row(row, faults))
        else:
            recipients.rows.append(row)
    return recipients


def _without_header(text: str) -> Iterator[Record]:
    records = read_records(text)
    next(records)
    return records


def _refuse_wrong_size(count: int) -> None:
    if not count:
        raise UnreadableFile(
            _("The file has headings but no people. Add one row for each person and upload it again.")
        )
    if count > settings.MAX_UPLOAD_ROWS:
        raise UnreadableFile(
            _(
                "The file has %(count)s rows, but at most %(limit)s can be read at once. Split it into smaller files "
                "and upload them one after the other into the same list."
            )
            % {"count": intcomma(count), "limit": intcomma(settings.MAX_UPLOAD_ROWS)}
        )


def _read_row(number: int, cells: Sequence[str], columns: Columns) -> Row:
    """What can be read of it; empty where _find_faults finds something wrong."""
    addresses = read_addresses(columns.email_cells(cells))
    language = read_language(columns.cell(cells, "language")) or ""
    return Row(
        number=number,
        name=_name(cells, columns) or (addresses[0].address[:MAX_NAME] if addresses else ""),
        addresses=addresses,
        types=_types(cells, columns),
        language=language if len(language) <= MAX_LANGUAGE else "",
        kind=read_kind(columns.cell(cells, "kind")) or "",
    )


def _find_faults(row: Row, cells: Sequence[str], columns: Columns) -> Iterator[str]:
    """Why the row cannot be used: all reasons, so that one correction of the file is enough."""
    if has_more_cells(cells, columns.width):
        # Its cells are not where they belong; what else looks wrong comes of that.
        yield more_cells(columns.width)
        return
    yield from find_name_faults(row.name)
    if (text := columns.cell(cells, "language")) and not row.language:
        yield unknown_language(text)
    if (text := columns.cell(cells, "kind")) and not row.kind:
        yield unknown_kind(text)


def find_name_faults(name: str) -> Iterator[str]:
    if not name:
        yield _("There is neither a name nor an email address.")
    if len(name) > MAX_NAME:
        yield _("The name is longer than %(limit)d characters. Shorten it.") % {"limit": MAX_NAME}


def unknown_language(text: str) -> str:
    return _("“%(text)s” is not a language we know. Use a code like en, es or pt-BR.") % {"text": short(text)}


def unknown_kind(text: str) -> str:
    return _("“%(text)s” is not a kind of person. Use student, guardian or staff.") % {"text": short(text)}


def bad_row(row: Row, faults: Sequence[str]) -> BadRow:
    addresses = ", ".join(address.address for address in row.addresses)
    return BadRow(row.number, tuple(faults), short(row.name), addresses, row.types)


def has_more_cells(cells: Sequence[str], width: int) -> bool:
    return len(cells) > width and any(cell.strip() for cell in cells[width:])


def more_cells(width: int) -> str:
    return ngettext(
        "This row has more cells than the one heading. Put a cell that has a comma in it in quotation marks.",
        "This row has more cells than the %(count)d headings. Put a cell that has a comma in it in quotation marks.",
        width,
    ) % {"count": width}


def _name(cells: Sequence[str], columns: Columns) -> str:
    return read_name(columns.cell(cells, "name")) or read_name(
        f"{columns.cell(cells, 'first_name')} {columns.cell(cells, 'last_name')}"
    )


def _types(cells: Sequence[str], columns: Columns) -> tuple[str, ...] | None:
    if "types" not in columns.places or has_more_cells(cells, columns.width):
        return None
    return tuple(name for name in map(read_name, columns.cell(cells, "types").split(";")) if name)


def short(text: str) -> str:
    plain = read_name(text)
    return plain if len(plain) <= 60 else plain[:59] + "…"
