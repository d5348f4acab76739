import pytest

from broadcasts.models import RememberedColumn, School
from broadcasts.people.importing.matching import (
    MEANINGS,
    check_columns,
    guess_columns,
    preview,
    remember_columns,
)
from broadcasts.people.importing.relations import read_category
from tests.broadcasts.people.importing.reading_files import as_xlsx, make_import, read
from tests.factory import make_school

pytestmark = pytest.mark.django_db


@pytest.fixture
def lincoln() -> School:
    return make_school()


@pytest.mark.parametrize(
    ("headings", "meanings"),
    [
        ("Student ID|First Name|Last Name|E-mail|Grade Level", "sis_id|first_name|last_name|email|grade"),
        ("Local ID|State ID|Student Name|Grade", "sis_id|||grade"),
        ("Local ID|Student ID|Name", "sis_id||name"),
        ("State ID|Local ID|Name", "|sis_id|name"),
        ("Student ID|Name|Guardian IDs", "sis_id|name|guardian_ids"),
        ("Student ID|Name|Guardian 1 ID|Guardian 2 ID", "sis_id|name|guardian_ids|guardian_ids"),
        ("Contact ID|Name|Student ID|Relationship", "sis_id|name|student_ids|category"),
        ("Guardian ID|Name|Student IDs", "sis_id|name|student_ids"),
        ("sis_id|NAME|Home Language|Contact Type", "sis_id|name|language|category"),
        ("ParentEmail|Mother's Email|Contact Types", "email|email|types"),
        ("Name|Enrollment Status|Campus|Call Order|Do Not Contact", "name|active|school|priority|do_not_contact"),
        ("Name|Shoe size", "name|"),
    ],
)
def test_headings_are_guessed(headings: str, meanings: str) -> None:
    assert list(guess_columns(headings.split("|"), None).values()) == meanings.split("|")


def test_what_a_school_chose_comes_before_a_guess(lincoln: School) -> None:
    remember_columns(lincoln, {"Shoe  Size": "grade", "Grade": "", "Email": "email"})
    remember_columns(lincoln, {"shoe size": "grade"})
    assert RememberedColumn.objects.count() == 3
    assert guess_columns(["SHOE SIZE", "Grade", "E-Mail"], lincoln) == {
        "SHOE SIZE": "grade",
        "Grade": "",
        "E-Mail": "email",
    }


def test_another_school_and_a_district_have_their_own_memory(lincoln: School) -> None:
    remember_columns(lincoln, {"Shoe size": "grade"})
    remember_columns(None, {"Shoe size": "name"})
    assert guess_columns(["Shoe size"], make_school("Jefferson")) == {"Shoe size": ""}
    assert guess_columns(["Shoe size"], None) == {"Shoe size": ""}


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ({"A": "sis_id"}, "Say which column holds the name"),
        ({"A": "name", "B": "name"}, "More than one column is “Name”: “A”, “B”. Choose one of them."),
        ({"A": "name", "B": "guardian_ids"}, "say which column holds each person's own id"),
        ({"A": "name", "B": "do_not_contact"}, "“Do not contact” is about a guardian and a student."),
        ({"A": "name", "B": "shoe_size"}, "There is no meaning called “shoe_size”."),
        ({"A": "name", "B": "email", "C": "email", "D": "", "E": ""}, ""),
    ],
)
def test_a_choice_is_checked(columns: dict[str, str], problem: str) -> None:
    problems = check_columns(columns)
    assert (problem in " ".join(problems)) if problem else not problems


def test_a_district_must_say_where_its_schools_are() -> None:
    assert not check_columns({"A": "name"})
    assert "everybody's school" in check_columns({"A": "name"}, is_district=True)[0]


def test_the_users_choice_is_followed(lincoln: School) -> None:
    columns = {"Name": "", "Called": "name", "Email": ""}
    (row,) = read("Name,Called,Email\nA,B,c@families.example\n", lincoln, columns=columns).people.values()
    assert (row.name, row.addresses) == ("B", None)


@pytest.mark.parametrize("as_workbook", [False, True])
def test_the_preview_shows_the_first_rows_and_guesses(lincoln: School, as_workbook: bool) -> None:
    rows = [("Name", "Email", "Email", ""), *[(f"Person {number}", "a@families.example") for number in range(9)]]
    data = as_xlsx(*rows) if as_workbook else "".join(",".join(row) + "\n" for row in rows).encode()
    shown = preview(make_import(data, lincoln))
    assert shown.headings[:3] == ["Name", "Email", "Email (2)"]
    assert [row[:3] for row in shown.samples] == [
        [f"Person {number}", "a@families.example", ""] for number in range(5)
    ]
    assert [shown.guessed[heading] for heading in shown.headings[:3]] == ["name", "email", "email"]


def test_columns_without_a_heading_have_a_name(lincoln: School) -> None:
    assert preview(make_import("Name,,x\nA,b,c\n", lincoln)).headings == ["Name", "(B)", "x"]


def test_every_meaning_fits_the_column_of_the_database() -> None:
    assert max(map(len, MEANINGS)) <= 20
    assert next(iter(MEANINGS)) == ""


@pytest.mark.parametrize(
    ("word", "category"),
    [
        ("Mom", "mother"),
        ("STEP-MOTHER", "mother"),
        ("dad", "father"),
        ("Parent/Guardian", "guardian"),
        ("Foster Parent", "guardian"),
        ("Emergency", "emergency"),
        ("Grandmother", "other"),
        ("", ""),
        ("Landlord", None),
    ],
)
def test_relations_have_many_words(word: str, category: str | None) -> None:
    assert read_category(word) == category
