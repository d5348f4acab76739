"""What the pages of an import say about its staged rows. The whole way is in test_imports.py."""

from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from broadcasts.models import AuditEntry, Import, Person, School, StagedGuardian
from broadcasts.people.importing.sections import SECTIONS
from tests import factory

LIST = reverse("broadcasts:import-list")


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


def page(name: str, of_import: Import, *more: str) -> str:
    return reverse(f"broadcasts:import-{name}", args=[of_import.pk, *more])


def text_of(response: Any) -> str:
    content = b"".join(response) if response.streaming else response.content
    return " ".join(content.decode().split())


def test_the_empty_list_says_what_to_ask_for(as_alice: Client) -> None:
    text = text_of(as_alice.get(LIST))
    assert "No imports yet" in text
    assert "OneRoster zip" in text


def test_the_list_shows_who_when_and_how_far(as_alice: Client, lincoln: School) -> None:
    alice = lincoln.memberships.get().user
    factory.make_import(lincoln, uploaded_by=alice, summary={"new": 1204, "rejected": 3})
    text = text_of(as_alice.get(LIST))
    assert "people.csv" in text
    assert "to be confirmed" in text
    assert "1,204" in text
    assert "by Alice" in text


def test_an_import_of_the_district_is_the_administrators(
    as_alice: Client, as_charlie: Client, lincoln: School
) -> None:
    district = factory.make_import(None)
    assert as_alice.get(page("detail", district)).status_code == 404
    assert "people.csv" not in text_of(as_alice.get(LIST))
    assert "All schools of the district" in text_of(as_charlie.get(page("detail", district)))


def test_the_check_counts_and_each_number_opens_its_people(as_alice: Client, lincoln: School) -> None:
    checked = factory.make_import(lincoln, summary=dict.fromkeys(SECTIONS, 1) | {"addresses_new": 1204})
    for name, action in [
        ("Ann", "new"),
        ("Ben", "changed"),
        ("Cleo", "unchanged"),
        ("Dora", "missing"),
        ("", "rejected"),
    ]:
        factory.make_staged(checked, name, action)
    check = text_of(as_alice.get(page("detail", checked)))
    assert "<b>1</b> <span>New</span>" in check
    assert "1,204 addresses added" in check
    for slug, name in [("new", "Ann"), ("changed", "Ben"), ("unchanged", "Cleo"), ("missing", "Dora")]:
        assert page("people", checked, slug) in check
        assert name in text_of(as_alice.get(page("people", checked, slug)))
    assert as_alice.get(page("people", checked, "nobody")).status_code == 404


def test_changes_are_shown_from_old_to_new(as_alice: Client, lincoln: School) -> None:
    checked = factory.make_import(lincoln)
    factory.make_staged(
        checked,
        "Ann Lee",
        "changed",
        {"new@x.example": "new", "old@x.example": "gone", "same@x.example": "kept", "wrong@x.example": "corrected"},
        sis_id="s1",
        old_name="Ann",
        old_sis_id="",
        kind="staff",
        old_kind="guardian",
        grade="5",
        old_grade="4",
        language="es",
        old_language="en",
        old_is_active=False,
        old_school=lincoln,
    )
    for action in ("new", "new", "gone", "kept"):
        StagedGuardian.objects.create(
            of_import=checked, action=action, student_sis_id="s1", guardian_sis_id=f"g{action}"
        )
    text = text_of(as_alice.get(page("people", checked, "changed")))
    for said in (
        "name: Ann → <b>Ann Lee</b>",
        "kind: Guardian → <b>Staff</b>",
        "grade: 4 → <b>5</b>",
        "language: en → <b>es</b>",
        "SIS id: none → <b>s1</b>",
        "active: no → <b>yes</b>",
        "address added: <b>new@x.example</b>",
        "address no longer in the file: <b>old@x.example</b>",
        "address corrected or retired here, still in the file: <b>wrong@x.example</b>",
        "2 guardians added",
        "1 guardian no longer in the file",
    ):
        assert said in text
    assert "same@x.example" not in text


def test_what_the_file_does_not_say_is_no_change(as_alice: Client, lincoln: School) -> None:
    checked = factory.make_import(lincoln)
    factory.make_staged(
        checked, "Ann", "changed", {"new@x.example": "new"},
        old_name="Ann", old_kind="staff", old_grade="4", old_language="es", old_sis_id="s1", old_is_active=True,
        old_school=lincoln, old_other_schools="7",
    )  # fmt: skip
    text = text_of(as_alice.get(page("people", checked, "changed")))
    assert "→ <b>" not in text
    assert "address added" in text


def test_a_move_says_from_where_to_where(as_charlie: Client, lincoln: School, jefferson: School) -> None:
    district = factory.make_import(None)
    factory.make_staged(
        district, "Ann", "changed", school=jefferson, old_school=lincoln, old_name="Ann",
        other_schools=f"{lincoln.pk}", old_other_schools="",
    )  # fmt: skip
    text = text_of(as_charlie.get(page("people", district, "changed")))
    assert "school: Lincoln → <b>Jefferson</b>" in text
    assert "other schools: none → <b>Lincoln</b>" in text


def test_many_people_come_page_by_page(as_alice: Client, lincoln: School) -> None:
    checked = factory.make_import(lincoln)
    for number in range(2, 62):
        factory.make_staged(checked, f"Person {number}", "new", number=number)
    first = text_of(as_alice.get(page("people", checked, "new")))
    assert "60 people" in first
    assert "Person 51<" in first
    assert "Person 52<" not in first
    assert "Person 52<" in text_of(as_alice.get(page("people", checked, "new") + "?page=2"))


@pytest.mark.parametrize("slug", ["new", "changed", "unchanged", "missing", "rejected"])
def test_a_page_of_people_needs_few_queries(
    slug: str, as_alice: Client, lincoln: School, django_assert_max_num_queries: Any
) -> None:
    checked = factory.make_import(lincoln)
    for number in range(2, 42):
        factory.make_staged(checked, f"Person {number}", slug, {f"{number}@x.example": "new"}, sis_id=str(number))
    with django_assert_max_num_queries(14):
        as_alice.get(page("people", checked, slug))


def test_rejected_rows_come_back_as_they_were_with_the_reason(as_alice: Client, lincoln: School) -> None:
    checked = factory.make_import(lincoln, columns={"id": "sis_id", "name": "name", "note": ""})
    checked.file.save("people.csv", ContentFile(b"id,name,note\n7,,x\n9,Ann,=1\n"))
    factory.make_staged(checked, "", "rejected", number=1204, reason="There is no name.", cells=["7", "", "=1+1"])
    factory.make_staged(checked, "", "rejected", number=7, reason="Two cells, too few.", cells=["8"])
    factory.make_staged(checked, "Ann", "rejected", number=3, reason="The id is there twice.", sis_id="9")
    assert page("rejected-download", checked) in text_of(as_alice.get(page("people", checked, "rejected")))
    response = as_alice.get(page("rejected-download", checked))
    assert response["Content-Disposition"] == 'attachment; filename="people-rejected.csv"'
    lines = b"".join(response).decode("utf-8-sig").split("\r\n")
    assert lines == [
        "id,name,note,Row,Reason",
        "9,Ann,'=1,3,The id is there twice.",
        '8,,,7,"Two cells, too few."',
        "7,,'=1+1,1204,There is no name.",
        "",
    ]
    entry = AuditEntry.objects.get(action="import.rejected_downloaded")
    assert entry.details == {"rows": 3}
    assert "Alice downloaded the rejected rows of an import" in text_of(as_alice.get(page("detail", checked)))


def test_progress_refreshes_itself_and_by_a_link(as_alice: Client, lincoln: School) -> None:
    moving = factory.make_import(lincoln, "staging", done_count=400, total_count=1000)
    shown = text_of(as_alice.get(page("detail", moving)))
    assert "400 of about 1,000 rows read" in shown
    assert f'href="{page("detail", moving)}"' in shown
    poll = as_alice.get(page("detail", moving)).context["poll_url"]
    assert as_alice.get(poll).status_code == 204
    Import.objects.update(done_count=600)
    assert "600 of about 1,000 rows" in text_of(as_alice.get(poll))
    Import.objects.update(status="checked")
    assert as_alice.get(poll)["HX-Redirect"] == page("detail", moving)


def test_a_refused_file_says_why(as_alice: Client, lincoln: School) -> None:
    refused = factory.make_import(lincoln, "refused", problem="Row 7 has a quotation mark that is never closed.")
    text = text_of(as_alice.get(page("detail", refused)))
    assert "Row 7 has a quotation mark that is never closed." in text
    assert "Nothing of it was stored." in text


def test_warnings_come_with_their_count_and_places(as_alice: Client, lincoln: School) -> None:
    warning = {"kind": "a date is written the American way", "count": 1204, "examples": ["row 7", "row 9"]}
    checked = factory.make_import(lincoln, warnings=[warning])
    text = text_of(as_alice.get(page("detail", checked)))
    assert "A date is written the American way: <b>1,204</b>" in text
    assert "for example row 7; row 9" in text


def test_cells_are_text_on_the_page_and_nothing_else(as_alice: Client, lincoln: School) -> None:
    checked = factory.make_import(lincoln, file_name="<i>x</i>.csv")
    factory.make_staged(checked, "<script>alert(1)</script>", "new", {"<b>@x.example": "new"})
    factory.make_staged(checked, "<u>", "rejected", reason="“<u>” is nothing.")
    for shown in (page("detail", checked), page("people", checked, "new"), page("people", checked, "rejected")):
        text = text_of(as_alice.get(shown))
        assert not any(tag in text for tag in ("<script>alert", "<b>@", "<u>", "<i>x"))


def test_a_stranger_finds_nothing(as_bob: Client, lincoln: School) -> None:
    checked = factory.make_import(lincoln)
    factory.make_staged(checked, "Ann", "rejected", cells=["Ann"])
    assert "people.csv" not in text_of(as_bob.get(LIST))
    for name in ("detail", "progress", "columns", "rejected-download"):
        assert as_bob.get(page(name, checked)).status_code == 404
    assert as_bob.get(page("people", checked, "rejected")).status_code == 404
    for name in ("confirm", "undo", "discard", "columns"):
        assert as_bob.post(page(name, checked)).status_code == 404
    assert Import.objects.get().status == "checked"
    assert not Person.objects.exists()
