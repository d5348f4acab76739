import csv
import io
from collections.abc import Iterator

import pytest
from django.db import connection

from broadcasts.csv_guard import (
    are_harmless_in_postgresql,
    csv_field,
    csv_lines,
    field_in_postgresql,
    guard_cell,
    unguard_cell,
)

FORMULAS = [
    "=1+1", "+1+1", "-1+1", "@SUM(A1)", "|calc", "%0A", "\t=1", "\r=1", "\n=1", " =1", "\u00a0=1", "\ufeff=1",
    "\uff1d1", "\uff0b1", "\uff0d1", "\uff20x", '=HYPERLINK("http://x","y")', "-2+3+cmd|' /C calc'!A0", "+", "-",
    "\ttext", " \t @x",
    "=1\n", "+1 555 0100", "--1", "-1e5", "=", "@",
]  # fmt: skip
HARMLESS = ["", "Ann", "a=b", "12", "-12", "+12", "-12.5", "1,5", "O'Brien", "'quoted", "a@b.example", "Zoë", "a\nb"]


@pytest.mark.parametrize("text", FORMULAS)
def test_what_looks_like_a_formula_gets_an_apostrophe(text: str) -> None:
    assert guard_cell(text).startswith("'")
    assert unguard_cell(guard_cell(text)) == text


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


SPLIT = ["x;=1+1", "x\t=1+1", "x\n=1+1", "x\r\n =1", 'x";=1+1', 'x;"=1";y', "a;\ufeff＝1;b", "\t=1", "x; y;+2;\t-3"]  # noqa: RUF001


@pytest.mark.parametrize("text", SPLIT)
def test_no_part_of_a_cell_is_a_formula_where_spreadsheets_split_at_other_signs(text: str) -> None:
    line = list(csv_lines(["Name", "Note"], [["Ann", text]]))[1]
    for delimiter in ",;\t":
        for row in csv.reader(io.StringIO(line, newline=""), delimiter=delimiter):
            assert [cell for cell in row if cell.strip(" \t\r\n\ufeff").startswith(tuple("=+-@|%＝"))] == []  # noqa: RUF001
    assert unguard_cell(guard_cell(text)) == text


@pytest.mark.parametrize("text", ["a;b", "call me; Ann's mother", "1;2", "one\r\ntwo", "550 5.1.1; no such user"])
def test_harmless_parts_stay_as_they_are(text: str) -> None:
    assert guard_cell(text) == text


def test_rows_are_read_one_by_one() -> None:
    def endless() -> Iterator[list[str]]:
        while True:
            yield ["x"]

    lines = csv_lines(["Name"], endless())
    assert [next(lines), next(lines), next(lines)] == ["\ufeffName\r\n", "x\r\n", "x\r\n"]


EVIL = [
    *(FORMULAS + HARMLESS + SPLIT),
    *(" ", "\u3000", "\u200b", "\ufeff \u200b=1", " \u200b \ufeff|x", "\x1f=1", "\u2028@", "\x85+", "\v%1", "\\."),
    *("\\n", "\\t=", '"', '"=1"', "a;b", "a\tb", "a\rb", "\uff051", "\uff5cx", "\uff11\uff12", "-\uff11", "+1.5.2"),
    *(
        "-1,5",
        "'=1",
        "\U0001f600=1",
        "é,è",
        "{}",
        "\x01",
        "%s",
        "%%",
        "$1",
        "a'b",
        "\\'",
        "\\u003D1",
        "\\r\n\\n\r\n\\",
        "x" * 5000 + ",",
    ),
]


@pytest.mark.django_db
@pytest.mark.parametrize("is_raw", [False, True])
def test_database_writes_the_same_fields(is_raw: bool) -> None:
    """Both forms of the guard, cell by cell."""
    if connection.vendor != "postgresql":
        pytest.skip("PostgreSQL alone writes cells itself.")
    with connection.cursor() as cursor:
        field = field_in_postgresql("cell", is_raw=is_raw)
        cursor.execute(f"SELECT cell, {field} FROM unnest(%s::text[]) AS evil (cell)", [EVIL])
        assert cursor.fetchall() == [(cell, csv_field(cell, is_raw=is_raw)) for cell in EVIL]
        plain = are_harmless_in_postgresql(["cell", "cell"], is_raw=is_raw)
        cursor.execute(f"SELECT cell FROM unnest(%s::text[]) AS evil (cell) WHERE {plain}", [EVIL])
        said = [cell for (cell,) in cursor.fetchall()]
        assert said == [cell for cell in said if csv_field(cell, is_raw=is_raw) == cell], "what is not so"
        assert {"", "Ann"} <= {*said}, "nothing is said of most"


def test_raw_cells_are_left_alone() -> None:
    assert list(csv_lines(["Name"], [["=1+1"], ["a,b"]], is_raw=True)) == ["\ufeffName\r\n", "=1+1\r\n", '"a,b"\r\n']
