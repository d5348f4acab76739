"""Who is what, belongs where, and is whose guardian, by a OneRoster file."""

import pytest

from broadcasts.models import School
from broadcasts.people.columns import UnreadableFile
from tests.broadcasts.people.importing.reading_files import (
    DELTA,
    ENROLLMENTS,
    ORGS,
    USER_COLUMNS,
    as_roster,
    read_roster,
    with_roles,
)
from tests.factory import make_person, make_school

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("lincoln", "jefferson")]


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


def test_who_is_at_home_elsewhere_stays_with_ones_own_school_in_its_changes(
    lincoln: School, jefferson: School
) -> None:
    teacher = make_person(jefferson, "Dale Brook", sis_id="t", kind="staff")
    teacher.other_schools.add(lincoln)
    School.objects.filter(pk=lincoln.pk).update(sis_id="l")
    data = as_roster({"sourcedId": "t", "role": "teacher", "orgSourcedIds": ""}, manifest=DELTA, orgs=None)
    found = read_roster(data, School.objects.get(pk=lincoln.pk))
    assert (found.people["t"].school, found.people["t"].other_schools) == (lincoln.pk, None)


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
