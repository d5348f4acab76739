"""CSV that a spreadsheet opens as text: no cell of ours is ever run as a formula."""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

# What starts a formula, or makes some spreadsheet look for one after it, also in full width (U+FF1D and friends).
_TRIGGERS = tuple("=+-@|%\t\r\n＝＋－＠")  # noqa: RUF001
# Programs skip these before they look for a formula.
_SKIPPED = "\ufeff\u200b\x00"
_PLAIN_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?")

BOM = "\ufeff"


class _Echo:
    """csv.writer wants a file; the line it wrote is what we want."""

    def write(self, line: str) -> str:
        return line


def guard_cell(value: str) -> str:
    """The same text, with an apostrophe before it where a spreadsheet would take it for a formula."""
    bare = value.lstrip().lstrip(_SKIPPED).lstrip()
    if not (value.startswith(_TRIGGERS) or bare.startswith(_TRIGGERS)):
        return value
    return value if _PLAIN_NUMBER.fullmatch(value) else f"'{value}"


def csv_lines(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """Lines with CRLF, the first one after a byte order mark (Excel reads UTF-8 only with it). None becomes empty."""
    writer = csv.writer(_Echo())
    yield BOM + writer.writerow([guard_cell(str(cell)) for cell in header])
    for row in rows:
        yield writer.writerow(["" if cell is None else guard_cell(str(cell)) for cell in row])
