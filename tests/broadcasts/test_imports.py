"""The way of an import through its pages: upload, columns, check, confirm, undo; and who may go it."""

import re
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from broadcasts.models import AuditEntry, EmailAddress, Import, Membership, Person, School, User
from tests import factory
from tests.broadcasts.importing import LIST, NEW, confirm, latest, match, names, page, text_of, undo, upload
from tests.broadcasts.people.importing.reading_files import as_xlsx


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture(autouse=True)
def types(db: None) -> None:
    factory.make_type("General")


def test_upload_match_check_confirm_undo(as_alice: Client, alice: User, lincoln: School) -> None:
    assert upload(as_alice)["Location"] == page("columns")
    columns = text_of(as_alice.get(page("columns")))
    assert "Ann Lee" in columns
    assert "Guessed from the headings." in columns
    assert match(as_alice)["Location"] == page("detail")
    check = text_of(as_alice.get(page("detail")))
    assert "<b>3</b> <span>New</span>" in check
    assert "<b>1</b> <span>Rejected</span>" in check
    assert "wizard" in text_of(as_alice.get(page("people", "rejected")))
    assert not Person.objects.exists()

    confirm(as_alice)
    done = text_of(as_alice.get(page("detail")))
    assert "“people.csv” is stored" in done
    assert "You can undo it until" in done
    assert "Alice uploaded a file to import" in done
    assert names() == {"Ann Lee", "Ben Ode", "Cleo Lee"}
    assert Person.objects.get(sis_id="s1").grade == "5"
    assert EmailAddress.objects.filter(person__name="Cleo Lee").count() == 2

    undo(as_alice)
    assert "This import was undone" in text_of(as_alice.get(page("detail")))
    assert not names()
    said = set(AuditEntry.objects.filter(object_type="import").values_list("action", "actor_name"))
    assert ("import.uploaded", "Alice") in said


def test_an_excel_workbook_goes_the_same_way(as_alice: Client) -> None:
    data = as_xlsx(["ID", "Name", "Email", "Grade"], [1204, "Ann Lee", "ann@x.example", 5])
    upload(as_alice, data, "people.xlsx")
    assert latest().format == "xlsx"
    match(as_alice, "sis_id", "name", "email", "grade")
    confirm(as_alice)
    ann = Person.objects.get()
    assert (ann.name, ann.sis_id, ann.grade) == ("Ann Lee", "1204", "5")


def test_columns_are_remembered_for_the_school(as_alice: Client) -> None:
    upload(as_alice, "Wer,Wohin\nAnn,ann@x.example\n")
    match(as_alice, "name", "email")
    upload(as_alice, "Wer,Wohin,Neu\nBen,ben@x.example,1\n")
    columns = text_of(as_alice.get(page("columns")))
    assert "2 columns are matched as last time." in columns
    assert columns.count("remembered from last time") == 2
    assert columns.count('<option value="email" selected>') == 1


def test_another_schools_columns_are_not_remembered(as_alice: Client, as_bob: Client) -> None:
    upload(as_alice, "Wer,Wohin\nAnn,ann@x.example\n")
    match(as_alice, "name", "email")
    upload(as_bob, "Wer,Wohin\nBen,ben@x.example\n")
    assert "remembered" not in text_of(as_bob.get(page("columns")))


def test_problems_with_the_columns_are_said_and_the_choices_stay(as_alice: Client) -> None:
    upload(as_alice)
    response = match(as_alice, "sis_id", "name", "email", "name", "grade", "")
    assert response.status_code == 422
    text = text_of(response)
    assert "More than one column is “Name”: “Full name”, “Role”." in text
    assert text.count('<option value="name" selected>') == 2
    assert latest().status == "uploaded"


@pytest.mark.parametrize(
    ("content", "name", "reason"),
    [
        (b"", "people.csv", "The file is empty."),
        (b"%PDF-1.7", "people.pdf", "This is a PDF"),
        (b"\xd0\xcf\x11\xe0", "people.xls", "old Excel workbook"),
    ],
)
def test_a_file_of_no_use_is_refused_beside_its_field(
    as_alice: Client, content: bytes, name: str, reason: str
) -> None:
    response = upload(as_alice, content, name)
    assert response.status_code == 422
    assert reason in text_of(response)
    assert re.search(r'value="everybody"[^>]* checked', text_of(response))
    assert not Import.objects.exists()


def test_a_file_that_is_too_large_is_refused(as_alice: Client, settings: Settings) -> None:
    settings.MAX_IMPORT_BYTES = 20
    response = upload(as_alice)
    assert response.status_code == 422
    assert "The file is larger than 20 bytes." in text_of(response)


def test_what_is_in_the_file_must_be_said(as_alice: Client) -> None:
    response = upload(as_alice, holds="")
    assert response.status_code == 422
    assert "Say whether the file names everybody or only what is new." in text_of(response)


def test_the_name_on_disk_is_ours(as_alice: Client, tmp_path: Path) -> None:
    upload(as_alice, name="../../x.html.csv")
    (stored,) = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert stored.suffix == ".csv"
    assert "x.html" not in stored.name
    assert latest().file_name == "x.html.csv"


def test_only_administrators_import_for_the_district(
    as_alice: Client, as_charlie: Client, lincoln: School, jefferson: School
) -> None:
    assert "All schools of the district" not in text_of(as_alice.get(NEW))
    upload(as_alice, school="district")
    assert latest().school == lincoln
    assert upload(as_charlie).status_code == 422
    upload(as_charlie, "Name,School,Email\nAnn,Jefferson,ann@x.example\nBen,Lincoln,\n", school="district")
    assert latest().school is None
    assert "say which column names everybody" in text_of(match(as_charlie, "name", "", "email"))
    match(as_charlie, "name", "school", "email")
    confirm(as_charlie)
    assert Person.objects.get(name="Ann").school == jefferson


def test_somebody_of_several_schools_chooses_one(
    as_alice: Client, alice: User, lincoln: School, jefferson: School
) -> None:
    Membership.objects.create(user=alice, school=jefferson, role="office")
    assert upload(as_alice).status_code == 422
    upload(as_alice, school=jefferson.pk)
    assert latest().school == jefferson
    assert upload(as_alice, school=factory.make_school("Adams").pk).status_code == 422


def test_without_a_school_the_page_says_so(as_charlie: Client) -> None:
    assert "belongs to no school yet" in text_of(as_charlie.get(NEW))
    assert "belongs to no school yet" in text_of(upload(as_charlie))


def test_a_stranger_cannot_go_on_with_it(as_alice: Client, as_bob: Client) -> None:
    upload(as_alice)
    match(as_alice)
    assert "people.csv" not in text_of(as_bob.get(LIST))
    assert as_bob.get(page("detail")).status_code == 404
    assert as_bob.post(page("confirm")).status_code == 404
    assert as_bob.post(page("discard")).status_code == 404
    assert latest().status == "checked"
    confirm(as_alice)
    assert as_bob.post(page("undo")).status_code == 404
    assert as_bob.get(page("rejected-download")).status_code == 404
    assert latest().status == "done"
