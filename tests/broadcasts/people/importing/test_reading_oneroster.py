"""What real exports do."""

import pytest

from tests.broadcasts.people.importing.oneroster_words import as_text
from tests.broadcasts.people.importing.reading_files import (
    ENROLLMENTS,
    ORGS,
    USER_COLUMNS,
    as_roster,
    as_zip,
    members_of,
    read_roster,
    users_csv,
    with_roles,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("lincoln", "jefferson")]


def test_headings_in_another_case_order_and_spelling_are_tolerated_and_said() -> None:
    data = as_roster({"sourcedId": "s", "email": "s@families.example"})
    users = members_of(data)["users.csv"].decode().replace("sourcedId,enabled", "SOURCEDID,Enabled")
    rows = [row.split(",") for row in users.splitlines()]
    turned = as_text([list(reversed(row)) for row in rows])
    classes = "sourcedId,termSourcedId\nc,t\n"
    found = read_roster(
        as_roster(users=turned, classes=classes, enrollments=ENROLLMENTS, orgs=ORGS.replace("dateLast", "dataLast"))
    )
    assert found.people["s"].addresses
    assert found.warnings == {
        "A heading is not spelled as OneRoster's": 4,
        "The columns are not in OneRoster's order": 1,
    }
    assert found.places["A heading is not spelled as OneRoster's"] == [
        "orgs.csv: dataLastModified",
        "users.csv: EnabledUser",
        "users.csv: SOURCEDID",
    ]


def test_references_that_lead_nowhere_are_counted() -> None:
    found = read_roster(
        as_roster(
            {"sourcedId": "s", "agentSourcedIds": "ghost, ghost2", "orgSourcedIds": "l,nowhere"},
            classes='sourcedId,termSourcedIds\nc,"t,u"\n',
            academicSessions="sourcedId\nt\n",
            enrollments=ENROLLMENTS + "1,x,l,s,student\n",
        )
    )
    assert found.people.keys() == {"s"}
    assert found.warnings == {
        "An agent is named whom nobody knows": 2,
        "An org is named that orgs.csv does not have": 1,
        "A class is in a term that academicSessions.csv does not have": 1,
        "An enrollment is in a class that classes.csv does not have": 1,
    }
    assert found.places["An org is named that orgs.csv does not have"] == ["users.csv, line 2: “nowhere”"]


def test_roles_of_nobody_are_counted() -> None:
    found = read_roster(with_roles({"sourcedId": "s"}, roles="1,s,primary,student,,,l\n2,ghost,primary,parent,,,l\n"))
    assert found.warnings == {"A role is given to a user that users.csv does not have": 1}


@pytest.mark.parametrize(
    ("enabled", "is_active", "warning"),
    [
        ("true", True, None),
        ("false", False, None),
        ("TRUE", True, "enabledUser is not written as true or false"),
        ("0", False, "enabledUser is not written as true or false"),
        ("", True, "enabledUser is empty: taken as true"),
    ],
)
def test_who_is_enabled_is_active(enabled: str, is_active: bool, warning: str | None) -> None:
    found = read_roster(as_roster({"sourcedId": "s", "enabledUser": enabled}))
    assert found.people["s"].is_active is is_active
    assert list(found.warnings) == ([warning] if warning else [])


@pytest.mark.parametrize(
    ("user", "words"),
    [
        ({"enabledUser": "perhaps"}, "enabledUser says “perhaps”"),
        ({"givenName": "", "familyName": ""}, "There is neither a name nor an email address."),
        ({"orgSourcedIds": ""}, "Neither the file nor Messenger says which school"),
        ({"sourcedId": "x" * 101}, "The sourcedId is longer than 100 characters."),
    ],
)
def test_a_user_who_cannot_be_used_is_rejected_without_the_password(user: dict[str, str], words: str) -> None:
    columns = [*USER_COLUMNS, "password"]
    found = read_roster(as_roster({"sourcedId": "s", "password": "hunter2", **user}, columns=columns))
    (row,) = found.rejected
    assert words in found.reason
    assert (row.number, row.file) == (2, "users.csv")
    assert len(row.cells) == len(columns)
    assert "hunter2" not in row.cells


def test_what_the_file_has_no_columns_for_stays_unsaid() -> None:
    columns = [column for column in USER_COLUMNS if column not in {"email", "grades"}]
    row = read_roster(as_roster({"sourcedId": "s"}, columns=columns)).people["s"]
    assert (row.addresses, row.grade, row.language, row.types) == (None, None, "", None)


def test_metadata_carries_language_category_order_silence_and_more_addresses() -> None:
    columns = [
        *USER_COLUMNS,
        *["metadata.HomeLanguage", "metadata.relationship", "metadata.contactOrder", "metadata.doNotContact"],
        "metadata.secondaryEmail",
    ]
    usual = {"role": "guardian", "agentSourcedIds": "s"}
    found = read_roster(
        as_roster(
            {"sourcedId": "s", "metadata.HomeLanguage": "Spanish"},
            {
                **usual,
                "sourcedId": "g",
                "metadata.HomeLanguage": "Elvish!",
                "metadata.relationship": "Dad",
                "metadata.contactOrder": "2",
                "metadata.doNotContact": "Y",
                "email": "g@families.example",
                "metadata.secondaryEmail": "g2@families.example",
            },
            {**usual, "sourcedId": "h", "metadata.relationship": "Landlord", "metadata.doNotContact": "see file"},
            columns=columns,
        )
    )
    assert [found.people[own].language for own in "sg"] == ["es", ""]
    assert [one.address for one in found.people["g"].addresses or ()] == ["g@families.example", "g2@families.example"]
    told = {link.guardian_sis_id: (link.category, link.priority, link.do_not_contact) for link in found.links}
    assert told == {"g": ("father", 2, True), "h": ("other", None, True)}
    assert found.warnings == {
        "A language that Messenger does not know is left out": 1,
        "A relation that Messenger does not know is kept as “Other”": 1,
        "A do-not-contact mark that is neither yes nor no is taken as yes": 1,
    }


@pytest.mark.parametrize(("grades", "grade"), [("09", "9"), ("KG", "KG"), ("10,11", "10"), ("0", "0"), ("", "")])
def test_the_first_grade_is_kept_as_it_is_called(grades: str, grade: str) -> None:
    found = read_roster(as_roster({"sourcedId": "s", "grades": grades}))
    assert found.people["s"].grade == grade


def test_preferred_names_are_used() -> None:
    columns = [*USER_COLUMNS, "preferredGivenName"]
    found = read_roster(as_roster({"sourcedId": "s", "preferredGivenName": "Ember"}, columns=columns))
    assert found.people["s"].name == "Ember Brook"


def test_a_manifest_that_is_missing_is_said() -> None:
    found = read_roster(as_roster({"sourcedId": "s"}, manifest=None))
    assert found.warnings == {"The manifest is missing: the file is taken to be complete": 1}


def test_a_folder_around_the_files_and_names_in_capitals_are_tolerated() -> None:
    data = members_of(as_roster({"sourcedId": "s"}))
    folder = {f"Export/{name.upper()}": text for name, text in data.items()} | {"__MACOSX/._users.csv": b"\0"}
    assert read_roster(as_zip(folder)).people.keys() == {"s"}


def test_old_letters_are_tolerated_and_said() -> None:
    users = users_csv({"sourcedId": "s", "givenName": "Zoë"})
    data = as_zip({**members_of(as_roster()), "users.csv": users.encode("cp1252")})
    found = read_roster(data)
    assert found.people["s"].name == "Zoë Brook"
    assert found.warnings == {"The letters are not in UTF-8 as OneRoster's are": 1}
