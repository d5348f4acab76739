import io
import re
import zipfile
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook
from openpyxl.xml.constants import SHEET_MAIN_NS
from pytest_django import Settings

from broadcasts.models import Import, School
from broadcasts.people.columns import UnreadableFile
from broadcasts.people.importing.opening import detect_format
from broadcasts.people.importing.rows import Warnings
from broadcasts.people.importing.xlsx_file import XlsxTable
from tests.broadcasts.people.importing.reading_files import as_xlsx, as_zip, make_import, members_of, read
from tests.factory import make_school

pytestmark = pytest.mark.django_db

SHEET, STRINGS, WORKBOOK = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/workbook.xml"
INLINE = re.compile(r't="inlineStr"><is><t[^>]*>(.*?)</t></is>')


def with_shared_strings(data: bytes) -> bytes:
    """As Excel itself writes it: the texts of all cells in a table of their own."""
    members = members_of(data)
    sheet = members[SHEET].decode()
    texts = INLINE.findall(sheet)
    places = iter(range(len(texts)))
    table = "".join(f"<si><t>{text}</t></si>" for text in texts)
    strings = f'<?xml version="1.0"?><sst xmlns="{SHEET_MAIN_NS}">{table}</sst>'
    sheet = INLINE.sub(lambda _match: f't="s"><v>{next(places)}</v>', sheet)
    return as_zip({**members, SHEET: sheet, STRINGS: strings})


PEOPLE = with_shared_strings(as_xlsx(("SIS ID", "Name", "Email"), ("7", "Amber Brook", "a@families.example")))
MEMBERS = members_of(PEOPLE)
BOMB = "".join(f'<!ENTITY b{n} "&b{n - 1};&b{n - 1};&b{n - 1};&b{n - 1};&b{n - 1};">' for n in range(1, 12))


@pytest.fixture
def lincoln() -> School:
    return make_school()


def with_member(data: bytes, name: str, change: Callable[[str], str]) -> bytes:
    members = members_of(data)
    return as_zip({**members, name: change(members[name].decode())})


def test_a_workbook_is_found_by_its_content() -> None:
    assert detect_format(io.BytesIO(PEOPLE), "people.csv") == Import.Format.XLSX


def test_cells_are_read_as_they_are_seen(lincoln: School) -> None:
    found = read(
        as_xlsx(
            ("SIS ID", "Name", "Grade", "Active"),
            (1234.0, "Amber", 3, True),
            ("0042", "Dale", date(2026, 5, 3), False),
            (99, "Ember", 2.5, None),
            (100, "Fern", datetime(2026, 5, 3, 8, 30), "yes"),  # noqa: DTZ001  # Excel has no time zones
        ),
        lincoln,
    )
    assert list(found.people) == ["1234", "0042", "99", "100"]
    assert [row.grade for row in found.people.values()] == ["3", "2026-05-03", "2.5", "2026-05-03 08:30:00"]
    assert [row.is_active for row in found.people.values()] == [True, False, True, True]
    assert [row.number for row in found.people.values()] == [2, 3, 4, 5]


def test_zeros_that_a_number_format_shows_are_part_of_the_id(lincoln: School) -> None:
    book = Workbook()
    sheet = book.worksheets[0]
    for row in (["SIS ID", "Name"], [42, "Amber"]):
        sheet.append(row)
    sheet["A2"].number_format = "000000"
    stream = io.BytesIO()
    book.save(stream)
    assert list(read(stream.getvalue(), lincoln).people) == ["000042"]


def test_blank_rows_and_columns_keep_their_numbers(lincoln: School) -> None:
    found = read(as_xlsx(("", "Name"), (), (None, None), ("", "Amber")), lincoln)
    assert [row.number for row in found.people.values()] == [4]


def test_a_formula_without_a_result_rejects_its_row(lincoln: School) -> None:
    found = read(as_xlsx(("Name", "Email"), ("Amber", "=A2&1"), ("Dale", "d@families.example")), lincoln)
    assert found.reason == ("Cell B2 is a formula without a stored result. Copy the column and paste its values.")
    assert list(found.people) == ["Dale"]


def test_a_formula_in_a_column_that_is_left_out_is_nobodys_trouble(lincoln: School) -> None:
    data = as_xlsx(("Name", "Age"), ("Amber", "=1+1"))
    assert list(read(data, lincoln).people) == ["Amber"]


def test_a_formula_with_a_result_is_used_and_said(lincoln: School) -> None:
    data = with_member(
        as_xlsx(("Name", "Grade"), ("Amber", "=1+2")),
        SHEET,
        lambda text: text.replace("<v />", "<v>3</v>").replace("<v></v>", "<v>3</v>"),
    )
    found = read(data, lincoln)
    assert found.people["Amber"].grade == "3"
    assert found.warnings == {"A formula's stored result is used": 1}
    assert list(found.places.values()) == [["B2"]]


def test_errors_and_rounded_ids_reject_their_row(lincoln: School) -> None:
    book = load_workbook(io.BytesIO(as_xlsx(("SIS ID", "Name"), ("#N/A", "Amber"), (12345678901234567890, "Dale"))))
    book.worksheets[0]["A2"].data_type = "e"
    stream = io.BytesIO()
    book.save(stream)
    found = read(stream.getvalue(), lincoln)
    assert not found.people
    assert [row.reasons[0].split(":")[0] for row in found.rejected] == [
        "Cell A2 cannot be read",
        "Cell A3 cannot be read",
    ]


def test_the_first_sheet_with_people_is_read_and_the_others_are_named(lincoln: School) -> None:
    data = as_xlsx(more_sheets={"Families": [("Name",), ("Amber",)], "Staff": [("Name",), ("Dale",)], "Empty": []})
    found = read(data, lincoln)
    assert list(found.people) == ["Amber"]
    assert found.warnings == {"Only the first sheet with people is read: “Families”": 1}
    assert list(found.places.values()) == [["Staff"]]


def test_a_hidden_sheet_is_not_the_first(lincoln: School) -> None:
    book = load_workbook(io.BytesIO(as_xlsx(("Code",), ("x",), more_sheets={"Families": [("Name",), ("Amber",)]})))
    book.worksheets[0].sheet_state = "hidden"
    book.active = 1
    stream = io.BytesIO()
    book.save(stream)
    assert list(read(stream.getvalue(), lincoln).people) == ["Amber"]


@pytest.mark.parametrize("name", [SHEET, STRINGS, WORKBOOK])
@pytest.mark.parametrize(
    "entities",
    [
        '<!ENTITY b SYSTEM "file:///etc/passwd">',
        '<!ENTITY b SYSTEM "http://127.0.0.1:1/">',
        f'<!ENTITY b0 "ha">{BOMB}',
    ],
    ids=["external file", "external address", "billion laughs"],
)
def test_entities_are_refused(lincoln: School, name: str, entities: str) -> None:
    def with_entities(text: str) -> str:
        start, mark, rest = text.rpartition("?>")
        return f"{start}{mark}<!DOCTYPE x [{entities}]>{rest}"

    data = with_member(PEOPLE, name, with_entities)
    with pytest.raises(UnreadableFile, match="an XML entity"):
        read(data, lincoln)


@pytest.mark.parametrize("name", [SHEET, STRINGS, WORKBOOK, "xl/styles.xml"])
def test_a_workbook_cut_in_the_middle_is_refused(lincoln: School, name: str) -> None:
    for data in (with_member(PEOPLE, name, lambda text: text[: len(text) // 2]), PEOPLE[: len(PEOPLE) // 2]):
        with pytest.raises(UnreadableFile, match="damaged"):
            read(data, lincoln)


def test_damage_inside_is_found(lincoln: School) -> None:
    place = PEOPLE.index(b"xl/worksheets/sheet1.xml") + 60
    data = PEOPLE[:place] + bytes([PEOPLE[place] ^ 0xFF]) + PEOPLE[place + 1 :]
    with pytest.raises(UnreadableFile, match="damaged"):
        read(data, lincoln)


@pytest.mark.parametrize("name", [SHEET, STRINGS])
def test_a_bomb_is_refused_by_how_far_it_would_grow(lincoln: School, name: str) -> None:
    data = as_zip({**members_of(PEOPLE), name: b"<si/>" * 4_000_000})
    assert len(data) < 100_000
    with pytest.raises(UnreadableFile, match=r"would grow to 19.1.MB"):
        make_import(data, lincoln)


def test_a_bomb_that_lies_about_its_size_grows_no_further(lincoln: School) -> None:
    data = bytearray(as_zip({**members_of(PEOPLE), STRINGS: b"<si/>" * 4_000_000}))
    size = (20_000_000).to_bytes(4, "little")
    while (place := data.find(size)) >= 0:
        data[place : place + 4] = (1000).to_bytes(4, "little")
    with pytest.raises(UnreadableFile, match="damaged"):
        read(bytes(data), lincoln)


def test_too_many_members_and_too_much_are_refused(lincoln: School, settings: Settings) -> None:
    with pytest.raises(UnreadableFile, match="too many files"):
        make_import(as_zip({f"{number}.csv": "" for number in range(10_001)}), lincoln)
    settings.MAX_IMPORT_UNPACKED_BYTES = 1000
    with pytest.raises(UnreadableFile, match="Unpacked, the file is larger than 1000"):
        make_import(PEOPLE, lincoln)


def test_a_zip_with_a_password_is_refused(lincoln: School) -> None:
    data = bytearray(PEOPLE)
    place = data.index(b"PK\x01\x02")
    data[place + 8] |= 1
    with pytest.raises(UnreadableFile, match="has a password"):
        make_import(bytes(data), lincoln)


def test_another_zip_is_named_as_such(lincoln: School) -> None:
    with pytest.raises(UnreadableFile, match="neither a OneRoster export"):
        make_import(as_zip({"photo.jpg": "x", "deep/er/users.csv": "x"}), lincoln)


def test_two_hundred_and_one_columns_are_refused(lincoln: School) -> None:
    with pytest.raises(UnreadableFile, match="201 columns"):
        read(as_xlsx([f"C{number}" for number in range(201)], ["x"]), lincoln)
    with pytest.raises(UnreadableFile, match="columns"):
        read(as_xlsx(["Name"], [*[""] * 300, "x"]), lincoln)


def test_text_in_pieces_and_phonetic_hints_are_read_as_seen(lincoln: School) -> None:
    rich = "<si><r><t>Amber </t></r><r><t>Brook</t></r><rPh sb='0' eb='1'><t>hint</t></rPh></si>"
    data = with_member(PEOPLE, STRINGS, lambda text: text.replace("<si><t>Amber Brook</t></si>", rich))
    assert read(data, lincoln).people["7"].name == "Amber Brook"


def test_an_empty_workbook_is_empty(lincoln: School) -> None:
    with pytest.raises(UnreadableFile, match="empty"):
        read(as_xlsx(), lincoln)
    with pytest.raises(UnreadableFile, match="headings but no people"):
        read(as_xlsx(("Name",)), lincoln)


def test_stored_without_compression_is_a_workbook_too(lincoln: School) -> None:
    assert list(read(as_zip(members_of(PEOPLE), zipfile.ZIP_STORED), lincoln).people) == ["7"]


@given(st.integers(0, len(PEOPLE) - 1), st.integers(1, 255))
@hypothesis_settings(max_examples=150, deadline=None)
def test_whichever_byte_changed_reading_ends_or_says_why(place: int, by: int) -> None:
    data = bytearray(PEOPLE)
    data[place] ^= by
    with suppress(UnreadableFile):
        list(XlsxTable(lambda: io.BytesIO(bytes(data)), Warnings()).records())


@given(st.sampled_from([SHEET, STRINGS, WORKBOOK, "xl/styles.xml"]), st.data())
@hypothesis_settings(max_examples=150, deadline=None)
def test_whatever_its_parts_say_reading_ends_or_says_why(name: str, data: st.DataObject) -> None:
    text = MEMBERS[name]
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 9)))
    members = {**MEMBERS, name: text[:start] + data.draw(st.binary(max_size=9)) + text[end:]}
    with suppress(UnreadableFile):
        list(XlsxTable(lambda: io.BytesIO(as_zip(members)), Warnings()).records())
