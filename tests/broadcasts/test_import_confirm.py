"""What Confirm, Undo and Discard do to an import that is checked."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from broadcasts import actors
from broadcasts.models import AuditEntry, Import, Person, School
from tests import factory
from tests.broadcasts.importing import (
    COLUMNS,
    PEOPLE,
    bring,
    confirm,
    latest,
    match,
    names,
    page,
    text_of,
    undo,
    upload,
)


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture(autouse=True)
def types(db: None) -> None:
    factory.make_type("General")


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


def test_contradicting_rows_come_back_as_they_were(as_alice: Client) -> None:
    rows = ["s1,Ann Lee,,student,5,38", "s1,Anna Lee,,student,5,38", "s2,Ben Ode,,wizard,4,39", "s3,Cy,,student,4,40"]
    upload(as_alice, "\n".join([PEOPLE.partition("\n")[0], *rows, "s3,Cyd,,student,4,41"]))
    match(as_alice)
    lines = b"".join(as_alice.get(page("rejected-download"))).decode("utf-8-sig").split("\r\n")
    assert [line.partition(',"The id')[0] for line in lines[1:5] if "The id" in line] == [
        "s1,Ann Lee,,student,5,38,2",
        "s1,Anna Lee,,student,5,38,3",
        "s3,Cy,,student,4,40,5",
    ]
    assert lines[5].startswith('s3,Cyd,,student,4,41,6,"The id s3 is in rows 5, 6')


def test_who_is_missing_stays_without_the_tick(as_alice: Client) -> None:
    bring(as_alice)
    upload(as_alice, PEOPLE.replace("s2,Ben Ode,ben@x.example,student,4,39\n", ""))
    match(as_alice)
    check = text_of(as_alice.get(page("detail")))
    assert "<b>1 person</b> of 3 from earlier imports is not in the file." in check
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
        assert re.search(r'<input[^>]*name="deactivate"[^>]* checked', text)
    assert latest().status == "checked"
    assert "Ben Ode" in names()
    confirm(as_alice, deactivate="on", typed="1")
    assert "Ben Ode" not in names()
    assert "1 person who was missing from the file is inactive now." in text_of(as_alice.get(page("detail")))
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


def test_a_file_without_any_usable_row_is_refused_with_its_rows(as_alice: Client) -> None:
    upload(as_alice, "Name,Role\nAnn,wizard\nBen,witch\n")
    match(as_alice, "name", "kind")
    refused = text_of(as_alice.get(page("detail")))
    assert "The file cannot be used" in refused
    assert "<b>2</b> <span>Rejected</span>" in refused
    assert page("confirm") not in refused
    assert "witch" in text_of(as_alice.get(page("people", "rejected")))
    assert b"Ben,witch,3," in b"".join(as_alice.get(page("rejected-download")))
    assert page("columns") in refused
    match(as_alice, "name", "")
    assert "<b>2</b> <span>New</span>" in text_of(as_alice.get(page("detail")))


def test_what_somebody_changed_since_stays_and_is_named(as_alice: Client) -> None:
    bring(as_alice)
    upload(as_alice, PEOPLE.replace("Ann Lee", "Ann Lea").replace("Ben Ode", "Ben Odd"))
    match(as_alice)
    confirm(as_alice)
    Person.objects.filter(sis_id="s1").update(name="Ann Kim")
    undo(as_alice)
    undone = text_of(as_alice.get(page("detail")))
    assert "1 person was put back" in undone
    assert "1 person stays, because somebody changed them since" in undone
    assert "<li>Ann Lea</li>" in undone
    assert names() == {"Ann Kim", "Ben Ode", "Cleo Lee"}


def test_types_that_change_are_shown_from_old_to_new(as_alice: Client) -> None:
    factory.make_type("Emergency")
    heading = "Name,Email,Receives\n"
    upload(as_alice, f"{heading}Ann,ann@x.example,General\n")
    match(as_alice, "name", "email", "types")
    confirm(as_alice)
    upload(as_alice, f"{heading}Ann,ann@x.example,Emergency\n")
    match(as_alice, "name", "email", "types")
    changed = text_of(as_alice.get(page("people", "changed")))
    assert "receives General at ann@x.example: yes → <b>no</b>" in changed
    assert "receives Emergency at ann@x.example: no → <b>yes</b>" in changed
    assert "2 choices of broadcast types changed" in text_of(as_alice.get(page("detail")))


def test_while_another_import_is_stored_nothing_is_confirmed_or_undone(as_alice: Client, jefferson: School) -> None:
    bring(as_alice)
    ours = page("detail")
    undo_url = page("undo")
    factory.make_import(jefferson, "merging")
    as_alice.post(undo_url)
    assert "Another import is being stored or undone right now." in text_of(as_alice.get(ours))
    upload(as_alice)
    match(as_alice)
    refused = confirm(as_alice)
    assert refused.status_code == 422
    assert "Another import is being stored or undone right now." in text_of(refused)
    assert latest().status == "checked"
