import io
from contextlib import suppress

import pytest
from django.core.files.base import ContentFile
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from broadcasts.models import Import, School
from broadcasts.people.columns import UnreadableFile
from broadcasts.people.importing import csv_file
from broadcasts.people.importing.csv_file import CsvTable, survey
from broadcasts.people.importing.opening import detect_format, open_source
from tests.broadcasts.people.importing.reading_files import make_import, read, read_all
from tests.factory import make_school, make_type

pytestmark = pytest.mark.django_db


@pytest.fixture
def lincoln() -> School:
    return make_school()


STUDENTS = (
    "Student ID,First Name,Last Name,Email,Grade,Home Language,Guardian IDs,Role\n"
    "001,Zoë,Núñez,zoe@families.example,3,Spanish,G1; G2,student\n"
    "002,Amber,Brook,,KG,,,student\n"
)


def test_a_students_file_becomes_people_and_links(lincoln: School) -> None:
    found = read(STUDENTS, lincoln)
    zoe = found.people["001"]
    assert (zoe.number, zoe.school, zoe.name, zoe.kind) == (2, lincoln.pk, "Zoë Núñez", "student")
    assert (zoe.language, zoe.grade, zoe.is_active, zoe.types) == ("es", "3", True, None)
    assert zoe.addresses
    assert [one.address for one in zoe.addresses] == ["zoe@families.example"]
    assert found.people["002"].addresses == ()
    assert found.pairs == {("001", "G1"), ("001", "G2")}


def test_a_guardians_file_names_students(lincoln: School) -> None:
    found = read(
        "Contact ID,Name,Email,Student ID,Relationship,Priority,Do Not Contact\n"
        "G1,Amber Brook,a@families.example,S1;S2,Stepmother,1,\n"
        "G2,Dale Brook,d@families.example,S1,Grandpa,2,yes\n"
        "G3,Fern Brook,f@families.example,S1,Neighborhood watch,3,no\n",
        lincoln,
    )
    assert {row.kind for row in found.people.values()} == {"guardian"}
    told = {
        (link.student_sis_id, link.guardian_sis_id): (link.category, link.priority, link.do_not_contact)
        for link in found.links
    }
    assert told == {
        ("S1", "G1"): ("mother", 1, None),
        ("S2", "G1"): ("mother", 1, None),
        ("S1", "G2"): ("other", 2, True),
        ("S1", "G3"): ("other", 3, False),
    }
    assert list(found.places.values()) == [["row 4: “Neighborhood watch”"]]


def test_what_the_file_does_not_say_stays_unsaid(lincoln: School) -> None:
    (row,) = read("Name\nAmber Brook\n", lincoln).people.values()
    assert (row.addresses, row.types, row.grade, row.other_schools) == (None, None, None, None)
    assert (row.kind, row.language, row.sis_id, row.is_active) == ("", "", "", True)


def test_source_says_what_to_expect(lincoln: School) -> None:
    source = open_source(make_import(STUDENTS, lincoln))
    assert (source.has_ids, source.has_guardians, source.total) == (True, True, 2)
    assert source.headings[0] == "Student ID"
    plain = open_source(make_import("Name,Email\nA,a@families.example\n", lincoln))
    assert (plain.has_ids, plain.has_guardians) == (False, False)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_reads_every_encoding_and_delimiter(lincoln: School, encoding: str, delimiter: str) -> None:
    text = 'Name,Email,"Notes"\r\nZoë Núñez,zoe@families.example,"x"\r\n'.replace(",", delimiter)
    (row,) = read(text.encode(encoding), lincoln).people.values()
    assert row.name == "Zoë Núñez"


def test_a_hint_for_excel_and_an_old_end_of_file_are_no_rows(lincoln: School) -> None:
    found = read("sep=;\r\nName;Email\r\nA;a@families.example\r\n\x1a", lincoln)
    assert [(row.number, row.name) for row in found.people.values()] == [(2, "A")]


def test_types_are_looked_up(lincoln: School) -> None:
    general = make_type("General")
    found = read("Name,Types\nA,General\nB,\nC,Weather\n", lincoln)
    assert found.people["A"].types == frozenset([general.pk])
    assert found.people["B"].types == frozenset()
    assert "“Weather” is not a broadcast type" in found.reason


@pytest.mark.parametrize(
    ("heading", "cells", "words"),
    [
        ("Name,Email", ",", None),
        ("Name,Email,Notes", ",,hello", "There is neither a name nor an email address."),
        ("Name", "x" * 201, "The name is longer than 200 characters."),
        ("Name,Language", "A,Klingon speak!", "“Klingon speak!” is not a language we know."),
        ("Name,Kind", "A,alien", "“alien” is not a kind of person."),
        ("Name,Email", "A,a@families.example,c", "This row has more cells than the 2 headings."),
        ("SIS ID,Name", ",A", "The SIS id is missing"),
        ("SIS ID,Name", f"{'9' * 101},A", "The SIS id is longer than 100 characters."),
        ("Name,Active", "A,perhaps", "“perhaps” does not say whether this person is active."),
        ("SIS ID,Name,Student IDs,Do not contact", "G1,A,S1,ask Pat", "“ask Pat” does not say whether"),
        ("SIS ID,Name,Student IDs,Priority", "G1,A,S1,first", "“first” is no order of calling."),
        ("Name,Grade", f"A,{'7' * 21}", "The grade is longer than 20 characters."),
        ("Name,School", "A,Jefferson", "This row belongs to “Jefferson”, and this is an import for Lincoln"),
    ],
)
def test_rows_are_rejected_with_their_reason(lincoln: School, heading: str, cells: str, words: str | None) -> None:
    found = read(f"{heading}\n{cells}\nGood,\n" if "ID" not in heading else f"{heading}\n{cells}\nx,Good\n", lincoln)
    if words is None:
        assert not found.rejected
    else:
        (row,) = found.rejected
        assert words in found.reason
        assert row.number == 2
        assert list(row.cells) == cells.split(",")
    assert "Good" in {row.name for row in found.people.values()}


def test_an_empty_column_does_not_say_that_nobody_has_guardians(lincoln: School) -> None:
    for cell, says in (("", False), ("G1", True)):
        source = open_source(make_import(f"Student ID,Name,Guardian IDs\nS1,A,{cell}\n", lincoln))
        read_all(source)
        assert source.has_guardians is says


def test_a_rejected_student_keeps_guardians(lincoln: School) -> None:
    found = read("Student ID,Name,Guardian IDs\nS1,,G1\nS2,A,G1\n", lincoln)
    assert [row.sis_id for row in found.rejected] == ["S1"]
    assert found.pairs == {("S1", "G1"), ("S2", "G1")}


def test_no_link_is_made_where_a_court_order_cannot_be_read(lincoln: School) -> None:
    found = read("Contact ID,Name,Student IDs,Do not contact\nG1,A,S1,see file\n", lincoln)
    assert found.rejected
    assert not found.links


def test_nobody_is_their_own_guardian(lincoln: School) -> None:
    found = read("Student ID,Name,Guardian IDs\nS1,A,S1\n", lincoln)
    assert not found.links
    assert found.warnings == {"Somebody is named as their own guardian": 1}


def test_a_row_that_names_ones_own_school_is_taken(lincoln: School) -> None:
    School.objects.update(sis_id="77")
    found = read("Name,School\nA,lincoln\nB,LINCOLN\nC,77\nD,\nE,Jefferson; Lincoln\n", lincoln)
    assert {row.school for row in found.people.values()} == {lincoln.pk}
    assert len(found.people) == 5


def test_a_district_needs_schools_that_are_known(lincoln: School) -> None:
    jefferson = make_school("Jefferson")
    found = read("Name,School\nA,Jefferson\nB,Lincoln; Jefferson\nC,Mars\nD,\n", None)
    assert (found.people["A"].school, found.people["A"].other_schools) == (jefferson.pk, None)
    assert (found.people["B"].school, found.people["B"].other_schools) == (lincoln.pk, (jefferson.pk,))
    assert [row.number for row in found.rejected] == [4, 5]
    assert "“Mars” is no school in Messenger" in found.reason
    assert "does not say which school" in found.reason
    with pytest.raises(UnreadableFile, match="say which column names everybody's school"):
        read("Name\nA\n", None)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'Name,Email\nA,"never closed\nB,b@families.example\n', "row 2"),
        (b'Name,Email\nA,a@families.example\nB,"b@fam', "row 3"),
        (b"Name,Email,Grade\nA,a@families.example,3\nB,b@fam", "ends in the middle of row 3"),
        ("Name,Email\nZoë,\nNúñe".encode() + b"z" + "é".encode()[:1], "ends in the middle of row 3"),
        (b"Name,Email\n", "headings but no people"),
        (b"\xef\xbb\xbfName\nZo\xff\n", "letters of this file cannot be read"),
        (b"Name\nZo\x81\xff\n", "letters of this file cannot be read"),
        (b"Name\nA\0\n", "NUL characters"),
        (b"Name\n" + b"a" * 20_000 + b"\n", "more than 10000 characters"),
        (b"Phone,Notes\n1,2\n", "Say which column holds the name"),
        (b",".join(b"C%d" % number for number in range(201)) + b"\nA\n", "201 columns"),
    ],
)
def test_unusable_files_are_refused_in_plain_words(lincoln: School, data: bytes, words: str) -> None:
    with pytest.raises(UnreadableFile, match=words):
        read(data, lincoln)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b" \n ", "empty"),
        (b"%PDF-1.7 ...", "PDF"),
        (b"\xd0\xcf\x11\xe0 ...", "old Excel workbook"),
        (b"\x1f\x8b ...", "compressed"),
        (b"<table><tr><td>Name", "web page"),
        (b"PK\x03\x04 and then nothing", "damaged or was cut off"),
    ],
)
def test_other_files_are_named_as_what_they_are(data: bytes, words: str) -> None:
    with pytest.raises(UnreadableFile, match=words):
        detect_format(io.BytesIO(data), "people.csv")


def test_a_damaged_zip_is_not_taken_for_text() -> None:
    with pytest.raises(UnreadableFile, match="is not what its name says"):
        detect_format(io.BytesIO(b"rubbish, more rubbish"), "district.zip")


def test_fifty_columns_are_no_trouble(lincoln: School) -> None:
    heading = ["Name", *[f"Extra {number}" for number in range(49)]]
    found = read(",".join(heading) + "\nA" + ",x" * 49 + "\n", lincoln)
    assert list(found.people) == ["A"]


def test_a_missing_last_line_break_is_no_cut(lincoln: School) -> None:
    assert len(read("Name,Email\nA,a@families.example\nB,b@families.example", lincoln).people) == 2


def test_half_a_letter_of_an_old_encoding_is_a_letter(lincoln: School) -> None:
    assert list(read("Name\nAndr\xe9".encode("cp1252"), lincoln).people) == ["André"]


def test_letters_may_lie_across_the_pieces_of_a_file(lincoln: School, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_file, "CHUNK", 7)
    assert list(read("Name\n" + "é" * 40 + "\n", lincoln).people) == ["é" * 40]


def test_too_large_and_too_long_files_are_refused(lincoln: School, settings: Settings) -> None:
    settings.MAX_IMPORT_ROWS = 2
    with pytest.raises(UnreadableFile, match="more than 2 rows"):
        read("Name\nA\nB\nC\n", lincoln)
    settings.MAX_IMPORT_BYTES = 10
    with pytest.raises(UnreadableFile, match="larger than 10"):
        read("Name\nAmber Brook\n", lincoln)


def test_a_file_that_is_gone_is_said(lincoln: School) -> None:
    one = Import.objects.create(school=lincoln, format="csv", file=ContentFile(b"Name\nA\n", "a.csv"))
    one.file.storage.delete(one.file.name or "")
    with pytest.raises(UnreadableFile, match="no longer here"):
        open_source(one)


@given(st.binary(max_size=300))
@hypothesis_settings(max_examples=200, deadline=None)
def test_whatever_the_bytes_reading_ends_or_says_why(data: bytes) -> None:
    with suppress(UnreadableFile):
        list(CsvTable(lambda: io.BytesIO(data)).records())


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=50), st.integers(1, 9))
@hypothesis_settings(max_examples=100, deadline=None)
def test_text_of_any_language_is_found_to_be_utf_8(text: str, size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_file, "CHUNK", size)
        assert survey(io.BytesIO(text.encode())).encoding.startswith("utf-")
