"""CSV that a spreadsheet opens as text: no cell of ours is ever run as a formula."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

# What starts a formula, or makes some spreadsheet look for one after it, also in full width (U+FF1D and friends).
_TRIGGERS = tuple("=+-@|%\t\r\n＝＋－＠")  # noqa: RUF001
# Programs skip these before they look for a formula.
_SKIPPED = "\ufeff\u200b\x00"
# RFC 4180's, and those at which spreadsheets split in countries that write decimals with a comma.
_QUOTED = re.compile(r'[",\r\n;\t]')
_PLAIN_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?")

BOM = "\ufeff"


def guard_cell(value: str) -> str:
    """The same text, with an apostrophe before it where a spreadsheet would take it for a formula."""
    bare = value.lstrip().lstrip(_SKIPPED).lstrip()
    if not (value.startswith(_TRIGGERS) or bare.startswith(_TRIGGERS)):
        return value
    return value if _PLAIN_NUMBER.fullmatch(value) else f"'{value}"


def csv_lines(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """Lines with CRLF, the first one after a byte order mark (Excel reads UTF-8 only with it). None becomes empty."""
    yield BOM + _line(header)
    for row in rows:
        yield _line(row)


def _line(cells: Sequence[Any]) -> str:
    return ",".join(_field("" if cell is None else str(cell)) for cell in cells) + "\r\n"


def _field(text: str) -> str:
    guarded = guard_cell(text)
    return '"' + guarded.replace('"', '""') + '"' if _QUOTED.search(guarded) else guarded


def unguard_cell(value: str) -> str:
    """What was there before `guard_cell`: for files that we wrote and read again."""
    bare = value.removeprefix("'")
    return bare if bare != value and guard_cell(bare) == value else value
