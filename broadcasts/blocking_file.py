"""A CSV file of addresses for the Blocked Email list, read and checked. It is stored as a whole or not at all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from broadcasts.addresses import address_key, explain_invalid
from broadcasts.blocking import Block, find_all
from broadcasts.csv_guard import unguard_cell
from broadcasts.models import BlockedEmail, BlockLevel
from broadcasts.people.columns import UnreadableFile
from broadcasts.people.decoding import Record, read_records, read_text

LARGEST_FILE = 1024 * 1024
MOST_ROWS = 20_000
LONGEST_REASON = 500

# Our own export's headings, and those of mail programs and providers.
HEADINGS = {
    "address": "address",
    "email": "address",
    "e-mail": "address",
    "email address": "address",
    "recipient": "address",
    "blocks": "level",
    "level": "level",
    "reason": "reason",
}
LEVELS = {
    "everything": BlockLevel.EVERYTHING,
    "all": BlockLevel.EVERYTHING,
    "everything except emergency": BlockLevel.EXCEPT_EMERGENCY,
    "except emergency": BlockLevel.EXCEPT_EMERGENCY,
    "except_emergency": BlockLevel.EXCEPT_EMERGENCY,
}


@dataclass(frozen=True, slots=True)
class Fault:
    number: int  # as a spreadsheet program shows the row
    said: str
    why: str


@dataclass
class BlockFile:
    blocks: dict[str, Block] = field(default_factory=dict)  # by address key
    faults: list[Fault] = field(default_factory=list)
    repeated: int = 0

    def on_the_list(self) -> Mapping[str, BlockedEmail]:
        return find_all(self.blocks)


def read_block_file(file: BinaryIO, *, size: int, reason: str, level: str) -> BlockFile:
    """`reason` and `level`: of rows that do not say. Raises UnreadableFile."""
    if size > LARGEST_FILE:
        words = _("The file is larger than %(limit)s. Split it, and import the parts one after the other.")
        raise UnreadableFile(words % {"limit": filesizeformat(LARGEST_FILE)})
    records = list(read_records(read_text(file)))
    places, rows = _take_headings(records)
    if len(rows) > MOST_ROWS:
        words = _("The file has more than %(most)s rows. Split it, and import the parts one after the other.")
        raise UnreadableFile(words % {"most": f"{MOST_ROWS:,}"})
    if not rows:
        raise UnreadableFile(_("There is no address in the file."))
    read = BlockFile()
    for number, cells in rows:
        _read_row(read, number, {name: _cell(cells, place) for name, place in places.items()}, reason, level)
    return read


def _take_headings(records: Sequence[Record]) -> tuple[Mapping[str, int], Sequence[Record]]:
    """Where each column stands. A file without headings is a plain list of addresses."""
    first = [cell.strip().casefold() for cell in records[0][1]]
    places = {HEADINGS[cell]: place for place, cell in reversed(list(enumerate(first))) if cell in HEADINGS}
    if "address" in places:
        return places, records[1:]
    if "@" in first[0]:
        return {"address": 0}, records
    raise UnreadableFile(_("There is no column “Address”. Name the column with the addresses so in the first row."))


def _cell(cells: Sequence[str], place: int) -> str:
    return unguard_cell(cells[place].strip()).strip() if place < len(cells) else ""


def _read_row(read: BlockFile, number: int, row: Mapping[str, str], reason: str, level: str) -> None:
    address, why = row["address"], row.get("reason") or reason
    wanted = LEVELS.get(row["level"].casefold()) if row.get("level") else level
    fault = _fault(address, why, wanted)
    if fault:
        read.faults.append(Fault(number, address, fault))
        return
    key = address_key(address)
    if key in read.blocks:
        read.repeated += 1
    # Of two rows about one address, the stricter counts.
    if key not in read.blocks or wanted == BlockLevel.EVERYTHING != read.blocks[key].level:
        read.blocks[key] = Block(address, why, str(wanted))


def _fault(address: str, reason: str, level: str | None) -> str:
    if not address:
        return _("There is no address in this row.")
    if why := explain_invalid(address):
        return why
    if not reason:
        return _("There is no reason. Write one in the row, or one for all rows in the form.")
    if len(reason) > LONGEST_REASON:
        return _("The reason is longer than %(most)s characters.") % {"most": LONGEST_REASON}
    if level is None:
        return _("What it blocks must say “everything” or “everything except Emergency”.")
    return ""
