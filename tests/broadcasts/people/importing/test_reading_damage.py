"""OneRoster zips that would lose data are refused, with the file and the line."""

import io
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from broadcasts.models import School
from broadcasts.people.columns import UnreadableFile
from broadcasts.people.importing.oneroster.package import open_package
from broadcasts.people.importing.oneroster.table import USERS
from broadcasts.people.importing.opening import detect_format
from broadcasts.people.importing.rows import Warnings
from tests.broadcasts.people.importing.reading_files import (
    MANIFEST,
    ORGS,
    as_roster,
    as_zip,
    members_of,
    read,
    users_csv,
)
from tests.factory import make_school

AMBER = {"sourcedId": "s", "email": "s@families.example"}
GOOD = as_roster(AMBER)


@pytest.fixture
def lincoln(db: None) -> School:
    make_school("Jefferson")
    return make_school()


def with_users(change: tuple[str, str]) -> bytes:
    return as_roster(users=users_csv(AMBER, AMBER).replace(*change))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (as_roster(AMBER, {"sourcedId": ""}), "users.csv, line 3 has no sourcedId"),
        (
            as_roster(AMBER, users=users_csv(AMBER) + "x,true\n"),
            "users.csv, line 3 has 2 cells where the headings are 10",
        ),
        (as_roster(AMBER, users=users_csv(AMBER)[:-30]), "users.csv, line 2 has"),
        (as_roster(AMBER, users=users_csv(AMBER) + '"x,true'), "users.csv: A quotation mark"),
        (as_roster(AMBER, users=users_csv(AMBER) + "x" * 20_000 + "\n"), "users.csv, line 3 has a cell of more than"),
        (as_roster(AMBER, users=""), "users.csv is empty"),
        (as_roster(AMBER, users=None), "There is no users.csv"),
        (with_users(("sourcedId,", "number,")), "There is no column sourcedId in users.csv"),
        (with_users(("role,", "job,")), "There is no column role in users.csv"),
        (with_users(("familyName", "givenName")), "two columns called givenName in users.csv"),
        (as_roster(AMBER, orgs=ORGS.replace("j,,,", ",,,")), "orgs.csv, line 4 has no sourcedId"),
        (as_roster(AMBER, orgs="sourcedId,name\nl,Lincoln\n"), "There is no column type in orgs.csv"),
        (as_roster(AMBER, orgs=None), "manifest.csv says that there is a orgs.csv"),
        (as_roster(AMBER, roles="sourcedId\n1\n"), "There is no column orgSourcedId in roles.csv"),
        (as_roster(AMBER, manifest=MANIFEST + "file.roles,bulk\n"), "manifest.csv says that there is a roles.csv"),
        (as_zip({**members_of(GOOD), "Users.CSV": users_csv(AMBER)}), "two files called"),
    ],
)
def test_what_would_lose_data_is_refused(lincoln: School, data: bytes, words: str) -> None:
    with pytest.raises(UnreadableFile, match=words):
        read(data, lincoln, name="roster.zip")


def test_a_line_is_the_files_own_also_after_a_cell_of_two_lines(lincoln: School) -> None:
    data = as_roster({**AMBER, "username": "two\nlines"}, {"sourcedId": ""})
    with pytest.raises(UnreadableFile, match=r"users.csv, line 4 has no sourcedId"):
        read(data, lincoln, name="roster.zip")


def test_a_zip_cut_anywhere_is_refused(lincoln: School) -> None:
    for length in range(4, len(GOOD) - 1, 97):
        with pytest.raises(UnreadableFile, match="damaged"):
            detect_format(io.BytesIO(GOOD[:length]), "roster.zip")


def test_a_changed_byte_inside_is_found_by_its_checksum(lincoln: School) -> None:
    stored = as_zip({**members_of(GOOD)}, compression=0)
    data = stored.replace(b"s@families.example", b"t@families.example", 1)
    with pytest.raises(UnreadableFile, match=r"“users.csv” in the zip file is damaged"):
        read(data, lincoln, name="roster.zip")


def test_a_bomb_is_refused(lincoln: School) -> None:
    data = as_zip({**members_of(GOOD), "demographics.csv": b"0" * 20_000_000})
    with pytest.raises(UnreadableFile, match=r"“demographics.csv” in the zip file would grow to"):
        read(data, lincoln, name="roster.zip")


def test_too_many_people_are_refused(lincoln: School, settings: Settings) -> None:
    settings.MAX_IMPORT_ROWS = 1
    with pytest.raises(UnreadableFile, match="more than 1 rows"):
        read(as_roster(AMBER, {"sourcedId": "t"}), lincoln, name="roster.zip")


@given(st.binary(max_size=400))
@hypothesis_settings(max_examples=100, deadline=None)
def test_whatever_is_in_users_csv_reading_ends_or_says_why(users: bytes) -> None:
    data = as_zip({"users.csv": users})
    with suppress(UnreadableFile), open_package(io.BytesIO(data), Warnings()) as package:
        list(package.table(USERS).rows())


@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
@hypothesis_settings(max_examples=150, deadline=None)
def test_whichever_byte_of_the_zip_changed_reading_ends_or_says_why(place: int, by: int) -> None:
    data = bytearray(GOOD)
    data[place] ^= by
    with suppress(UnreadableFile), open_package(io.BytesIO(bytes(data)), Warnings()) as package:
        list(package.table(USERS).rows())
