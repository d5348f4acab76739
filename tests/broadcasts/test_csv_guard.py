import csv
import io
from collections.abc import Iterator

import pytest

from broadcasts.csv_guard import csv_lines, guard_cell

FORMULAS = [
    "=1+1", "+1+1", "-1+1", "@SUM(A1)", "|calc", "%0A", "\t=1", "\r=1", "\n=1", " =1", "\u00a0=1", "\ufeff=1",
    "\uff1d1", "\uff0b1", "\uff0d1", "\uff20x", '=HYPERLINK("http://x","y")', "-2+3+cmd|' /C calc'!A0", "+", "-",
    "\ttext", " \t @x",
    "=1\n", "+1 555 0100", "--1", "-1e5", "=", "@",
]  # fmt: skip
HARMLESS = ["", "Ann", "a=b", "12", "-12", "+12", "-12.5", "1,5", "O'Brien", "'quoted", "a@b.example", "Zoë", "a\nb"]


@pytest.mark.parametrize("text", FORMULAS)
def test_what_looks_like_a_formula_gets_an_apostrophe(text: str) -> None:
    assert guard_cell(text) == "'" + text


@pytest.mark.parametrize("text", HARMLESS)
def test_harmless_text_stays_as_it_is(text: str) -> None:
    assert guard_cell(text) == text


def test_lines_read_back_as_the_same_cells() -> None:
    rows: list[list[object]] = [["Ann", 'say "hi", twice'], ["two\r\nlines", None], ["=1", 7]]
    text = "".join(csv_lines(["Name", "Note"], rows))
    assert text.startswith("\ufeffName,Note\r\n")
    assert list(csv.reader(io.StringIO(text[1:], newline=""))) == [
        ["Name", "Note"],
        ["Ann", 'say "hi", twice'],
        ["two\r\nlines", ""],
        ["'=1", "7"],
    ]


@pytest.mark.parametrize("text", ["x;=1+1", "x\t=1+1", "x\n=1+1", 'x";=1+1'])
def test_a_cell_stays_one_cell_also_where_spreadsheets_split_at_other_signs(text: str) -> None:
    line = list(csv_lines(["Name"], [[text]]))[1]
    for delimiter in ",;\t":
        assert list(csv.reader(io.StringIO(line, newline=""), delimiter=delimiter)) == [[text]]


def test_rows_are_read_one_by_one() -> None:
    def endless() -> Iterator[list[str]]:
        while True:
            yield ["x"]

    lines = csv_lines(["Name"], endless())
    assert [next(lines), next(lines), next(lines)] == ["\ufeffName\r\n", "x\r\n", "x\r\n"]
