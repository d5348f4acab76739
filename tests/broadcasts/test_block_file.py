"""Import to the Blocked Email list: looked at first, stored as a whole or not at all."""

import csv
import io
import time

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from broadcasts.blocking import block_addresses
from broadcasts.models import AuditEntry, BlockedEmail, BlockLevel, User
from tests import factory

IMPORT = reverse("admin:broadcasts_blockedemail_import")
EXPORT = reverse("admin:broadcasts_blockedemail_export")
LIST = reverse("admin:broadcasts_blockedemail_changelist")


def choose(client: Client, content: str | bytes, reason: str = "Left the school", level: str = "all") -> object:
    data = content.encode() if isinstance(content, str) else content
    return client.post(IMPORT, {"file": SimpleUploadedFile("out.csv", data), "reason": reason, "level": level})


def ticket_of(response: object) -> str:
    return str(response.context["ticket"])  # type: ignore[attr-defined]


def stored() -> dict[str, tuple[str, str]]:
    rows = BlockedEmail.objects.values_list("key", "level", "reason")
    return {key: (level, reason) for key, level, reason in rows}


def test_file_is_shown_first_and_stored_when_confirmed(as_charlie: Client, charlie: User) -> None:
    file = "Address;Blocks;Reason\nAnn@home.example;everything except Emergency;\nbo@home.example;;Asked\n"
    page = choose(as_charlie, file)
    assert "2 addresses of “out.csv” would be blocked." in page.text  # type: ignore[attr-defined]
    assert not BlockedEmail.objects.exists()
    answer = as_charlie.post(IMPORT, {"ticket": ticket_of(page)}, follow=True)
    assert "2 addresses are blocked now." in answer.text
    assert stored() == {
        "ann@home.example": (BlockLevel.EXCEPT_EMERGENCY, "Left the school"),
        "bo@home.example": (BlockLevel.EVERYTHING, "Asked"),
    }
    assert set(BlockedEmail.objects.values_list("source", "added_by")) == {("file", charlie.pk)}
    entry = AuditEntry.objects.get(action="blocked_email.imported")
    assert (entry.object_label, entry.details["added"]) == ("out.csv", 2)


def test_second_confirm_adds_nothing_more(as_charlie: Client) -> None:
    ticket = ticket_of(choose(as_charlie, "ann@home.example\n"))
    for _ in range(2):
        as_charlie.post(IMPORT, {"ticket": ticket})
    deeds = list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))
    assert deeds == ["blocked_email.added", "blocked_email.imported"]


def test_one_bad_row_and_nothing_is_stored(as_charlie: Client) -> None:
    file = "email,reason,level\nann@home.example,Left,\nbo@@home.example,Left,\n,Left,\ncy@home.example,Left,some\n"
    page = choose(as_charlie, file)
    text = page.text  # type: ignore[attr-defined]
    assert "3 rows cannot be used, so nothing of “out.csv” is stored." in text
    for words in ("more than one @", "There is no address in this row.", "What it blocks must say"):
        assert words in text
    assert [fault.number for fault in page.context["faults"]] == [3, 4, 5]  # type: ignore[attr-defined]
    assert ticket_of(page) == ""
    assert not BlockedEmail.objects.exists()


def test_reason_is_needed_from_the_row_or_the_form(as_charlie: Client) -> None:
    page = choose(as_charlie, "address,reason\nann@home.example,\n", reason=" ")
    assert "There is no reason." in page.text  # type: ignore[attr-defined]


def test_known_tightened_and_repeated_addresses_are_counted(as_charlie: Client) -> None:
    source = BlockedEmail.Source.STAFF
    block_addresses(["old@home.example"], reason="Old", source=source)
    block_addresses(["loose@home.example"], reason="Old", source=source, level=BlockLevel.EXCEPT_EMERGENCY)
    page = choose(as_charlie, "old@home.example\nloose@home.example\nnew@home.example\nNEW@home.example\n")
    text = page.text  # type: ignore[attr-defined]
    assert "1 address of “out.csv” would be blocked." in text
    assert "1 is on the list already and stays as it is." in text
    assert "1 is on the list except for Emergency, and would be blocked for that too." in text
    assert "1 row repeats an address." in text
    as_charlie.post(IMPORT, {"ticket": ticket_of(page)})
    assert stored()["old@home.example"] == ("all", "Old")
    assert stored()["loose@home.example"] == ("all", "Left the school")


def test_what_is_exported_can_be_imported(as_charlie: Client) -> None:
    source = BlockedEmail.Source.STAFF
    block_addresses(["+bo@home.example"], reason="=1+1", source=source, level=BlockLevel.EXCEPT_EMERGENCY)
    block_addresses(["ann@home.example"], reason="'quoted'; twice\nover", source=source)
    before = stored()
    exported = b"".join(as_charlie.get(EXPORT).streaming_content)  # type: ignore[attr-defined]
    assert "'=1+1" in {cell for row in csv.reader(io.StringIO(exported.decode())) for cell in row}
    BlockedEmail.objects.all().delete()
    as_charlie.post(IMPORT, {"ticket": ticket_of(choose(as_charlie, exported, reason=""))})
    assert stored() == before


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        (b"PK\x03\x04rest", "CSV UTF-8"),
        (b"a\0b", "NUL"),
        (b"address\n", "There is no address in the file."),
        (b"name,phone\nAnn,5\n", "There is no column “Address”."),
        (b'address\n"ann@home.example\n', "quotation mark"),
        (b"a@b.example\n" * 20_001, "more than 20,000 rows"),
        (b"a@b.example,and much more\n" * 60_000, "larger than"),
    ],
)
def test_useless_file_is_refused_in_plain_words(as_charlie: Client, content: bytes, says: str) -> None:
    page = choose(as_charlie, content)
    assert page.status_code == 422  # type: ignore[attr-defined]
    assert says in page.text  # type: ignore[attr-defined]
    assert not BlockedEmail.objects.exists()


@pytest.mark.parametrize("ticket", ["", "nonsense", "x:y:z"])
def test_ticket_that_is_not_ours_stores_nothing(as_charlie: Client, ticket: str) -> None:
    answer = as_charlie.post(IMPORT, {"ticket": ticket}, follow=True)
    assert "Nothing was stored" in answer.text


def test_ticket_of_somebody_else_stores_nothing(as_charlie: Client) -> None:
    ticket = ticket_of(choose(as_charlie, "ann@home.example\n"))
    other = Client()
    other.force_login(factory.make_user("Dora"), backend="allauth.account.auth_backends.AuthenticationBackend")
    assert "Nothing was stored" in other.post(IMPORT, {"ticket": ticket}, follow=True).text
    assert not BlockedEmail.objects.exists()


def test_old_ticket_stores_nothing(as_charlie: Client, time_machine: object) -> None:
    ticket = ticket_of(choose(as_charlie, "ann@home.example\n"))
    time_machine.move_to(time.time() + 3700)  # type: ignore[attr-defined]
    assert "more than an hour old" in as_charlie.post(IMPORT, {"ticket": ticket}, follow=True).text
    assert not BlockedEmail.objects.exists()


def test_office_staff_may_not_import(as_alice: Client) -> None:
    assert as_alice.get(IMPORT).status_code == 403
    assert choose(as_alice, "ann@home.example\n").status_code == 403  # type: ignore[attr-defined]
    assert as_alice.post(IMPORT, {"ticket": "x"}).status_code == 403


def test_every_export_is_on_record(as_charlie: Client, charlie: User) -> None:
    block_addresses(["ann@home.example"], reason="Left", source=BlockedEmail.Source.STAFF)
    as_charlie.get(EXPORT)
    entry = AuditEntry.objects.get(action="blocked_email.exported")
    assert (entry.actor, entry.details["rows"]) == (charlie, 1)
