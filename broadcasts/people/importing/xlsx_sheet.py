"""The XML of a sheet, streamed: what a person sees in its cells, as text.

Our own in place of openpyxl's reader, which keeps each row's cells however many there are, and does not tell a typed
value from a formula's.
"""

import re
from collections import deque
from collections.abc import Iterator, Sequence
from datetime import datetime, time, timedelta
from typing import IO, NoReturn, Protocol
from xml.parsers import expat  # see _parse

from defusedxml.common import EntitiesForbidden
from django.utils.translation import gettext as _
from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format, is_timedelta_format
from openpyxl.utils.cell import get_column_letter
from openpyxl.utils.datetime import CALENDAR_MAC_1904, CALENDAR_WINDOWS_1900, from_excel

from broadcasts.people.columns import UnreadableFile
from broadcasts.people.decoding import MAX_CELL, cell_too_long
from broadcasts.people.importing.rows import Warnings
from broadcasts.people.importing.tabular import MAX_COLUMNS, Record, refuse_columns

NAMESPACE = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
STRICT_NAMESPACE = "{http://purl.oclc.org/ooxml/spreadsheetml/main}"
CHUNK = 256 * 1024
LETTERS = re.compile(r"([A-Z]{1,3})[0-9]+")
ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")  # how Excel writes a control character
ZEROS = re.compile(r"0{2,20}")
EXACT_DIGITS = 15


class Formats:
    """How the styles of a workbook show a number: as a date, with leading zeros, or as it is."""

    def __init__(self, used: Sequence[tuple[int, str | None]], *, has_1904: bool = False) -> None:
        self._codes = [code or BUILTIN_FORMATS.get(number, "General") for number, code in used]
        self._dates = {style for style, code in enumerate(self._codes) if is_date_format(code)}
        self._epoch = CALENDAR_MAC_1904 if has_1904 else CALENDAR_WINDOWS_1900

    def show(self, number: str, style: int) -> str:
        """Raises ValueError for what is no number or no date."""
        if style in self._dates:
            return self._show_date(float(number), self._codes[style])
        text = _plain(number)
        if 0 <= style < len(self._codes) and ZEROS.fullmatch(self._codes[style]):
            return text.zfill(len(self._codes[style]))
        return text

    def _show_date(self, number: float, code: str) -> str:
        try:
            moment = from_excel(number, self._epoch, timedelta=is_timedelta_format(code))
        except OverflowError as error:
            raise ValueError from error
        if isinstance(moment, datetime) and moment.time() == time():
            return moment.date().isoformat()
        return str(moment) if isinstance(moment, datetime | time | timedelta) else str(number)


def read_strings(part: IO[bytes]) -> list[str]:
    """The table of texts that the cells of all sheets refer to."""
    texts = _Strings()
    for _piece in _parse(part, texts):
        pass
    return texts.found


def read_rows(sheet: IO[bytes], strings: Sequence[str], formats: Formats, warnings: Warnings) -> Iterator[Record]:
    """Rows that have something in them."""
    reader = _Sheet(strings, formats, warnings)
    for _piece in _parse(sheet, reader):
        while reader.ready:
            yield reader.ready.popleft()


class _Target(Protocol):
    def start(self, tag: str, attributes: dict[str, str]) -> None: ...
    def data(self, text: str) -> None: ...
    def end(self, tag: str) -> None: ...


def _parse(part: IO[bytes], target: _Target) -> Iterator[None]:
    """Piece by piece. What defusedxml refuses is refused, at a third of its time. Raises ExpatError."""
    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = target.start, target.end
    parser.CharacterDataHandler = target.data
    parser.EntityDeclHandler = parser.UnparsedEntityDeclHandler = _refuse_entity
    parser.ExternalEntityRefHandler = _refuse_entity
    while chunk := part.read(CHUNK):
        parser.Parse(chunk, False)
        yield
    parser.Parse(b"", True)
    yield


def _refuse_entity(*declared: object) -> NoReturn:
    raise EntitiesForbidden(str(declared[0])[:100], None, None, None, None, None)


class _Strings:
    def __init__(self) -> None:
        self.found: list[str] = []
        self._pieces: list[str] = []
        self._is_text, self._is_phonetic = False, False

    def start(self, tag: str, _attributes: dict[str, str]) -> None:
        name = tag.rpartition("}")[2]
        self._is_text = name == "t"
        self._is_phonetic = self._is_phonetic or name == "rPh"

    def data(self, text: str) -> None:
        if self._is_text and not self._is_phonetic:
            self._pieces.append(text)

    def end(self, tag: str) -> None:
        name = tag.rpartition("}")[2]
        self._is_text = False
        if name == "rPh":
            self._is_phonetic = False
        elif name == "si":
            self.found.append(_text("".join(self._pieces)))
            self._pieces.clear()


class _Sheet:
    def __init__(self, strings: Sequence[str], formats: Formats, warnings: Warnings) -> None:
        self.ready: deque[Record] = deque()
        self._strings, self._formats, self._warnings = strings, formats, warnings
        self._row, self._place, self._is_wanted, self._is_phonetic = 0, -1, False, False
        self._cells: list[str] = []
        self._faults: dict[int, str] = {}
        self._pieces: list[str] = []
        self._length = 0
        self._begin_cell({})

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition("}")[2]
        if name == "c":
            self._place = _place(attributes.get("r", ""), self._place + 1)
            self._begin_cell(attributes)
        elif name == "row":
            self._row = int(attributes.get("r") or self._row + 1)
            self._cells, self._faults, self._place = [], {}, -1
        elif name == "f":
            self._has_formula = True
        elif name == "rPh":
            self._is_phonetic = True
        self._is_wanted = name in {"v", "t"} and not self._is_phonetic

    def data(self, text: str) -> None:
        if self._is_wanted:
            self._length += len(text)
            if self._length > MAX_CELL:
                raise UnreadableFile(cell_too_long(self._row))
            self._pieces.append(text)

    def end(self, tag: str) -> None:
        name = tag.rpartition("}")[2]
        self._is_wanted = False
        if name == "c":
            self._end_cell()
        elif name == "row" and (self._faults or any(map(str.strip, self._cells))):
            self.ready.append(Record(self._row, self._cells, self._faults))
        elif name == "rPh":
            self._is_phonetic = False

    def _begin_cell(self, attributes: dict[str, str]) -> None:
        self._type, self._style = attributes.get("t", "n"), int(attributes.get("s") or -1)
        self._has_formula = False
        self._pieces.clear()
        self._length = 0

    def _end_cell(self) -> None:
        raw = "".join(self._pieces)
        if not raw and not self._has_formula:
            return
        text, fault = self._read(raw)
        if not text and not fault:
            return
        refuse_columns(self._place + 1)
        self._cells.extend([""] * (self._place + 1 - len(self._cells)))
        self._cells[self._place] = text
        if fault:
            self._faults[self._place] = fault

    def _read(self, raw: str) -> tuple[str, str]:
        """The text, and why it cannot be used."""
        if self._has_formula:
            if not raw and self._type != "str":
                return "", _(
                    "Cell %(cell)s is a formula without a stored result. Copy the column and paste its values."
                ) % {"cell": self._cell}
            self._warnings.add(_("A formula's stored result is used"), self._cell)
        try:
            return self._value(raw), ""
        except (ValueError, IndexError):
            return raw, _("Cell %(cell)s cannot be read: “%(text)s”. Type its value again.") % {
                "cell": self._cell,
                "text": raw[:40],
            }

    def _value(self, raw: str) -> str:
        if self._type == "s":
            return self._strings[int(raw)]
        if self._type == "n":
            return self._formats.show(raw, self._style)
        if self._type == "b":
            return "TRUE" if int(raw) else "FALSE"
        if self._type == "e":
            raise ValueError(raw)
        if self._type == "d":
            return raw.removesuffix("T00:00:00").removesuffix("Z")
        return _text(raw)

    @property
    def _cell(self) -> str:
        return f"{get_column_letter(min(self._place, MAX_COLUMNS) + 1)}{self._row}"


def _place(reference: str, following: int) -> int:
    """The column of a cell like C5, from 0. Programs that leave the reference out mean the next one."""
    match = LETTERS.fullmatch(reference)
    if not match:
        return following
    number = 0
    for letter in match[1]:
        number = number * 26 + ord(letter) - 64
    return number - 1


def _plain(number: str) -> str:
    """1234.0 is the id 1234. Excel keeps 15 digits, so that a longer id is another one by now: no number."""
    if number.isdecimal() and len(number) <= EXACT_DIGITS:
        return number
    value = float(number)
    if value.is_integer():
        if abs(value) >= 10**EXACT_DIGITS:
            raise ValueError(number)
        return str(int(value))
    return repr(value)


def _text(text: str) -> str:
    return ESCAPED.sub(lambda match: chr(int(match[1], 16)), text) if "_x" in text else text
