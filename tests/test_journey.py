"""The architecture as one story, told twice: upload, compose, review, send, watch, open, unsubscribe, export.

Once in a real browser against the running product, and once through Django's test client with the sandbox mail server
and the listener for reports in this process.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Browser, expect
from pytest_django import Settings

from broadcasts.blocking import block_addresses
from broadcasts.delivering.sweeping import sweep
from broadcasts.delivering.working import work_on
from broadcasts.models import BlockedEmail, Broadcast, Delivery, List, School, Upload
from broadcasts.preparing.reach import Reach
from broadcasts.results import count_by_label
from broadcasts.tokens import make_token
from tests import factory
from tests.browser.pages import Office
from tests.browser.running import Product, visit
from tests.tracking.rows import running_listener, running_sandbox, wait_until
from tests.waiting import wait_for

# Each family is called what happens to its email; the sandbox goes by the beginning of the address.
FAMILIES = """name,email,types
Ada Reader,reader@homes.example,General
Ben who shares Ada's address,reader@homes.example,General
Cora whose mailbox is gone,bounce@homes.example,General
Dan whose mailbox is full at first,full@homes.example,General
Eve whose provider refuses us,refuse@homes.example,General
Finn whose email bounces late,late@homes.example,General
Gus with a slow provider,slow@homes.example,General
Hana whose provider says nothing,quiet@homes.example,General
Ivy on holiday,ooto@homes.example,General
Jon who calls it spam,complaint@homes.example,General
Kim on the Blocked Email list,blocked@families.example,General
Lea who wants emergencies only,lea@homes.example,Emergency
Max without an address,,
Nia with a mistyped address,two..dots@homes.example,General
"""
PEOPLE = 14
BEFORE = {"Unsent": 9, "Blocked": 1, "Duplicate": 1, "No Email Selected": 2, "Failed": 1}
AFTER = {
    "Unsent": 0,
    "Sent": 1,
    "Soft Bounced": 0,
    "Bounced": 1,
    "Failed": 2,
    "Blocked": 1,
    "Delivered": 6,
    "Opened": 0,
    "Duplicate": 1,
    "No Email Selected": 2,
}
# Ada unsubscribed (and Ben with her), Jon's address was blocked when he called it spam.
NEXT_TIME = {"Unsent": 7, "Blocked": 2, "Duplicate": 0, "No Email Selected": 4, "Failed": 1}
RESULT_OF = {
    "Ada Reader": "Delivered",
    "Ben who shares Ada's address": "Duplicate",
    "Cora whose mailbox is gone": "Failed",
    "Dan whose mailbox is full at first": "Delivered",
    "Eve whose provider refuses us": "Bounced",
    "Hana whose provider says nothing": "Sent",
    "Kim on the Blocked Email list": "Blocked",
    "Lea who wants emergencies only": "No Email Selected",
    "Nia with a mistyped address": "Failed",
}
MOMENT = re.compile(r"[A-Z][a-z]{2} \d{1,2}, \d{4} \d{1,2}:\d\d [ap]m")


def as_on_the_review_page(counts: Mapping[str, int]) -> dict[str, int]:
    return {"Will be sent" if label == "Unsent" else label: number for label, number in counts.items()}


def check_export(content: bytes) -> None:
    assert content.startswith(b"\xef\xbb\xbf"), "spreadsheets take a file without this mark for Windows-1252"
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    assert len(rows) == PEOPLE
    results = {row["Name"]: row["Delivery Results"] for row in rows}
    assert results == results | RESULT_OF | {"Ada Reader": "Opened"}
    dan = next(row for row in rows if row["Name"].startswith("Dan"))
    assert dan["Attempts"] == "3"
    assert MOMENT.fullmatch(dan["Last Attempt"])


@pytest.mark.browser
@pytest.mark.xdist_group("browser")
def test_in_a_browser(product: Product, browser: Browser, signed_in: Any, tmp_path: Path) -> None:
    file = tmp_path / "grade-5.csv"
    file.write_text(FAMILIES)
    with visit(browser, product, signed_in) as visited:
        office = Office(visited.page)
        upload_in_browser(office, file)
        broadcast = write_and_review(office)
        send_and_watch(office, broadcast)
        read_what_became_of_it(office, broadcast)
        open_and_unsubscribe(office, broadcast)
        see_who_is_left_out_next_time(office)
        export_the_log(office, broadcast)


def upload_in_browser(office: Office, file: Path) -> None:
    """Nothing is stored before Confirm, and what is wrong is said."""
    office.upload(file, "Grade 5")
    expect(office.main).to_contain_text("two..dots@homes.example")
    office.confirm_upload()


def write_and_review(office: Office) -> int:
    """Look at it as a family will, and see whom it would reach; the broadcast's number."""
    draft = office.make_draft("Snow day", "School is closed today.", "Grade 5")
    office.page.goto(f"{draft}preview/")
    letter = office.page.frame_locator("iframe").first.locator("body")
    expect(letter).to_contain_text("School is closed today.")
    office.page.goto(f"{draft}review/")
    assert office.read_counts() == as_on_the_review_page(BEFORE)
    office.page.get_by_role("link", name=re.compile("Duplicate")).click()
    expect(office.main).to_contain_text("Ben who shares Ada's address")
    return int(draft.strip("/").split("/")[-1])


def send_and_watch(office: Office, broadcast: int) -> None:
    office.page.goto(f"/broadcasts/{broadcast}/review/")
    office.press("Send to 9 people")
    expect(office.page.get_by_role("button", name="Undo")).to_be_visible()
    office.wait_for_counts(AFTER)
    assert sum(office.read_counts().values()) == PEOPLE


def read_what_became_of_it(office: Office, broadcast: int) -> None:
    """Person by person, down to the mail server's own words."""
    log = office.read_log(broadcast)
    assert len(log) == PEOPLE
    assert log == log | RESULT_OF
    expect(office.main).to_contain_text(MOMENT)
    office.page.get_by_role("link", name="Dan whose mailbox is full at first").click()
    expect(office.main).to_contain_text("Mailbox full, try again later")


def open_and_unsubscribe(office: Office, broadcast: int) -> None:
    letter = office.open_message_to("reader@homes.example")
    wait_for(lambda: office.read_log(broadcast)["Ada Reader"] == "Opened", "Opened in the log")
    office.page.goto(office.preferences_link(letter))
    office.page.get_by_label("General").uncheck()
    office.press("Save my choices")
    expect(office.page.get_by_role("status")).to_contain_text("saved")


def see_who_is_left_out_next_time(office: Office) -> None:
    again = office.make_draft("Ice day", "Closed again.", "Grade 5")
    office.page.goto(f"{again}review/")
    assert office.read_counts() == as_on_the_review_page(NEXT_TIME)


def export_the_log(office: Office, broadcast: int) -> None:
    office.page.goto(f"/email-log/?broadcast={broadcast}")
    office.page.get_by_role("link", name="Export").click()
    with office.page.expect_download() as download:
        office.page.get_by_role("button", name="Export").click()
    check_export(download.value.path().read_bytes())


@pytest.fixture
def outside_world(tmp_path: Path, settings: Settings, transactional_db: None) -> Iterator[None]:
    """The mail servers of all families, and ours for what they report back."""
    settings.UNDO_SECONDS = 0
    settings.RETRY_MINUTES = (0.001, 0.001, 0.001)
    with running_listener(), running_sandbox(tmp_path):
        yield


@pytest.fixture
def blocked_kim() -> None:
    block_addresses(["blocked@families.example"], reason="Asked for it", source=BlockedEmail.Source.STAFF)


def upload_families(office: Client) -> List:
    file = SimpleUploadedFile("grade-5.csv", FAMILIES.encode(), "text/csv")
    checked = office.post(reverse("broadcasts:upload-new"), {"name": "Grade 5", "file": file}, follow=True)
    assert "two..dots@homes.example" in checked.text
    assert not List.objects.exists()
    upload = Upload.objects.get()
    for _twice in range(2):
        office.post(reverse("broadcasts:upload-confirm", args=[upload.pk]))
    return List.objects.get()


def write_broadcast(office: Client, to: List, subject: str = "Snow day") -> Broadcast:
    office.post(reverse("broadcasts:broadcast-new"))
    draft = Broadcast.objects.latest("pk")
    fields = {
        "version": draft.version,
        "broadcast_type": factory.make_type().pk,
        "sender": factory.make_sender().pk,
        "lists": [to.pk],
        "subject": subject,
        "body_html": "<p>Dear {{ name }}, school is closed today.</p>",
        "body_text": "",
        "action": "review",
    }
    answer = office.post(reverse("broadcasts:broadcast-edit", args=[draft.pk]), fields)
    assert answer.status_code == 302, answer.text
    draft.refresh_from_db()
    return draft


def send(office: Client, draft: Broadcast) -> None:
    review = office.get(reverse("broadcasts:broadcast-review", args=[draft.pk]))
    assert "Send to 9 people" in review.text
    agreed = {"expected": 9, "version": draft.version}
    office.post(reverse("broadcasts:broadcast-send", args=[draft.pk]), agreed)


def work_until_settled(broadcast: Broadcast) -> None:
    """What the sweep and the workers do all day, until the log says what we expect."""

    def is_settled() -> bool:
        for due in sweep(timezone.now()):
            work_on(due)
        counts = count_by_label(broadcast.deliveries.all())
        assert sum(counts.values()) in (0, PEOPLE)  # 0: not prepared yet
        return counts == AFTER

    wait_until(is_settled)
    broadcast.refresh_from_db()
    assert broadcast.status == Broadcast.Status.SENT


@pytest.mark.django_db(transaction=True)
def test_without_a_browser(
    outside_world: None, blocked_kim: None, lincoln: School, as_alice: Client, as_charlie: Client
) -> None:
    for name in ("General", "Emergency"):
        factory.make_type(name)
    families = upload_families(as_alice)

    broadcast = write_broadcast(as_alice, families)
    reach = Reach(broadcast).counts()
    assert {label: number for label, number in reach.items() if label in BEFORE} == BEFORE
    assert sum(reach.values()) == PEOPLE

    send(as_alice, broadcast)
    work_until_settled(broadcast)
    ada = Delivery.objects.get(name="Ada Reader")
    finn = Delivery.objects.get(name__startswith="Finn")
    wait_until(lambda: Delivery.objects.get(pk=finn.pk).late_bounce_at is not None)
    wait_until(lambda: BlockedEmail.objects.filter(key="complaint@homes.example").exists())

    family = Client()
    family.get(
        reverse("tracking:pixel", args=[make_token(ada.pk, "pixel")]), headers={"user-agent": "Mozilla/5.0 (iPhone)"}
    )
    family.post(
        reverse("tracking:preferences", args=[make_token(ada.pk, "preferences")]),
        {"List-Unsubscribe": "One-Click"},
    )
    again = Reach(write_broadcast(as_alice, families, "Ice day")).counts()
    assert {label: number for label, number in again.items() if label in NEXT_TIME} == NEXT_TIME

    log = as_alice.get(reverse("reports:email-log"), {"broadcast": broadcast.pk})
    assert all(name in log.text for name in ("Dan whose mailbox is full at first", "Opened"))
    exported = as_charlie.get(reverse("reports:email-log-export"), {"broadcast": broadcast.pk})
    check_export(b"".join(exported.streaming_content))  # type: ignore[attr-defined]
