"""What real exports do, and who belongs where."""

import pytest

from broadcasts.models import School
from broadcasts.people.columns import UnreadableFile
from tests.broadcasts.people.importing.oneroster_district import as_text
from tests.broadcasts.people.importing.reading_files import (
    MANIFEST,
    ORGS,
    USER_COLUMNS,
    Read,
    as_roster,
    as_zip,
    members_of,
    read,
    users_csv,
)
from tests.factory import make_person, make_school

pytestmark = pytest.mark.django_db
DELTA = MANIFEST.replace("users,bulk", "users,delta").replace("orgs,bulk", "orgs,absent")
ENROLLMENTS = "sourcedId,classSourcedId,schoolSourcedId,userSourcedId,role\n"
ROLES = "sourcedId,userSourcedId,roleType,role,beginDate,endDate,orgSourcedId\n"
USERS_12 = [column for column in USER_COLUMNS if column not in {"orgSourcedIds", "role"}]


@pytest.fixture
def lincoln() -> School:
    return make_school()


@pytest.fixture
def jefferson() -> School:
    return make_school("Jefferson")


@pytest.fixture(autouse=True)
def _both(lincoln: School, jefferson: School) -> None:
    pass


def read_roster(data: bytes, school: School | None = None) -> Read:
    return read(data, school, name="roster.zip")


def with_roles(
    *users: dict[str, str], roles: str, manifest: str = MANIFEST + "file.roles,bulk\n", **files: str | None
) -> bytes:
    return as_roster(
        *users, columns=[*USERS_12, "primaryOrgSourcedId"], roles=ROLES + roles, manifest=manifest, **files
    )


@pytest.mark.parametrize(
    ("student", "guardian"), [("g", ""), ("", "s"), ("g", "s")], ids=["student's row", "guardian's row", "both"]
)
def test_a_link_on_either_row_is_one_link(student: str, guardian: str) -> None:
    found = read_roster(
        as_roster(
            {"sourcedId": "s", "agentSourcedIds": student},
            {"sourcedId": "g", "role": "parent", "agentSourcedIds": guardian},
        )
    )
    assert [(link.student_sis_id, link.guardian_sis_id) for link in found.links] == [("s", "g")]
    assert not found.warnings


@pytest.mark.parametrize(
    ("role", "kind"),
    [
        ("student", "student"),
        ("Parent", "guardian"),
        ("relative", "guardian"),
        ("aide", "staff"),
        ("siteAdministrator", "staff"),
        ("proctor", "staff"),
    ],
)
def test_roles_become_kinds(role: str, kind: str) -> None:
    assert read_roster(as_roster({"sourcedId": "u", "role": role})).people["u"].kind == kind


def test_an_unknown_role_is_said_and_the_kind_left_open() -> None:
    found = read_roster(as_roster({"sourcedId": "u", "role": "wizard"}))
    assert found.people["u"].kind == ""
    assert found.warnings == {
        "A role that OneRoster does not have": 1,
        "A user has no role that Messenger knows": 1,
    }


def test_a_teacher_who_is_a_parent_is_staff_and_a_guardian() -> None:
    found = read_roster(
        with_roles(
            {"sourcedId": "s"},
            {"sourcedId": "t", "agentSourcedIds": "s"},
            roles="1,s,primary,student,,,l\n2,t,primary,parent,,,l\n3,t,secondary,teacher,,,j\n",
        )
    )
    assert found.people["t"].kind == "staff"
    assert found.pairs == {("s", "t")}


def test_the_home_school_is_the_primary_one(lincoln: School, jefferson: School) -> None:
    found = read_roster(
        with_roles(
            {"sourcedId": "a"},
            {"sourcedId": "b", "primaryOrgSourcedId": "j"},
            roles="1,a,secondary,teacher,,,l\n2,a,primary,teacher,,,j\n3,b,primary,teacher,,,l\n",
        )
    )
    for row in found.people.values():
        assert (row.school, row.other_schools) == (jefferson.pk, (lincoln.pk,))


def test_a_role_that_has_ended_gives_no_school(lincoln: School, jefferson: School) -> None:
    roles = "1,a,primary,teacher,,2020-06-30,j\n2,a,primary,teacher,,,l\n3,b,primary,student,,6/30/2020,j\n"
    found = read_roster(with_roles({"sourcedId": "a"}, {"sourcedId": "b"}, roles=roles))
    assert (found.people["a"].school, found.people["a"].other_schools) == (lincoln.pk, ())
    assert (found.people["b"].school, found.people["b"].is_active) == (jefferson.pk, True)
    assert found.warnings == {
        "A role that has ended is left out": 1,
        "All roles of a user have ended; they are kept": 1,
        "A date is not written as 2026-08-31": 1,
    }


def test_guardians_belong_where_their_children_are(lincoln: School, jefferson: School) -> None:
    found = read_roster(
        as_roster(
            {"sourcedId": "s1"},
            {"sourcedId": "s2", "orgSourcedIds": "j"},
            {"sourcedId": "g", "role": "parent", "orgSourcedIds": "d", "agentSourcedIds": "s1,s2"},
            {"sourcedId": "h", "role": "parent", "orgSourcedIds": "j", "agentSourcedIds": "s1"},
        )
    )
    assert (found.people["g"].school, found.people["g"].other_schools) == (lincoln.pk, (jefferson.pk,))
    assert (found.people["h"].school, found.people["h"].other_schools) == (jefferson.pk, (lincoln.pk,))


def test_a_district_stands_for_the_schools_beneath_it(lincoln: School, jefferson: School) -> None:
    found = read_roster(as_roster({"sourcedId": "t", "role": "administrator", "orgSourcedIds": "d"}))
    row = found.people["t"]
    assert {row.school, *(row.other_schools or ())} == {lincoln.pk, jefferson.pk}


def test_enrollments_say_where_those_of_a_district_learn(jefferson: School) -> None:
    found = read_roster(
        as_roster(
            {"sourcedId": "s", "orgSourcedIds": "d"},
            enrollments=ENROLLMENTS + "1,c,j,s,student\n2,c,j,nobody,student\n",
        )
    )
    assert (found.people["s"].school, found.people["s"].other_schools) == (jefferson.pk, ())
    assert found.warnings == {"An enrollment is of a user that users.csv does not have": 1}


def test_a_school_takes_guardians_of_its_students_wherever_they_are(jefferson: School) -> None:
    data = as_roster(
        {"sourcedId": "s", "orgSourcedIds": "j"},
        {"sourcedId": "g", "role": "parent", "orgSourcedIds": "l", "agentSourcedIds": "s"},
        {"sourcedId": "t", "role": "administrator", "orgSourcedIds": "d"},
    )
    found = read_roster(data, jefferson)
    assert found.people.keys() == {"s", "g"}
    assert found.pairs == {("s", "g")}


@pytest.mark.parametrize("way", ["SIS id", "name", "short name", "only one"])
def test_ones_own_school_is_found(lincoln: School, way: str) -> None:
    School.objects.filter(pk=lincoln.pk).update(
        name={"name": "LINCOLN"}.get(way, "Abraham Lincoln Elementary"),
        sis_id="l" if way == "SIS id" else "",
        slug="lincoln" if way == "short name" else "abe",
    )
    orgs = ORGS.replace("j,,,Jefferson,school,,d\n", "") if way == "only one" else ORGS
    found = read_roster(as_roster({"sourcedId": "s"}, orgs=orgs), School.objects.get(pk=lincoln.pk))
    assert found.people["s"].school == lincoln.pk


def test_a_school_that_the_file_does_not_have_is_refused() -> None:
    cedar = make_school("Cedar")
    with pytest.raises(UnreadableFile, match=r"Cedar is none of the schools in the file: “Lincoln” \(l\)"):
        read_roster(as_roster({"sourcedId": "s"}), cedar)


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


def test_changes_keep_what_only_messenger_knows(lincoln: School, jefferson: School) -> None:
    make_person(lincoln, "Dale Brook", sis_id="t", kind="staff")
    make_person(jefferson, "Amber Brook", sis_id="s", kind="student")
    make_person(jefferson, "Fern Brook", sis_id="g", kind="guardian")
    School.objects.filter(pk=jefferson.pk).update(sis_id="j")
    found = read_roster(
        with_roles(
            {"sourcedId": "t", "agentSourcedIds": "s"},
            {"sourcedId": "s", "agentSourcedIds": "g"},
            {"sourcedId": "g2", "agentSourcedIds": "s"},
            roles="1,t,secondary,parent,,,j\n2,g2,primary,parent,,,j\n",
            manifest=DELTA,
            orgs=None,
        )
    )
    assert {own: (row.kind, row.school) for own, row in found.people.items()} == {
        "t": ("staff", lincoln.pk),
        "s": ("student", jefferson.pk),
        "g2": ("guardian", jefferson.pk),
    }
    assert found.pairs == {("s", "t"), ("s", "g"), ("s", "g2")}


def test_whom_changes_delete_needs_no_name_and_no_role(lincoln: School) -> None:
    make_person(lincoln, "Amber Brook", sis_id="s", kind="student")
    deleted = {"status": "tobedeleted", "enabledUser": "", "givenName": "", "familyName": ""}
    found = read_roster(
        as_roster(
            {"sourcedId": "s", **deleted, "role": "", "orgSourcedIds": ""},
            {"sourcedId": "stranger", **deleted},
            columns=[*USER_COLUMNS, "status"],
            manifest=DELTA,
            orgs=None,
        )
    )
    row = found.people["s"]
    assert (row.name, row.kind, row.school, row.is_active) == ("Amber Brook", "student", lincoln.pk, False)
    assert found.people.keys() == {"s"}
    assert found.warnings["Somebody is deleted whom Messenger does not know"] == 1


def test_a_schools_changes_see_nobody_of_another_school(lincoln: School, jefferson: School) -> None:
    make_person(jefferson, "Secret Name", sis_id="s", kind="student")
    School.objects.filter(pk=lincoln.pk).update(sis_id="l")
    data = as_roster(
        {
            "sourcedId": "s",
            "orgSourcedIds": "",
            "role": "",
            "enabledUser": "false",
            "givenName": "",
            "familyName": "",
        },
        manifest=DELTA,
        orgs=None,
    )
    found = read_roster(data, School.objects.get(pk=lincoln.pk))
    assert not found.people
    assert not found.rejected
    assert found.warnings["People of other schools are left out"] == 1
