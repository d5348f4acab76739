"""A OneRoster zip on its way through the pages: nothing to match, and schools that are not here yet."""

from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from broadcasts import actors
from broadcasts.models import AuditEntry, Guardianship, Import, Person, School
from tests import factory
from tests.broadcasts.importing import confirm, latest, page, text_of, upload
from tests.broadcasts.people.importing.reading_files import MANIFEST, as_roster

ANN = {"sourcedId": "s1", "givenName": "Ann", "familyName": "Lee", "email": "ann@x.example", "agentSourcedIds": "g1"}
CLEO = {"sourcedId": "g1", "givenName": "Cleo", "familyName": "Lee", "role": "parent", "email": "cleo@x.example"}
BEN = {"sourcedId": "s2", "givenName": "Ben", "familyName": "Ode", "orgSourcedIds": "j"}


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture(autouse=True)
def types(db: None) -> None:
    factory.make_type("General")


def send(client: Client, data: bytes, **fields: Any) -> Any:
    return upload(client, data, "roster.zip", **fields)


def go_on(client: Client, **answers: str) -> None:
    client.post(page("columns"), answers)
    actors.stage.fn(latest().pk)


def test_a_zip_whose_schools_are_here_is_read_at_once(
    as_alice: Client, lincoln: School, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks() as hints:
        response = send(as_alice, as_roster(ANN, CLEO))
    assert response["Location"] == page("detail")
    assert len(hints) == 1
    actors.stage.fn(latest().pk)
    check = text_of(as_alice.get(page("detail")))
    assert "<b>2</b> <span>New</span>" in check
    assert "1 guardian added" in check
    confirm(as_alice)
    assert Guardianship.objects.get().guardian.name == "Cleo Lee"


def test_an_administrator_adds_the_schools_that_are_not_here(as_charlie: Client, lincoln: School) -> None:
    assert send(as_charlie, as_roster(ANN, CLEO, BEN), school="district")["Location"] == page("columns")
    asked = text_of(as_charlie.get(page("columns")))
    assert "It names 1 school that Messenger does not know yet." in asked
    assert "<li>Jefferson</li>" in asked
    assert School.objects.count() == 1
    go_on(as_charlie, add="yes")
    assert AuditEntry.objects.filter(action="school.added", actor_name="Charlie").count() == 1
    confirm(as_charlie)
    assert Person.objects.get(sis_id="s2").school.name == "Jefferson"


def test_without_its_schools_a_zip_is_not_read(as_charlie: Client, lincoln: School) -> None:
    send(as_charlie, as_roster(ANN, CLEO, BEN), school="district")
    assert "Add 1 school and check the file" in text_of(as_charlie.post(page("columns")))
    assert School.objects.count() == 1
    assert latest().status == "uploaded"


def test_rejected_rows_of_a_zip_can_be_downloaded(as_alice: Client, lincoln: School) -> None:
    send(as_alice, as_roster(ANN, {"sourcedId": "s3", "givenName": "", "familyName": "", "email": ""}))
    actors.stage.fn(latest().pk)
    assert "<b>1</b> <span>Rejected</span>" in text_of(as_alice.get(page("detail")))
    assert "users.csv: 3" in text_of(as_alice.get(page("people", "rejected")))
    rows = b"".join(as_alice.get(page("rejected-download"))).decode("utf-8-sig").split("\r\n")
    assert rows[0].startswith("sourcedId,")
    assert rows[0].endswith(",Row,Reason")
    assert rows[1].startswith("s3,")
    assert "users.csv: 3" in rows[1]


def test_contradicting_rows_of_a_zip_come_back_without_the_password(as_alice: Client, lincoln: School) -> None:
    send(as_alice, as_roster(CLEO, ANN | {"password": "secret"}, ANN | {"givenName": "Anna", "password": "secret"}))
    actors.stage.fn(latest().pk)
    rows = b"".join(as_alice.get(page("rejected-download"))).decode("utf-8-sig").split("\r\n")
    assert [("Ann" in row, "Anna" in row, "ann@x.example" in row) for row in rows[1:3]] == [
        (True, False, True),
        (True, True, True),
    ]
    assert "secret" not in "".join(rows)


def test_office_staff_add_no_schools(as_alice: Client, lincoln: School) -> None:
    send(as_alice, as_roster(ANN, BEN))
    actors.stage.fn(latest().pk)
    as_alice.post(page("columns"), {"add": "yes"})
    assert School.objects.count() == 1


def test_reading_waits_for_a_press(as_charlie: Client, lincoln: School) -> None:
    send(as_charlie, as_roster(ANN, BEN), school="district")
    factory.make_school("Jefferson")
    assert "There is no school to add" in text_of(as_charlie.get(page("columns")))
    assert latest().status == "uploaded"


def test_a_zip_that_holds_changes_only_is_not_taken_for_everybody(as_alice: Client, lincoln: School) -> None:
    delta = as_roster(ANN, manifest=MANIFEST.replace("file.users,bulk", "file.users,delta"))
    response = send(as_alice, delta)
    assert response.status_code == 422
    assert "This zip itself says that it holds changes only." in text_of(response)
    assert not Import.objects.exists()


def test_a_zip_of_something_else_is_refused_beside_its_field(as_alice: Client) -> None:
    response = send(as_alice, b"PK\x03\x04 and nothing more")
    assert response.status_code == 422
    assert 'id="form-errors"' in text_of(response)
    assert not Import.objects.exists()
