from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from broadcasts.blocking import block_addresses
from broadcasts.models import BlockedEmail, EmailAddress, List, Membership, Person, School, Upload, User
from tests import factory

FAMILIES = (
    "name,email,types,Shoe size\n"
    "Ann,ann@x.example;home@x.example,General,38\n"
    "Bob,home@x.example,General;Emergency,39\n"
    "Carl,,,\n"
    "Dora,a..b@x.example,,\n"
    "Eve,eve@gmial.com,General,\n"
    "Fay,fay@x.example,Sports,\n"
)
NEW = reverse("broadcasts:upload-new")


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture(autouse=True)
def types(db: None) -> None:
    factory.make_type("General")
    factory.make_type("Emergency")


def send(client: Client, content: str | bytes = FAMILIES, **fields: Any) -> Any:
    data = content if isinstance(content, bytes) else content.encode()
    fields.setdefault("name", "" if "existing" in fields else "Families")
    return client.post(NEW, {"file": SimpleUploadedFile("families.csv", data), **fields})


def block(address: str) -> None:
    block_addresses([address], reason="Bounced", source=BlockedEmail.Source.STAFF)


def page(name: str) -> str:
    return reverse(f"broadcasts:upload-{name}", args=[Upload.objects.get().pk])


def text_of(response: Any) -> str:
    return " ".join(response.content.decode().split())


def test_upload_check_confirm(as_alice: Client, alice: User) -> None:
    response = send(as_alice)
    assert response["Location"] == page("check")
    assert not Person.objects.exists()
    check = text_of(as_alice.get(page("check")))
    assert "<b>5</b> <span>new people</span>" in check
    assert "<b>1</b> <span>rows left out</span>" in check
    assert '<td class="number" data-label="Row">7</td>' in check
    left_out = check.split('id="bad-rows"')[1].split("</table>")[0]
    assert '<td data-label="Name">Fay</td><td data-label="Address">fay@x.example</td>' in left_out
    assert "“Sports” is not a broadcast type. Use one of these: Emergency, General." in left_out
    assert "There are two dots in a row." in check
    assert "This column is not used: “Shoe size”." in check
    assert "1 person has an empty cell for types" in check
    assert "1 person has no address" in check
    assert "1 address is shared by several people" in check
    assert "Is it eve@gmail.com?" in check
    assert not Person.objects.exists()

    response = as_alice.post(page("confirm"), follow=True)
    families = List.objects.get()
    assert response.redirect_chain == [(reverse("broadcasts:list-detail", args=[families.pk]), 302)]
    assert "5 people joined “Families”." in text_of(response)
    assert families.people.count() == 5
    assert Upload.objects.get().uploaded_by == alice


def test_a_line_break_in_an_address_is_shown_in_words(as_alice: Client) -> None:
    send(as_alice, 'name,email\nAnn,"a@x.example\r\nBcc: b@x.example"\n')
    check = text_of(as_alice.get(page("check")))
    assert "a@x.example (line break) Bcc: b@x.example" in check
    as_alice.post(page("confirm"))
    address = EmailAddress.objects.get()
    assert address.address.isprintable()
    assert not address.is_valid


def test_the_check_says_how_many_addresses_are_blocked(as_alice: Client) -> None:
    send(as_alice)
    assert "Blocked Email list" not in text_of(as_alice.get(page("check")))
    block("HOME@x.example")
    block("elsewhere@x.example")
    block("fay@x.example")  # her row is left out
    assert "1 address is on the Blocked Email list. It gets no email" in text_of(as_alice.get(page("check")))
    block("ann@x.example")
    assert "2 addresses are on the Blocked Email list. They get no email" in text_of(as_alice.get(page("check")))


@pytest.mark.parametrize("where", [NEW, reverse("broadcasts:list-list")])
def test_a_forgotten_upload_no_longer_waits(where: str, as_alice: Client, as_bob: Client) -> None:
    send(as_alice)
    Upload.objects.update(uploaded_at=timezone.now() - timedelta(days=8))
    as_bob.get(where)
    assert Upload.objects.get().status == "checking"  # another school's
    assert "Waiting for your Confirm" not in text_of(as_alice.get(where))
    assert Upload.objects.get().status == "discarded"
    assert "This upload was discarded" in text_of(as_alice.get(page("check")))


def test_second_confirm_says_so(as_alice: Client) -> None:
    send(as_alice)
    as_alice.post(page("confirm"), follow=True)
    response = as_alice.post(page("confirm"), follow=True)
    assert "This upload is confirmed already" in text_of(response)
    assert "joined" not in text_of(response)
    assert Person.objects.count() == 5


def test_the_same_file_again_would_change_nothing(as_alice: Client) -> None:
    send(as_alice)
    as_alice.post(page("confirm"))
    Upload.objects.all().delete()
    send(as_alice, existing=List.objects.get().pk)
    assert "Confirming it would change nothing." in text_of(as_alice.get(page("check")))


def test_changes_are_shown_from_old_to_new(as_alice: Client, lincoln: School) -> None:
    ann = factory.make_person(lincoln, "Ann", ["old@x.example"])
    families = factory.make_list(lincoln, [ann, factory.make_person(lincoln, "Zed")])
    send(as_alice, "name,email,language,kind\nAnn,new@x.example,es,staff\n", existing=families.pk)
    check = text_of(as_alice.get(page("check")))
    assert "language: en → <b>es</b>" in check
    assert "kind: Guardian → <b>Staff</b>" in check
    assert "addresses: old@x.example → <b>new@x.example</b>" in check
    assert "1 person on the list is not in the file and stays on it." in check
    send(as_alice, "name,email,types\nAnn,old@x.example,General\n", existing=families.pk)
    check = text_of(as_alice.get(reverse("broadcasts:upload-check", args=[Upload.objects.latest("pk").pk])))
    assert "types at old@x.example: Emergency, General → <b>General</b>" in check


def test_discard_forgets_the_file(as_alice: Client, tmp_path: Path, django_capture_on_commit_callbacks: Any) -> None:
    send(as_alice)
    with django_capture_on_commit_callbacks(execute=True):
        response = as_alice.post(page("discard"), follow=True)
    assert "Nothing of it was stored." in text_of(response)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    assert "This upload was discarded" in text_of(as_alice.get(page("check")))
    assert "This upload was discarded" in text_of(as_alice.post(page("confirm"), follow=True))
    assert not Person.objects.exists()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "The file is empty."),
        (b"name,phone\nAnn,1\n", "There is no email column."),
        (b"PK\x03\x04", "This is an Excel workbook or a zip file"),
        (b"name,email\nA\0,a@x.example\n", "NUL characters"),
    ],
)
def test_a_file_of_no_use_is_refused_beside_its_field(as_alice: Client, content: bytes, reason: str) -> None:
    response = send(as_alice, content)
    assert response.status_code == 422
    assert reason in text_of(response)
    assert 'value="Families"' in text_of(response)
    assert not Upload.objects.exists()


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"name": ""}, "Give the new list a name"),
        ({"name": "ALUMNI"}, "There is a list of this name."),
        ({"name": "x" * 201}, "at most 200 characters"),
        ({"name": "Other", "existing": "list"}, "leave one of the two empty"),
        ({"existing": "99999"}, "Select a valid choice"),
    ],
)
def test_the_form_says_what_is_missing(
    as_alice: Client, lincoln: School, fields: dict[str, str], reason: str
) -> None:
    alumni = factory.make_list(lincoln, name="Alumni")
    fields = {name: str(alumni.pk) if value == "list" else value for name, value in fields.items()}
    response = send(as_alice, **fields)
    assert response.status_code == 422
    assert reason in text_of(response)


def test_a_stranger_s_list_cannot_be_added_to(as_bob: Client, lincoln: School) -> None:
    families = factory.make_list(lincoln, name="Families")
    assert send(as_bob, existing=families.pk).status_code == 422
    assert "Families" not in text_of(as_bob.get(NEW))


def test_a_stranger_finds_nothing(as_alice: Client, as_bob: Client) -> None:
    send(as_alice)
    assert as_bob.get(page("check")).status_code == 404
    assert as_bob.post(page("confirm")).status_code == 404
    assert as_bob.post(page("discard")).status_code == 404
    assert "families.csv" not in text_of(as_bob.get(reverse("broadcasts:list-list")))
    assert Upload.objects.get().status == "checking"


def test_somebody_of_several_schools_chooses_one(
    as_alice: Client, alice: User, lincoln: School, jefferson: School
) -> None:
    Membership.objects.create(user=alice, school=jefferson, role="office")
    assert "School of the new list" in text_of(as_alice.get(NEW))
    send(as_alice, school=jefferson.pk)
    assert Upload.objects.get().school == jefferson
    families = factory.make_list(lincoln, name="Lincoln families")
    send(as_alice, school=jefferson.pk, existing=families.pk)
    assert Upload.objects.latest("pk").school == lincoln


def test_without_a_school_the_page_says_so(client: Client, charlie: User, as_charlie: Client) -> None:
    assert "belongs to no school yet" in text_of(as_charlie.get(NEW))
    assert "belongs to no school yet" in text_of(send(as_charlie))


def test_a_name_taken_meanwhile_can_be_changed(as_alice: Client, lincoln: School) -> None:
    send(as_alice)
    factory.make_list(lincoln, name="Families")
    response = as_alice.post(page("confirm"), follow=True)
    assert "was made since you uploaded this file" in text_of(response)
    assert "There is a list of this name too." in text_of(as_alice.post(page("check"), {"name": "families"}))
    as_alice.post(page("check"), {"name": "Families of 2017"})
    as_alice.post(page("confirm"))
    assert List.objects.get(name="Families of 2017").people.count() == 5


def test_a_lost_file_can_only_be_discarded(as_alice: Client) -> None:
    send(as_alice)
    upload = Upload.objects.get()
    upload.file.delete(save=False)
    check = text_of(as_alice.get(page("check")))
    assert "Upload it again" in check
    assert page("confirm") not in check
    assert page("discard") in check


def test_cells_are_text_on_the_page_and_nothing_else(as_alice: Client) -> None:
    send(as_alice, "name,email,<i>x</i>\n<script>alert(1)</script>,<b>@x.example,\n")
    check = text_of(as_alice.get(page("check")))
    assert "<script>alert" not in check
    assert "<b>@x" not in check
    assert "<i>x" not in check


def test_the_name_on_disk_is_ours(as_alice: Client, tmp_path: Path) -> None:
    as_alice.post(NEW, {"name": "F", "file": SimpleUploadedFile("../../x.html", FAMILIES.encode())})
    (stored,) = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert stored.suffix == ".csv"
    assert Upload.objects.get().file_name == "x.html"
