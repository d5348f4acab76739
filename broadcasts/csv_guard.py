"""CSV that a spreadsheet opens as text: no cell of ours is ever run as a formula."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

# What starts a formula, or makes some spreadsheet look for one after it, also in full width (U+FF1D and friends).
_TRIGGERS = tuple("=+-@|%\t\r\n＝＋－＠｜％")  # noqa: RUF001
# Programs skip these before they look for a formula.
_SKIPPED = "\ufeff\u200b\x00"
# RFC 4180's, and those at which spreadsheets split in countries that write decimals with a comma.
_QUOTED = re.compile(r'[",\r\n;\t]')
_PLAIN_NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?")
_BLANKS = "".join(chr(code) for code in range(0x3001) if chr(code).isspace())  # what str.lstrip() takes away

BOM = "\ufeff"


def guard_cell(value: str) -> str:
    """The same text, with an apostrophe before it where a spreadsheet would take it for a formula."""
    bare = value.lstrip().lstrip(_SKIPPED).lstrip()
    if not (value.startswith(_TRIGGERS) or bare.startswith(_TRIGGERS)):
        return value
    return value if _PLAIN_NUMBER.fullmatch(value) else f"'{value}"


def csv_lines(header: Sequence[str], rows: Iterable[Sequence[Any]], *, is_raw: bool = False) -> Iterator[str]:
    """Lines with CRLF, the first one after a byte order mark (Excel reads UTF-8 only with it). None becomes empty.

    `is_raw`: cells as they are, for programs; only for whoever may be trusted with formulas.
    """
    yield BOM + csv_line(header, is_raw=is_raw)
    for row in rows:
        yield csv_line(row, is_raw=is_raw)


def csv_line(cells: Iterable[Any], *, is_raw: bool = False) -> str:
    return ",".join(csv_field("" if cell is None else str(cell), is_raw=is_raw) for cell in cells) + "\r\n"


def csv_field(text: str, *, is_raw: bool = False) -> str:
    kept = text if is_raw else guard_cell(text)
    return '"' + kept.replace('"', '""') + '"' if _QUOTED.search(kept) else kept


def field_in_postgresql(column: str, *, is_raw: bool = False) -> str:
    """`csv_field` as an expression for PostgreSQL. Most cells begin with a letter and hold nothing special."""
    kept = column if is_raw else _guarded_in_postgresql(column)
    special = _literal('[",\r\n;\t]')
    return (
        f"CASE WHEN {_begins_harmless(column)} AND {column} !~ {special} THEN {column}"
        f" WHEN {kept} ~ {special} THEN '\"' || replace({kept}, '\"', '\"\"') || '\"' ELSE {kept} END"
    )


def _begins_harmless(column: str) -> str:
    """With an ASCII letter or digit, or there is nothing at all."""
    code = f"ascii({column})"
    return f"({code} BETWEEN 97 AND 122 OR {code} BETWEEN 65 AND 90 OR {code} BETWEEN 48 AND 57 OR {code} = 0)"


def _guarded_in_postgresql(column: str) -> str:
    blanks, skipped = _literal(_BLANKS), _literal(_SKIPPED.replace("\0", ""))  # no text has a NUL there
    triggers = ", ".join(_literal(trigger) for trigger in _TRIGGERS)
    bare = f"ltrim(ltrim(ltrim({column}, {blanks}), {skipped}), {blanks})"
    number = _literal(f"^({_PLAIN_NUMBER.pattern})$")
    return (
        f"(CASE WHEN (left({column}, 1) IN ({triggers}) OR left({bare}, 1) IN ({triggers}))"
        f" AND {column} !~ {number} THEN {_literal(chr(39))} || {column} ELSE {column} END)"
    )


def _literal(text: str) -> str:
    """Signs that mean something to SQL or to its driver are written as numbers."""
    return "E'" + "".join(letter if letter.isalnum() else f"\\u{ord(letter):04X}" for letter in text) + "'"


def unguard_cell(value: str) -> str:
    """What was there before `guard_cell`: for files that we wrote and read again."""
    bare = value.removeprefix("'")
    return bare if bare != value and guard_cell(bare) == value else value
