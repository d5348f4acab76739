"""The Blocked Email list in the admin: every change through `broadcasts.blocking`, every change on record."""

import csv
import io

import pytest
from django.test import Client
from django.urls import reverse

from broadcasts.blocking import block_addresses, unblock_addresses
from broadcasts.models import AuditEntry, BlockedEmail, User

LIST = reverse("admin:broadcasts_blockedemail_changelist")
ADD = reverse("admin:broadcasts_blockedemail_add")
ADD_MANY = reverse("admin:broadcasts_blockedemail_add_many")
EXPORT = reverse("admin:broadcasts_blockedemail_export")
NEW = {"level": "all", "reason": "Asked us to stop"}


def block(*addresses: str, reason: str = "Asked us to stop", by: User | None = None) -> list[BlockedEmail]:
    return block_addresses(addresses, reason=reason, source=BlockedEmail.Source.STAFF, by=by)


def actions() -> list[str]:
    return list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))


def read_csv(response: object) -> list[list[str]]:
    text = b"".join(response.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    return list(csv.reader(io.StringIO(text, newline="")))


@pytest.mark.django_db
def test_blocking_twice_adds_nothing_more() -> None:
    assert len(block("Ann@School.example")) == 1
    assert block(" ann@school.EXAMPLE ") == []
    assert actions() == ["blocked_email.added"]


@pytest.mark.django_db
def test_unblocking_says_what_was_on_the_list() -> None:
    block("ann@school.example")
    assert unblock_addresses(["ANN@school.example", "bo@school.example"], reason="Asked again") == [
        "ann@school.example"
    ]
    assert not BlockedEmail.objects.exists()
    entry = AuditEntry.objects.get(action="blocked_email.removed")
    assert entry.details == {
        "reason": "Asked again",
        "was": "Asked us to stop",
        "source": "staff",
        "level": "all",
        "key": "ann@school.example",
    }


def test_one_address_is_added_with_who_and_when(as_charlie: Client, charlie: User) -> None:
    response = as_charlie.post(ADD, NEW | {"address": "Ann@School.example"}, follow=True)
    assert "was added successfully" in response.content.decode()
    blocked = BlockedEmail.objects.get()
    assert (blocked.address, blocked.key) == ("Ann@School.example", "ann@school.example")
    assert (blocked.added_by, blocked.source) == (charlie, "staff")
    assert actions() == ["blocked_email.added"]


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("ann@@school.example", "more than one @"),
        ("ann lee@school.example", "There is a space inside"),
        ("ann..lee@school.example", "There are two dots in a row"),
        ("ANN@school.example", "on the list already"),
    ],
)
def test_an_address_that_cannot_be_added_is_explained(as_charlie: Client, address: str, says: str) -> None:
    block("ann@school.example")
    response = as_charlie.post(ADD, NEW | {"address": address})
    assert response.status_code == 200
    assert says in response.content.decode()
    assert BlockedEmail.objects.count() == 1


def test_an_entry_cannot_be_changed(as_charlie: Client) -> None:
    [blocked] = block("ann@school.example")
    url = reverse("admin:broadcasts_blockedemail_change", args=[blocked.pk])
    assert 'name="address"' not in as_charlie.get(url).content.decode()
    assert as_charlie.post(url, {"address": "bo@school.example", "key": "x", "reason": "y"}).status_code == 403
    blocked.refresh_from_db()
    assert (blocked.address, blocked.key) == ("ann@school.example", "ann@school.example")


def test_many_are_added_however_they_are_separated(as_charlie: Client, charlie: User) -> None:
    paste = "ann@school.example\r\nBo Li <bo@school.example>; cy@school.example, di@school.example\n\n;"
    response = as_charlie.post(ADD_MANY, {"addresses": paste, "reason": "Left the school", "level": "all"})
    assert response.headers["Location"] == LIST
    assert set(BlockedEmail.objects.values_list("key", "reason", "added_by")) == {
        (f"{name}@school.example", "Left the school", charlie.pk) for name in ("ann", "bo", "cy", "di")
    }


def test_what_is_no_address_stays_in_the_box_with_the_reason(as_charlie: Client) -> None:
    block("old@school.example")
    paste = "ann@school.example, not an address, OLD@school.example, ann@school.example\n<script>@x"
    response = as_charlie.post(ADD_MANY, {"addresses": paste, "reason": "Left the school", "level": "all"})
    page = response.content.decode()
    assert response.status_code == 200
    assert response.context["form"].initial == {
        "addresses": "not an address\n<script>@x",
        "reason": "Left the school",
        "level": "all",
    }
    assert "1 address is blocked now." in page
    assert "2 were on the list already or given twice: OLD@school.example, ann@school.example" in page
    assert "These are not email addresses" in page
    assert "<script>@x" not in page
    assert set(BlockedEmail.objects.values_list("key", flat=True)) == {"old@school.example", "ann@school.example"}


def test_without_a_reason_nothing_is_added_and_nothing_lost(as_charlie: Client) -> None:
    response = as_charlie.post(ADD_MANY, {"addresses": "ann@school.example", "reason": " "})
    assert "ann@school.example" in response.content.decode()
    assert "This field is required" in response.content.decode()
    assert not BlockedEmail.objects.exists()


def test_deleting_one_is_on_record(as_charlie: Client, charlie: User) -> None:
    [blocked] = block("ann@school.example")
    url = reverse("admin:broadcasts_blockedemail_delete", args=[blocked.pk])
    as_charlie.post(url, {"post": "yes"})
    assert not BlockedEmail.objects.exists()
    entry = AuditEntry.objects.get(action="blocked_email.removed")
    assert (entry.actor, entry.object_label) == (charlie, "ann@school.example")
    assert as_charlie.post(url, {"post": "yes"}).headers["Location"] == reverse("admin:index")
    assert actions() == ["blocked_email.added", "blocked_email.removed"]


def test_deleting_many_is_on_record_one_by_one(as_charlie: Client) -> None:
    chosen = [row.pk for row in block("ann@school.example", "bo@school.example", "cy@school.example")][:2]
    as_charlie.post(LIST, {"action": "delete_selected", "_selected_action": chosen, "post": "yes"})
    assert [row.address for row in BlockedEmail.objects.all()] == ["cy@school.example"]
    removed = AuditEntry.objects.filter(action="blocked_email.removed").values_list("object_label", flat=True)
    assert set(removed) == {"ann@school.example", "bo@school.example"}


def test_list_is_searched_and_filtered(as_charlie: Client) -> None:
    block("ann@school.example", reason="Asked us to stop")
    block("bo@school.example", reason="Left the school")
    assert "bo@school.example" not in as_charlie.get(LIST, {"q": "stop"}).content.decode()
    assert "bo@school.example" in as_charlie.get(LIST, {"source__exact": "staff"}).content.decode()
    assert "bo@school.example" not in as_charlie.get(LIST, {"source__exact": "shell"}).content.decode()


def test_export_holds_the_whole_filtered_list_and_no_formula(as_charlie: Client, charlie: User) -> None:
    block("ann@school.example", reason='=HYPERLINK("http://evil.example")', by=charlie)
    block("+bo@school.example", reason="Left; the, school\nlast year")
    block(*(f"more{number}@school.example" for number in range(120)), reason="Left")
    response = as_charlie.get(EXPORT, {"q": "school", "p": "2"})
    header, *rows = read_csv(response)
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert "attachment" in response.headers["Content-Disposition"]
    assert header == ["Address", "Blocks", "Reason", "Source", "Added by", "Added", "Added (ISO)"]
    assert len(rows) == 122
    by_address = {row[0]: row for row in rows}
    assert by_address["ann@school.example"][1:5] == [
        "everything",
        '\'=HYPERLINK("http://evil.example")',
        "entered by hand",
        "Charlie",
    ]
    assert by_address["'+bo@school.example"][2] == "Left; the, school\nlast year"
    assert len(read_csv(as_charlie.get(EXPORT, {"q": "hyperlink"}))) == 2


def test_export_of_the_selected_holds_only_them(as_charlie: Client) -> None:
    chosen = [row.pk for row in block("ann@school.example", "bo@school.example")][:1]
    response = as_charlie.post(LIST, {"action": "export_selected", "_selected_action": chosen})
    assert [row[0] for row in read_csv(response)] == ["Address", "ann@school.example"]


@pytest.mark.parametrize("url", [LIST, ADD, ADD_MANY, EXPORT])
def test_office_staff_may_not_see_the_list(as_alice: Client, url: str) -> None:
    assert as_alice.get(url).status_code == 403
    assert as_alice.post(url, {"address": "ann@school.example", "reason": "x"}).status_code == 403
    assert not BlockedEmail.objects.exists()
