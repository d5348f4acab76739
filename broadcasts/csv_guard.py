"""CSV that a spreadsheet opens as text: no cell of ours is ever run as a formula."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

# What starts a formula, or makes some spreadsheet look for one after it, also in full width (U+FF1D and friends).
_SIGNS = "=+-@|%＝＋－＠｜％"  # noqa: RUF001
_TRIGGERS = tuple(_SIGNS + "\t\r\n")
# Programs skip these before they look for a formula.
_SKIPPED = "\ufeff\u200b\x00"
_SKIPPED_IN_POSTGRESQL = _SKIPPED.replace("\x00", "")  # no text has a NUL there
# RFC 4180's, and those at which spreadsheets split in countries that write decimals with a comma.
_SPECIAL = '",\r\n;\t'
_QUOTED = re.compile(f"[{_SPECIAL}]")
_PLAIN_NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?")
_BLANKS = "".join(chr(code) for code in range(0x3001) if chr(code).isspace())  # what str.lstrip() takes away

# Where a spreadsheet that splits at something else than commas begins a cell in the middle of ours: a quote that does
# not open its own cell is a letter to it.
_BEGINNING = f'([;\t\r\n][{_BLANKS}{_SKIPPED}"]*)'
_FORMULA_INSIDE = re.compile(f"{_BEGINNING}(?=[{re.escape(_SIGNS)}])")
_INSIDE = r"\1'"
_GUARDED_INSIDE = re.compile(f"{_BEGINNING}'(?=[{re.escape(_SIGNS)}])")

BOM = "\ufeff"


def guard_cell(value: str) -> str:
    """The same text, with an apostrophe before whatever a spreadsheet would take for a formula."""
    bare = value.lstrip().lstrip(_SKIPPED).lstrip()
    kept = _FORMULA_INSIDE.sub(_INSIDE, value)
    if not (value.startswith(_TRIGGERS) or bare.startswith(_TRIGGERS)):
        return kept
    return value if _PLAIN_NUMBER.fullmatch(value) else f"'{kept}"


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
    """`csv_field` as an expression for PostgreSQL. Of most cells one look says that they stay as they are."""
    kept = column if is_raw else _guarded_in_postgresql(column)
    special = _literal(f"[{_SPECIAL}]")
    return (
        f"CASE WHEN {column} ~ {_harmless(is_raw=is_raw)} THEN {column}"
        f" WHEN {kept} ~ {special} THEN '\"' || replace({kept}, '\"', '\"\"') || '\"' ELSE {kept} END"
    )


def are_harmless_in_postgresql(columns: Sequence[str], *, is_raw: bool = False) -> str:
    """Whether `csv_field` leaves all these texts as they are, for sure. Most begin with an ASCII letter or digit."""
    nothing_special = f"({' || '.join(columns)}) !~ {_literal(f'[{_SPECIAL}]')}"
    if is_raw:
        return nothing_special
    begin = (
        f"""({column} = '' OR {column} COLLATE "C" >= '0' AND {column} COLLATE "C" < '{{' """
        f"""AND ({column} COLLATE "C" < ':' OR {column} COLLATE "C" >= 'A'))"""
        for column in columns
    )
    return " AND ".join((*begin, nothing_special))


def _harmless(*, is_raw: bool) -> str:
    """Nothing asks for quotes, and the first sign begins no formula and is not skipped on the way to one."""
    begins = "".join(_TRIGGERS).replace("-", r"\-") + _SKIPPED_IN_POSTGRESQL + _BLANKS
    first = "" if is_raw else f"[^{begins}{_SPECIAL}]"
    return _literal(f"^({first}[^{_SPECIAL}]*)?$")


def _guarded_in_postgresql(column: str) -> str:
    blanks, skipped = _literal(_BLANKS), _literal(_SKIPPED_IN_POSTGRESQL)
    triggers = ", ".join(_literal(trigger) for trigger in _TRIGGERS)
    bare = f"ltrim(ltrim(ltrim({column}, {blanks}), {skipped}), {blanks})"
    number = _literal(f"^({_PLAIN_NUMBER.pattern})$")
    inside = _literal(_FORMULA_INSIDE.pattern.replace("\x00", ""))
    kept = f"regexp_replace({column}, {inside}, {_literal(_INSIDE)}, 'g')"
    return (
        f"(CASE WHEN (left({column}, 1) IN ({triggers}) OR left({bare}, 1) IN ({triggers}))"
        f" AND {column} !~ {number} THEN {_literal(chr(39))} || {kept} ELSE {kept} END)"
    )


def _literal(text: str) -> str:
    """Signs that mean something to SQL or to its driver are written as numbers."""
    return "E'" + "".join(letter if letter.isalnum() else f"\\u{ord(letter):04X}" for letter in text) + "'"


def unguard_cell(value: str) -> str:
    """What was there before `guard_cell`: for files that we wrote and read again."""
    for bare in (value.removeprefix("'"), value):
        for before in (_GUARDED_INSIDE.sub(r"\1", bare), bare):
            if before != value and guard_cell(before) == value:
                return before
    return value
