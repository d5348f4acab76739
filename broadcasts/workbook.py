"""Rows as a workbook: every cell has a type, and none is a formula. They go to a file as they come."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import IO, Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell

# What a sheet can hold; the rows after that go on in the next one.
ROWS_A_SHEET = 1_048_576
# XML 1.0 has no way to write these.
UNWRITABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
LOOKS_ODD = ("=", "#")  # openpyxl would make a formula or an error of it
MOMENT = "mmm d, yyyy h:mm am/pm"


def write_workbook(header: Sequence[str], rows: Iterable[Sequence[object]], file: IO[bytes], title: str) -> None:
    book = Workbook(write_only=True)
    sheet: Any = None
    number, left = 0, 0
    for row in rows:
        if not left:
            number += 1
            sheet, left = _sheet(book, header, title if number == 1 else f"{title} {number}"), ROWS_A_SHEET - 1
        sheet.append([_cell(sheet, value) for value in row])
        left -= 1
    if sheet is None:
        _sheet(book, header, title)
    book.save(file)


def _sheet(book: Any, header: Sequence[str], title: str) -> Any:
    sheet = book.create_sheet(title)
    sheet.freeze_panes = "A2"
    sheet.append(list(header))
    return sheet


def _cell(sheet: Any, value: object) -> object:
    if isinstance(value, str):
        text = UNWRITABLE.sub("\ufffd", value)
        return _typed(sheet, text, "s") if text.startswith(LOOKS_ODD) else text
    if isinstance(value, datetime):
        cell = _typed(sheet, value, "d")
        cell.number_format = MOMENT
        return cell
    return value


def _typed(sheet: Any, value: object, kind: str) -> Any:
    cell = WriteOnlyCell(sheet, value=value)
    cell.data_type = kind
    return cell
