import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from broadcasts.addresses import PLAIN_ADDRESS, is_valid_address
from broadcasts.people.cells import read_addresses
from broadcasts.people.columns import meaning_of
from broadcasts.people.reading import UnreadableFile
from tests.broadcasts.people.files import as_csv, read

ROWS = (
    ("Name", "E-Mail", "Types", "Language", "Kind"),
    ("Zoë Núñez", "zoe@families.example; home@families.example", "General;Emergency", "es", "parent"),
    ("Bob", "bob@families.example", "", "", "pupil"),
)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le-bom", "utf-16-be-bom", "cp1252"])
def test_reads_every_encoding_and_delimiter(encoding: str, delimiter: str) -> None:
    rows = [tuple(f'"{cell}"' for cell in row) for row in ROWS]
    plain = encoding.removesuffix("-bom")
    bom = "\ufeff".encode(plain) if encoding.endswith("-bom") else b""
    found = read(bom + as_csv(*rows, delimiter=delimiter, encoding=plain))
    zoe, bob = found.rows
    assert (zoe.number, zoe.name, zoe.types, zoe.language, zoe.kind) == (
        2,
        "Zoë Núñez",
        ("General", "Emergency"),
        "es",
        "guardian",
    )
    assert [one.address for one in zoe.addresses] == ["zoe@families.example", "home@families.example"]
    assert (bob.number, bob.types, bob.language, bob.kind) == (3, (), "", "student")
    assert not found.bad_rows
    assert not found.unknown_columns


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_semicolons_in_cells_do_not_decide_the_delimiter(delimiter: str) -> None:
    data = as_csv(("email", "name"), *[("a@x.example;b@x.example;c@x.example", "A")] * 20, delimiter=delimiter)
    if delimiter == ";":
        data = data.replace(b"a@x.example;b@x.example;c@x.example", b'"a@x.example;b@x.example;c@x.example"')
    assert {len(row.addresses) for row in read(data).rows} == {3}


def test_one_column_is_enough() -> None:
    (row,) = read("email\na@x.example;b@x.example\n").rows
    assert (row.name, len(row.addresses), row.types) == ("a@x.example", 2, None)


@pytest.mark.parametrize(
    ("heading", "meaning"),
    [
        ("EMAIL", "email"),
        (" e-mail address ", "email"),
        ("Email 2", "email"),
        ("email_1", "email"),
        ("Parent Email", "email"),
        ("Guardian 2 E-mail", "email"),
        ("Mother's email", "email"),
        ("mail", "email"),
        ("Wants email", ""),
        ("Full Name", "name"),
        ("First name", "first_name"),
        ("Surname", "last_name"),
        ("Broadcast Types", "types"),
        ("contact types", "types"),
        ("Role", "kind"),
        ("Type of person", "kind"),
        ("Phone", ""),
    ],
)
def test_headings_have_many_spellings(heading: str, meaning: str) -> None:
    assert meaning_of(heading) == meaning


def test_several_email_columns_are_one_person() -> None:
    (row,) = read('Last name,Parent email,First name,Email 2\nLee,a@x.example,Ann,"b@x.example, A@X.example"\n').rows
    assert row.name == "Ann Lee"
    assert [one.address for one in row.addresses] == ["a@x.example", "b@x.example"]


def test_row_numbers_are_the_spreadsheets() -> None:
    data = 'name,email\n\n"Ann\nLee",a@x.example\n , \nBob,b@x.example,,\n,\nCarl,c@x.example,oops\n'
    found = read(data)
    assert [(row.number, row.name) for row in found.rows] == [(3, "Ann Lee"), (5, "Bob")]
    assert [bad.number for bad in found.bad_rows] == [7]
    assert "more cells" in found.bad_rows[0].reason


def test_a_hint_for_excel_is_not_a_row() -> None:
    (row,) = read("sep=;\r\nname;email\r\nAnn;a@x.example\r\n").rows
    assert (row.number, row.name) == (2, "Ann")


def test_unknown_columns_are_reported() -> None:
    assert read("name,Shoe size,email,Phone\nAnn,38,a@x.example,1\n").unknown_columns == ["Shoe size", "Phone"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"\n \r\n\n", "empty"),
        (b";;\n,\n", "empty|no email"),
        (b"name,email\n", "no people"),
        (b"name,email\n,\n \n", "no people"),
        (b"name,phone\nAnn,1\n", "no email column"),
        (b"Ann,a@x.example\nBob,b@x.example\n", "no email column"),
        (b"name,email\nAnn,a@x\0.example\n", "NUL"),
        (b"PK\x03\x04rest of a workbook", "Excel workbook or a zip"),
        (b"\xd0\xcf\x11\xe0old workbook", "old Excel workbook"),
        (b"%PDF-1.7", "PDF"),
        (b"\x89PNG\r\n\x1a\n\0\0", "picture"),
        (b"\x7fELF\x02\x01\x01\0\0\0", "NUL"),
        ("name,email\nAnn,a@x.example\n".encode("utf-16-le"), "NUL"),
        (b"\xef\xbb\xbfname,email\n\xff,a@x.example", "letters"),
        (b"\xff\xfen", "letters"),
        (b"name,email\n\x81,a@x.example", "letters"),
        (b"name,full name,email\nAnn,Ann,a@x.example\n", "Two columns both look like the name"),
        (b"email,types,broadcast types\na@x.example,,\n", "Two columns both look like the broadcast types"),
        (b",".join([b"email"] * 51) + b"\na@x.example\n", "51 columns"),
        (b"name,email\nAnn,a@x.example\n" + b"x" * 10_001 + b",b@x.example\n", "Row 3"),
        (b'name,email\nAnn,a@x.example\n"Bob,b@x.example\nCarl,c@x.example\n', "quotation mark"),
        (b'name,email\n"' + b"x\n" * 100_000, "quotation mark"),
        (b'name,email\n"Bob" Lee,b@x.example\n', "quotation mark"),
    ],
)
def test_refuses_what_is_of_no_use_and_says_why(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableFile, match=reason):
        read(data)


def test_refuses_too_many_rows_quickly_with_both_figures() -> None:
    data = b"name,email\n" + b"".join(b"Person %d,p%d@x.example\n" % (n, n) for n in range(200_000))
    start = time.process_time()
    with pytest.raises(UnreadableFile, match=r"200,000 rows.*at most 100,000"):
        read(data)
    assert time.process_time() - start < 2


def test_refuses_a_file_that_is_too_large(settings: Settings) -> None:
    settings.MAX_UPLOAD_BYTES = 1000
    with pytest.raises(UnreadableFile, match="larger than"):
        read("email\n" + "a@x.example\n" * 100)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (",,,", ""),
        (", ;,,General", "neither a name nor an email"),
        ("Ann,a@x.example,Klingonese,", "not a language"),
        ("Ann,a@x.example,e s,", "not a language"),
        ("Ann,a@x.example,,wizard", "not a kind of person"),
        ("x" * 201 + ",a@x.example,,", "longer than 200"),
    ],
)
def test_bad_rows_say_why(row: str, reason: str) -> None:
    found = read(f"name,email,language,kind\n{row}\nBob,b@x.example,,\n")
    assert [one.name for one in found.rows] == ["Bob"]
    assert [(bad.number, reason in bad.reason) for bad in found.bad_rows] == ([(2, True)] if reason else [])


def test_a_bad_row_says_everything_that_is_wrong_and_who_it_is() -> None:
    row = "Ann,a@x.example;b@x.example,Klingonese,wizard"
    (bad,) = read(f"name,email,language,kind\n{row}\nBob,b@x.example,,\n").bad_rows
    assert [reason[:12] for reason in bad.reasons] == ["“Klingonese”", "“wizard” is "]
    assert bad.reason == " ".join(bad.reasons)
    assert (bad.name, bad.addresses) == ("Ann", "a@x.example, b@x.example")


def test_a_shifted_row_says_only_that() -> None:
    (bad,) = read("name,email,language,kind\nLee, Ann,a@x.example,es,wizard\n").bad_rows
    assert len(bad.reasons) == 1
    assert "more cells" in bad.reason


@pytest.mark.parametrize(
    ("text", "code"),
    [("ES", "es"), ("pt-BR", "pt-br"), ("zh_hans", "zh-hans"), ("Spanish", "es"), ("español", "es"), ("", "")],
)
def test_languages_by_code_and_name(text: str, code: str) -> None:
    assert read(f"email,language\na@x.example,{text}\n").rows[0].language == code


@pytest.mark.parametrize(
    ("cell", "shown", "problem"),
    [
        ("a b@x.example", "a b@x.example", "space"),
        ("a..b@x.example", "a..b@x.example", "two dots"),
        ("no-at-sign", "no-at-sign", "@"),
        ("josé@x.example", "josé@x.example", "é"),
        ('"a@x.example\r\nBcc: b@x.example"', "a@x.example (line break) Bcc: b@x.example", "line break"),
        ('"a@x.example\nb"', "a@x.example (line break) b", "line break"),
        ("a\u2028b@x.example", "a\ufffdb@x.example", "invisible"),
        ("a\x08b@x.example", "a␈b@x.example", "invisible"),
    ],
)
def test_bad_addresses_are_kept_visibly(cell: str, shown: str, problem: str) -> None:
    (address,) = read(f"name,email\nAnn,{cell}\n").rows[0].addresses
    assert address.address == shown
    assert problem in address.problem
    assert not is_valid_address(address.address)


def test_long_addresses_fit_and_are_flagged() -> None:
    (address,) = read(f"email\n{'x' * 400}@x.example\n").rows[0].addresses
    assert len(address.address) == 320
    assert address.problem


def test_blanks_copied_with_an_address_are_trimmed() -> None:
    (address,) = read("name,email\nAnn,\u200b\xa0a@x.example\ufeff \n").rows[0].addresses
    assert (address.address, address.problem) == ("a@x.example", "")


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("ann@gmial.com", "ann@gmail.com"),
        ("ann@hotmail.con", "ann@hotmail.com"),
        ("ann@gmial.con", "ann@gmail.com"),
        ("ann@school.con", "ann@school.com"),
        ("ann@gmail.com", ""),
        ("ann@school.example", ""),
    ],
)
def test_a_likely_typing_error_is_only_a_hint(given: str, meant: str) -> None:
    (address,) = read_addresses([given])
    assert (address.likely, address.problem) == (meant, "")


@hypothesis_settings(max_examples=500, deadline=None)
@given(st.lists(st.text("aZ0_-.+x", min_size=1, max_size=12), min_size=2, max_size=4), st.integers(0, 2))
def test_the_short_check_never_passes_what_the_full_one_refuses(parts: list[str], at: int) -> None:
    address = "@".join(["".join(parts[: at + 1]), ".".join([*parts[at + 1 :], "example"])])
    if PLAIN_ADDRESS.fullmatch(address):
        assert is_valid_address(address)


@hypothesis_settings(max_examples=200, deadline=None)
@given(st.text(min_size=1, max_size=40))
def test_no_address_can_end_a_line(text: str) -> None:
    for one in read_addresses([text]):
        assert one.address.splitlines() == [one.address]
        assert one.address.isprintable()
        assert one.problem or is_valid_address(one.address)


@hypothesis_settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_whatever_comes_is_read_or_refused(data: bytes) -> None:
    for content in (data, b"name,email\n" + data):
        with suppress(UnreadableFile):
            read(content)
