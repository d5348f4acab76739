"""A CSV file of any size, record by record: its letters, its delimiter, its cells."""

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import BinaryIO

from django.utils.translation import gettext as _

from broadcasts.people.columns import UnreadableFile
from broadcasts.people.decoding import (
    BOMS,
    EMPTY,
    MAX_CELL,
    SAVE_AS_CSV,
    broken_quotes,
    cell_too_long,
    find_delimiter,
)
from broadcasts.people.importing.tabular import Record, refuse_columns

CHUNK = 1024 * 1024
HEAD = 4 * MAX_CELL
LONGEST_LINE = 1024 * 1024
NOT_CP1252 = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")
END_OF_FILE = "\x1a"  # what old programs end a file with

Opener = Callable[[], AbstractContextManager[BinaryIO]]


@dataclass(frozen=True, slots=True)
class Survey:
    encoding: str
    bom: int  # bytes before the first letter
    lines: int
    is_ended: bool  # by a line break: otherwise the last record may have been cut


class CsvTable:
    def __init__(self, opener: Opener) -> None:
        self._open = opener
        with opener() as file:
            self.survey = survey(file)
        with opener() as file:
            head = decoded(file, self.survey).read(HEAD)
        rest, self._delimiter = find_delimiter(head)
        self._skip = len(head) - len(rest)
        with opener() as file:
            _number, self.headings = next(self._cells(file), (0, []))
        if not self.headings:
            raise UnreadableFile(str(EMPTY))
        refuse_columns(len(self.headings))
        self.total = max(self.survey.lines - 1, 0)

    def records(self) -> Iterator[Record]:
        with self._open() as file:
            found = self._cells(file)
            next(found)
            number, cells = 0, self.headings
            for number, cells in found:
                yield Record(number, cells)
        if not self.survey.is_ended and len(cells) < len(self.headings):
            raise UnreadableFile(_cut_off(number))

    def _cells(self, file: BinaryIO) -> Iterator[tuple[int, list[str]]]:
        text = decoded(file, self.survey)
        text.read(self._skip)
        for number, _line, cells in read_cells(text, self._delimiter):
            if any(map(str.strip, cells)):
                if len(max(cells, key=len)) > MAX_CELL:
                    raise UnreadableFile(cell_too_long(number))
                yield number, cells


def survey(file: BinaryIO) -> Survey:
    """Everything that takes a look at the whole file, in one pass and without keeping it."""
    chunk = file.read(CHUNK)
    bom, encoding = next(((bom, name) for bom, name in BOMS if chunk.startswith(bom)), (b"", "utf-8"))
    reading = _Reading(encoding, has_bom=bool(bom))
    reading.take(chunk.removeprefix(bom))
    while chunk := file.read(CHUNK):
        reading.take(chunk)
    return Survey(reading.finish(), len(bom), reading.lines, reading.last.endswith((b"\n", b"\r", b"\n\0", b"\x1a")))


def decoded(file: BinaryIO, found: Survey) -> io.TextIOWrapper:
    file.read(found.bom)
    return io.TextIOWrapper(file, encoding=found.encoding, newline="")


def read_cells(text: io.TextIOWrapper, delimiter: str) -> Iterator[tuple[int, int, list[str]]]:
    """Record number, line number, cells."""
    # Strict: otherwise a quotation mark that is never closed swallows the people after it without a word.
    reader = csv.reader(_lines(text), delimiter=delimiter, skipinitialspace=True, strict=True)
    number = 0
    try:
        for number, cells in enumerate(reader, 1):
            yield number, reader.line_num, cells
    except csv.Error as error:
        raise UnreadableFile(broken_quotes(number + 1)) from error


class _Reading:
    def __init__(self, encoding: str, *, has_bom: bool) -> None:
        self.encoding, self.has_bom = encoding, has_bom
        self.decoder = codecs.getincrementaldecoder(encoding)()
        self.lines, self.last = 0, b""
        self.is_cp1252, self.is_decodable, self.is_foreign = not has_bom, True, False

    def take(self, chunk: bytes) -> None:
        self.lines += chunk.count(b"\n")
        self.last = chunk[-2:] or self.last
        self.is_cp1252 = self.is_cp1252 and not NOT_CP1252.search(chunk)
        if self.is_decodable:
            self._decode(chunk)
        if b"\0" in chunk and not self.encoding.startswith("utf-16"):
            raise UnreadableFile(
                f"{_('The file has NUL characters in it: it is not text, or damaged.')} {SAVE_AS_CSV}"
            )

    def finish(self) -> str:
        if self.is_decodable and self.decoder.getstate()[0]:
            # Half a letter at the very end. A file that had whole ones of this encoding before was cut there.
            if self.has_bom or self.is_foreign:
                raise UnreadableFile(_cut_off(self.lines + 1))
            self.is_decodable = False
        if not self.is_decodable and not self.is_cp1252:
            unreadable = _("The letters of this file cannot be read: it is damaged or in an unusual encoding.")
            raise UnreadableFile(f"{unreadable} {SAVE_AS_CSV}")
        return self.encoding if self.is_decodable else "cp1252"

    def _decode(self, chunk: bytes) -> None:
        try:
            text = self.decoder.decode(chunk)
        except UnicodeDecodeError:
            self.is_decodable = False
        else:
            self.is_foreign = self.is_foreign or not text.isascii()


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    number = 0
    while line := text.readline(LONGEST_LINE):
        number += 1
        if len(line) == LONGEST_LINE:
            raise UnreadableFile(cell_too_long(number))
        yield line.replace(END_OF_FILE, "") if END_OF_FILE in line else line


def _cut_off(number: int) -> str:
    return _(
        "The file ends in the middle of row %(number)d: it was cut off on its way, or is still being written. Export "
        "it again and import the new file."
    ) % {"number": number}
