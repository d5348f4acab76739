"""Whole districts, compared with what the generator knows of them."""

import io
from pathlib import Path

import pytest

from broadcasts.models import AuditEntry, Import, School
from broadcasts.people.columns import UnreadableFile
from broadcasts.people.importing.oneroster.adding_schools import add_missing_schools, missing_schools
from broadcasts.people.importing.oneroster.package import is_delta
from broadcasts.people.importing.opening import open_source
from tests.broadcasts.people.importing.oneroster_district import District, write_district
from tests.broadcasts.people.importing.reading_files import ORGS, Read, as_roster, make_import, read_all
from tests.broadcasts.people.importing.reading_speed import measure, write_csv, write_xlsx
from tests.factory import make_person, make_school, make_user

pytestmark = pytest.mark.django_db
every_version = pytest.mark.parametrize("version", ["1.1", "1.2"])


def district_zip(version: str, delta: float = 0, schools: int = 3, students: int = 120) -> tuple[District, bytes]:
    stream = io.BytesIO()
    district = write_district(stream, version=version, schools=schools, students=students, delta=delta)
    return district, stream.getvalue()


def add_schools(district: District) -> dict[str, School]:
    found = {}
    for org, name in district.orgs.items():
        found[org] = make_school(name)
        School.objects.filter(pk=found[org].pk).update(sis_id=org)
    return found


def read_district(data: bytes, school: School | None = None) -> Read:
    return read_all(open_source(make_import(data, school, name="district.zip")))


@every_version
def test_a_district_is_read_as_it_was_written(version: str) -> None:
    district, data = district_zip(version)
    schools = add_schools(district)
    found = read_district(data)
    assert not found.rejected
    assert found.people.keys() == district.users.keys()
    assert found.pairs == district.links
    for sourced_id, user in district.users.items():
        row = found.people[sourced_id]
        assert (row.name, row.kind, row.language) == (user.name, user.kind, user.language)
        assert [one.address for one in row.addresses or ()] == ([user.email] if user.email else [])
        home, *others = [schools[org].pk for org in user.orgs]
        assert (row.school, set(row.other_schools or ())) == (home, set(others))
        assert row.grade == (user.grade.removeprefix("0") if user.kind == "student" else "")


@every_version
def test_what_metadata_says_of_guardians_is_read(version: str) -> None:
    district, data = district_zip(version)
    add_schools(district)
    words = {"Mother": "mother", "Father": "father", "Guardian": "guardian", "Grandparent": "other"}
    for link in read_district(data).links:
        guardian = district.users[link.guardian_sis_id]
        usual = "other" if guardian.roles == ("relative",) else ""
        assert link.category == words.get(guardian.relation, usual)
        assert link.do_not_contact is (True if guardian.do_not_contact else None)


@every_version
def test_teachers_who_are_agents_are_no_guardians(version: str) -> None:
    district, data = district_zip(version)
    add_schools(district)
    found = read_district(data)
    mentors = [user for user in district.users.values() if any(agent.startswith("t-") for agent in user.agents)]
    assert mentors
    assert found.warnings == {"An agent is no guardian, or not of a student, and is left out": len(mentors)}


@every_version
def test_a_school_takes_only_its_own_people(version: str) -> None:
    district, data = district_zip(version)
    schools = add_schools(district)
    found = read_district(data, schools["org-2"])
    children = {user.sourced_id for user in district.users.values() if "org-2" in user.orgs}
    assert found.people.keys() == children
    assert {row.school for row in found.people.values()} == {schools["org-2"].pk}
    assert {row.other_schools for row in found.people.values()} == {None}
    assert found.pairs == {pair for pair in district.links if set(pair) <= children}
    assert found.warnings["People of other schools are left out"] == len(district.users) - len(children)


@every_version
def test_a_file_of_changes_is_read_with_what_messenger_knows(version: str) -> None:
    before, _bulk = district_zip(version)
    schools = add_schools(before)
    for user in before.users.values():
        make_person(schools[user.orgs[0]], user.name, sis_id=user.sourced_id, kind=user.kind)
    district, data = district_zip(version, delta=0.1)
    found = read_district(data)
    assert is_delta(io.BytesIO(data))
    assert found.people.keys() == district.deactivated | district.renamed.keys()
    assert {own for own, row in found.people.items() if not row.is_active} == district.deactivated
    assert {own: row.name for own, row in found.people.items() if row.is_active} == district.renamed
    assert {row.other_schools for row in found.people.values()} == {None}
    for own, row in found.people.items():
        assert (row.kind, row.school) == (before.users[own].kind, schools[before.users[own].orgs[0]].pk)
    assert found.pairs <= district.links


def test_a_complete_file_is_no_file_of_changes() -> None:
    assert not is_delta(io.BytesIO(district_zip("1.2")[1]))


def test_the_same_seed_writes_the_same_district() -> None:
    assert district_zip("1.2", delta=0.1)[0] == district_zip("1.2", delta=0.1)[0]


def test_schools_that_are_missing_are_named_and_can_be_added() -> None:
    make_school("Lincoln", "America/Denver")
    charlie = make_user("Charlie")
    _district, data = district_zip("1.1")
    one = make_import(data, None, name="district.zip")
    with pytest.raises(UnreadableFile, match="not in Messenger yet: “Jefferson”, “Cedar”"):
        open_source(one)
    assert [info.name for info in missing_schools(one)] == ["Jefferson", "Cedar"]
    added = add_missing_schools(one, charlie)
    assert [(school.name, school.slug, school.sis_id, school.time_zone) for school in added] == [
        ("Jefferson", "jefferson", "org-2", "America/Denver"),
        ("Cedar", "cedar", "org-3", "America/Denver"),
    ]
    assert School.objects.get(name="Lincoln").sis_id == "org-1"
    assert list(AuditEntry.objects.order_by("pk").values_list("action", "actor")) == [
        ("school.changed", charlie.pk),
        ("school.added", charlie.pk),
        ("school.added", charlie.pk),
    ]
    assert not missing_schools(one)
    assert add_missing_schools(one, charlie) == []
    assert len(read_all(open_source(one)).people) == len(_district.users)


def test_a_short_name_that_is_taken_is_not_taken_again() -> None:
    make_school("Jefferson")
    School.objects.update(name="Jefferson Academy", sis_id="elsewhere")
    make_school("Lincoln")
    one = make_import(district_zip("1.1")[1], None, name="district.zip")
    assert [school.slug for school in add_missing_schools(one, None)] == ["jefferson-2", "cedar"]


def test_two_schools_of_one_name_stay_two() -> None:
    lincoln = make_school()
    orgs = ORGS.replace("Jefferson", "Lincoln")
    one = make_import(as_roster({"sourcedId": "s", "orgSourcedIds": "j"}, orgs=orgs), None, name="district.zip")
    with pytest.raises(UnreadableFile, match="not in Messenger yet: “Lincoln”"):
        open_source(one)
    assert [school.name for school in add_missing_schools(one, None)] == ["Lincoln (j)"]
    assert read_all(open_source(one)).people["s"].school != lincoln.pk


def test_a_schools_own_import_adds_no_school() -> None:
    lincoln = make_school()
    one = make_import(district_zip("1.1")[1], lincoln, name="district.zip")
    assert missing_schools(one) == []
    assert add_missing_schools(one, None) == []
    assert missing_schools(make_import("Name\nA\n", None)) == []


@pytest.mark.parametrize("form", ["oneroster", "csv", "xlsx"])
def test_memory_does_not_grow_with_the_file(tmp_path: Path, form: str) -> None:
    """The bound of 300 MB for 100,000 people, at a quarter of them: `reading_speed` measures the whole."""
    home = tmp_path / "uploads"
    home.mkdir()
    path = home / f"people.{form}"
    if form == "oneroster":
        write_district(path, version="1.2", students=9_000)
    else:
        {"csv": write_csv, "xlsx": write_xlsx}[form](path, 25_000)
    found = measure(path, form)
    assert found["rows"] > 25_000
    assert found["mb"] - found["before"] < 60


def test_formats_are_told_by_content() -> None:
    lincoln = make_school()
    assert make_import(district_zip("1.1")[1], lincoln, name="x.csv").format == Import.Format.ONEROSTER
