"""The whole way of an import through its pages: upload, columns, check, confirm, undo."""

import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from broadcasts import actors
from broadcasts.models import AuditEntry, EmailAddress, Import, Membership, Person, School, User
from tests import factory

NEW = reverse("broadcasts:import-new")
LIST = reverse("broadcasts:import-list")
PEOPLE = (
    "Student ID,Full name,Email,Role,Grade,Shoe size\n"
    "s1,Ann Lee,ann@x.example,student,5,38\n"
    "s2,Ben Ode,ben@x.example,student,4,39\n"
    "g1,Cleo Lee,cleo@x.example; home@x.example,guardian,,40\n"
    "t1,Dora Kim,dora@x.example,wizard,,41\n"
)
COLUMNS = ("sis_id", "name", "email", "kind", "grade", "")
Headings = dict[str, str]


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture(autouse=True)
def types(db: None) -> None:
    factory.make_type("General")


def upload(client: Client, content: str | bytes = PEOPLE, name: str = "people.csv", **fields: Any) -> Any:
    data = content if isinstance(content, bytes) else content.encode()
    return client.post(NEW, {"file": SimpleUploadedFile(name, data), "holds": "everybody", **fields})


def latest() -> Import:
    return Import.objects.latest("pk")


def page(name: str, *more: str) -> str:
    return reverse(f"broadcasts:import-{name}", args=[latest().pk, *more])


def match(client: Client, *meanings: str) -> Any:
    """Say what the columns are, and let the worker read the file."""
    answers = {f"column_{place}": meaning for place, meaning in enumerate(meanings or COLUMNS)}
    response = client.post(page("columns"), answers)
    if response.status_code == 302:
        actors.stage.fn(latest().pk)
    return response


def confirm(client: Client, **answers: str) -> Any:
    response = client.post(page("confirm"), answers)
    if response.status_code == 302:
        actors.merge.fn(latest().pk)
    return response


def undo(client: Client) -> None:
    client.post(page("undo"))
    actors.undo.fn(latest().pk)


def bring(client: Client, content: str = PEOPLE, **fields: Any) -> None:
    """The whole way of a file."""
    upload(client, content, **fields)
    match(client)
    confirm(client)
    assert latest().status == "done"


def text_of(response: Any) -> str:
    content = b"".join(response) if response.streaming else response.content
    return " ".join(content.decode().split())


def names() -> set[str]:
    return set(Person.objects.filter(is_active=True).values_list("name", flat=True))


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
    book = openpyxl.Workbook()
    for row in (["ID", "Name", "Email", "Grade"], [1204, "Ann Lee", "ann@x.example", 5]):
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    upload(as_alice, file.getvalue(), "people.xlsx")
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


def test_rejected_rows_can_be_downloaded_corrected_and_imported(as_alice: Client) -> None:
    bring(as_alice)
    response = as_alice.get(page("rejected-download"))
    lines = b"".join(response).decode("utf-8-sig").split("\r\n")
    assert lines[0] == "Student ID,Full name,Email,Role,Grade,Shoe size,Row,Reason"
    assert lines[1].startswith("t1,Dora Kim,dora@x.example,wizard,,41,5,")
    assert "wizard" in lines[1].rpartition(",5,")[2]
    corrected = "\r\n".join(lines).replace(",wizard,", ",staff,")
    upload(as_alice, corrected, holds="changes")
    match(as_alice, *COLUMNS, "", "")
    assert "Missing from the file" not in text_of(as_alice.get(page("detail")))
    confirm(as_alice)
    assert names() == {"Ann Lee", "Ben Ode", "Cleo Lee", "Dora Kim"}


def test_who_is_missing_stays_without_the_tick(as_alice: Client) -> None:
    bring(as_alice)
    upload(as_alice, PEOPLE.replace("s2,Ben Ode,ben@x.example,student,4,39\n", ""))
    match(as_alice)
    check = text_of(as_alice.get(page("detail")))
    assert "<b>1 person</b> of 3 in the directory is not in the file." in check
    assert "Make 1 person inactive" in check
    assert "Ben Ode" in text_of(as_alice.get(page("people", "missing")))
    confirm(as_alice)
    assert "Ben Ode" in names()
    assert "Who was missing from the file stayed as they were." in text_of(as_alice.get(page("detail")))


def test_above_a_fifth_the_number_must_be_typed(as_alice: Client) -> None:
    bring(as_alice)
    upload(as_alice, PEOPLE.replace("s2,Ben Ode,ben@x.example,student,4,39\n", ""))
    match(as_alice)
    for typed in ("", "2", "one"):
        refused = confirm(as_alice, deactivate="on", typed=typed)
        assert refused.status_code == 422
        text = text_of(refused)
        assert "Nothing was stored. To make 1 person inactive, type 1 here." in text
        assert 'name="deactivate" checked' in " ".join(text.split()) or "checked" in text
    assert latest().status == "checked"
    assert "Ben Ode" in names()
    confirm(as_alice, deactivate="on", typed="1")
    assert "Ben Ode" not in names()
    assert "Who was missing from the file is inactive now." in text_of(as_alice.get(page("detail")))
    undo(as_alice)
    assert "Ben Ode" in names()


def test_up_to_a_fifth_the_tick_is_enough(as_alice: Client) -> None:
    many = [f"s{number},Person {number},p{number}@x.example,student,5,1\n" for number in range(10)]
    heading = PEOPLE.splitlines(keepends=True)[0]
    bring(as_alice, heading + "".join(many))
    upload(as_alice, heading + "".join(many[1:]))
    match(as_alice)
    assert "Number of people" not in text_of(as_alice.get(page("detail")))
    confirm(as_alice, deactivate="on")
    assert "Person 0" not in names()


def test_second_presses_do_nothing_more(as_alice: Client) -> None:
    bring(as_alice)
    assert as_alice.post(page("confirm"))["Location"] == page("detail")
    assert as_alice.post(page("columns"))["Location"] == page("detail")
    assert as_alice.post(page("discard"))["Location"] == page("detail")
    assert latest().status == "done"
    undo(as_alice)
    assert as_alice.post(page("undo"))["Location"] == page("detail")
    assert as_alice.post(page("confirm"))["Location"] == page("detail")
    assert latest().status == "undone"
    assert AuditEntry.objects.filter(action="import.uploaded").count() == 1


def test_each_step_wakes_a_worker_once(as_alice: Client, django_capture_on_commit_callbacks: Any) -> None:
    upload(as_alice)
    answers = {f"column_{place}": meaning for place, meaning in enumerate(COLUMNS)}
    for url, after in ((page("columns"), "stage"), (page("confirm"), "merge"), (page("undo"), "undo")):
        for expected in (1, 0):
            with django_capture_on_commit_callbacks() as hints:
                as_alice.post(url, answers)
            assert len(hints) == expected, url
        getattr(actors, after).fn(latest().pk)


def test_discard_forgets_the_file(as_alice: Client, tmp_path: Path, django_capture_on_commit_callbacks: Any) -> None:
    upload(as_alice)
    match(as_alice)
    with django_capture_on_commit_callbacks(execute=True):
        response = as_alice.post(page("discard"), follow=True)
    assert "Nothing of it was stored." in text_of(response)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not latest().staged_people.exists()
    assert "This import was discarded" in text_of(as_alice.get(page("detail")))
    assert as_alice.post(page("confirm"))["Location"] == page("detail")
    assert not Person.objects.exists()


def test_undo_ends_after_a_day(as_alice: Client) -> None:
    bring(as_alice)
    Import.objects.update(confirmed_at=timezone.now() - timedelta(hours=25))
    assert page("undo") not in text_of(as_alice.get(page("detail")))
    undo(as_alice)
    assert latest().status == "done"
    assert "Ann Lee" in names()


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
    assert "checked" in text_of(response)  # what else was filled in
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
