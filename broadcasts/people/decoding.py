"""Bytes of an uploaded file to the records of its spreadsheet, or a refusal that says what to do."""

import csv
import io
from collections.abc import Iterator
from typing import BinaryIO

from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from broadcasts.people.columns import UnreadableFile, count_recognised

DELIMITERS = ",;\t|"
MAX_CELL = 10_000
BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))

SAVE_AS_CSV = gettext_lazy("Open it in your spreadsheet program, save it as “CSV UTF-8”, and upload that file.")
EMPTY = gettext_lazy("The file is empty. Choose a file with a row of headings and one row for each person.")
FOREIGN = (
    (b"PK", gettext_lazy("This is an Excel workbook or a zip file, not a CSV file.")),
    (b"\xd0\xcf\x11\xe0", gettext_lazy("This is an old Excel workbook or another Office file, not a CSV file.")),
    (b"%PDF", gettext_lazy("This is a PDF, not a CSV file.")),
    (b"\x1f\x8b", gettext_lazy("This is a compressed file, not a CSV file.")),
    (b"\x89PNG", gettext_lazy("This is a picture, not a CSV file.")),
    (b"\xff\xd8\xff", gettext_lazy("This is a picture, not a CSV file.")),
)

Record = tuple[int, list[str]]


def read_text(file: BinaryIO) -> str:
    data = file.read(settings.MAX_UPLOAD_BYTES + 1)
    if len(data) > settings.MAX_UPLOAD_BYTES:
        raise UnreadableFile(
            _("The file is larger than %(limit)s. Split it into smaller files and upload them one after the other.")
            % {"limit": filesizeformat(settings.MAX_UPLOAD_BYTES)}
        )
    for magic, what in FOREIGN:
        if data.startswith(magic):
            raise UnreadableFile(f"{what} {SAVE_AS_CSV}")
    text = _decode(data).rstrip("\x1a")
    if "\0" in text:
        raise UnreadableFile(f"{_('The file has NUL characters in it: it is not text, or damaged.')} {SAVE_AS_CSV}")
    if not text.strip():
        raise UnreadableFile(
            _("The file is empty. Choose a file with a row of headings and one row for each person.")
        )
    return text


def _decode(data: bytes) -> str:
    encodings = ["utf-8", "cp1252"]
    for bom, encoding in BOMS:
        if data.startswith(bom):
            data, encodings = data[len(bom) :], [encoding]
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise UnreadableFile(
        f"{_('The letters of this file cannot be read: it is damaged or in an unusual encoding.')} {SAVE_AS_CSV}"
    )


def read_records(text: str) -> Iterator[Record]:
    """Rows that have something in them, with the number a spreadsheet program shows beside them.

    A row is a record, however many line breaks its cells hold; blank rows are skipped and counted.
    """
    text, delimiter = find_delimiter(text)
    # Strict: otherwise a quotation mark that is never closed swallows the people after it without a word.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True)
    number = 0
    try:
        for number, cells in enumerate(reader, 1):
            if any(map(str.strip, cells)):
                if len(max(cells, key=len)) > MAX_CELL:
                    raise UnreadableFile(cell_too_long(number))
                yield number, cells
    except csv.Error as error:
        raise UnreadableFile(broken_quotes(number + 1)) from error


def find_delimiter(text: str) -> tuple[str, str]:
    """By the headings alone: in the cells below, a semicolon separates addresses."""
    if text[:4].casefold() == "sep=" and text[5:6] in {"\r", "\n"}:  # Excel's own hint, which it does not show
        return text[5:].removeprefix("\r").removeprefix("\n"), text[4]
    header = next((line for line in io.StringIO(text[: 4 * MAX_CELL]) if line.strip()), "")

    def score(delimiter: str) -> tuple[int, int]:
        headings = header.rstrip("\r\n").split(delimiter)
        return count_recognised([heading.strip(' "') for heading in headings]), len(headings)

    return text, max(DELIMITERS, key=score)


def cell_too_long(number: int) -> str:
    return _(
        'Row %(number)d has a cell of more than %(limit)d characters. Perhaps a quotation mark (") in or before that '
        "row is never closed. Correct it and upload the file again."
    ) % {"number": number, "limit": MAX_CELL}


def broken_quotes(number: int) -> str:
    return _(
        'A quotation mark (") in row %(number)d, or after it, is in the wrong place or never closed, so we cannot '
        "tell where a cell ends. Correct it and upload the file again."
    ) % {"number": number}
