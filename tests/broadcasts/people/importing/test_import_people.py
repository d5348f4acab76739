"""The command of a nightly job, on real files."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from pytest_django import Settings

from broadcasts.models import AuditEntry, EmailAddress, Import, Person, School, StagedPerson
from tests import factory
from tests.broadcasts.people.importing.oneroster_district import write_district

pytest.importorskip("broadcasts.people.importing.csv_file", reason="the readers of files are not here yet")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "people.csv"


def write(file: Path, *lines: str) -> None:
    file.write_text("\n".join(["Student id,Name,Email,Kind", *lines]) + "\n")


def run(file: Path, *arguments: str) -> str:
    output = StringIO()
    columns = ["--column", "Student id=sis_id"]
    call_command("import_people", str(file), *columns, *arguments, stdout=output, stderr=output)
    return output.getvalue()


def fail(file: Path, *arguments: str) -> CommandError:
    with pytest.raises(CommandError) as caught:
        run(file, *arguments)
    return caught.value


def test_people_are_stored_and_counted(lincoln: School, file: Path) -> None:
    write(file, "1,Ann Lee,ann@home.example,student", "2,Ben Lee,ben@home.example,guardian")
    told = run(file, "--json")
    assert "New                                    2" in told
    assert json.loads(told.splitlines()[-1])["counts"]["addresses_new"] == 2
    assert set(Person.objects.values_list("sis_id", "name", "school")) == {
        ("1", "Ann Lee", lincoln.pk),
        ("2", "Ben Lee", lincoln.pk),
    }
    assert "Unchanged                              2" in run(file)
    assert AuditEntry.objects.filter(action="import.stored").count() == 2


def test_check_stores_nothing(lincoln: School, file: Path) -> None:
    write(file, "1,Ann Lee,ann@home.example,student")
    assert "Nothing was stored. This would be:" in run(file, "--check")
    assert not Person.objects.exists()
    assert not StagedPerson.objects.exists()
    assert Import.objects.get().status == "discarded"


def test_some_rejected_rows_have_a_status_of_their_own(lincoln: School, file: Path) -> None:
    write(file, "1,Ann Lee,ann@home.example,student", "2,Ben Lee,,guardian", "2,Eve Lee,,guardian")
    assert fail(file).returncode == 3
    assert [person.name for person in Person.objects.all()] == ["Ann Lee"]


def test_the_reasons_are_told(lincoln: School, file: Path) -> None:
    write(file, "1,Ann Lee,,student", "1,Eve Lee,,student", "2,Ben Lee,,student")
    output = StringIO()
    with pytest.raises(CommandError):
        call_command("import_people", str(file), "--column", "Student id=sis_id", stdout=StringIO(), stderr=output)
    assert "row 3: The id 1 is in rows 2, 3, and they differ." in output.getvalue()


def test_many_missing_need_their_number(lincoln: School, file: Path) -> None:
    write(file, "1,Ann Lee,,student", "2,Ben Lee,,student")
    run(file)
    write(file, "1,Ann Lee,,student")
    error = fail(file, "--deactivate-missing")
    assert (error.returncode, "--accept-missing 1" in str(error)) == (2, True)
    assert Person.objects.filter(is_active=True).count() == 2
    run(file, "--deactivate-missing", "--accept-missing", "1")
    assert [person.name for person in Person.objects.filter(is_active=False)] == ["Ben Lee"]


def test_nobody_is_missing_from_changes(lincoln: School, file: Path) -> None:
    write(file, "1,Ann Lee,,student", "2,Ben Lee,,student")
    run(file)
    write(file, "1,Ann Wong,,student")
    assert "Missing from the file                  0" in run(file, "--changes-only", "--deactivate-missing")
    assert set(Person.objects.filter(is_active=True).values_list("name", flat=True)) == {"Ann Wong", "Ben Lee"}


def test_nobody_is_missing_from_a_delta(tmp_path: Path) -> None:
    zipped = tmp_path / "district.zip"
    for name in write_district(zipped, schools=2, students=20).orgs.values():
        factory.make_school(name)
    call_command("import_people", str(zipped), stdout=StringIO())
    write_district(zipped, schools=2, students=20, delta=0.1)
    output = StringIO()
    call_command("import_people", str(zipped), "--deactivate-missing", stdout=output)
    assert "Missing from the file                  0" in output.getvalue()
    assert Person.objects.filter(is_active=False).count() == 2


def test_who_has_a_cell_too_many_is_not_missing(lincoln: School, file: Path) -> None:
    write(file, "1,Ann Lee,,student", "2,Ben Lee,,student")
    run(file)
    write(file, "1,Ann Lee,,student", "2,Ben Lee,,student,,too many")
    assert fail(file, "--deactivate-missing").returncode == 3
    assert Person.objects.filter(is_active=True).count() == 2


def test_a_second_import_at_the_same_time_is_refused(lincoln: School, file: Path) -> None:
    write(file, "1,Ann Lee,,student")
    Import.objects.create(school=lincoln, format="csv", file_name="other.csv", status="merging")
    error = fail(file)
    assert (error.returncode, "Another import" in str(error)) == (2, True)
    assert not Person.objects.exists()


def test_bad_input_is_refused(lincoln: School, jefferson: School, file: Path, tmp_path: Path) -> None:
    write(file, "1,Ann Lee,,student")
    assert "Say which --school" in str(fail(file))
    assert "no such school" in str(fail(file, "--school", "roosevelt"))
    assert fail(tmp_path / "nowhere.csv", "--school", "lincoln").returncode == 2
    assert "no column “Grade”" in str(fail(file, "--school", "lincoln", "--column", "Grade=grade"))
    assert "not HEADING=MEANING" in str(fail(file, "--school", "lincoln", "--column", "Name"))
    file.write_text("")
    assert fail(file, "--school", "lincoln").returncode == 2


def test_the_schools_own_people_only(lincoln: School, jefferson: School, file: Path) -> None:
    factory.make_person(jefferson, "Eve Lee", sis_id="1", is_imported=True, kind="student")
    write(file, "1,Ann Lee,,student")
    run(file, "--school", "lincoln", "--deactivate-missing")
    assert set(Person.objects.values_list("name", "is_active")) == {("Eve Lee", True), ("Ann Lee", True)}


def test_what_the_setting_allows_since_the_last_import_is_an_address_now(
    lincoln: School, file: Path, settings: Settings
) -> None:
    write(file, "1,Jürgen,jürgen@home.example,guardian", "2,Ben,no..dots@home.example,guardian")
    run(file)
    assert not EmailAddress.objects.filter(is_valid=True).exists()
    settings.ALLOW_INTERNATIONAL_ADDRESSES = True
    write(file, "1,Jürgen,jürgen@home.example,guardian", "2,Ben,no..dots@home.example,guardian", "3,Ann,,guardian")
    run(file)
    assert EmailAddress.objects.get(is_valid=True).address == "jürgen@home.example"
    assert EmailAddress.objects.count() == 2
