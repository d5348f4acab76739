"""The Broadcast Summary, the Blocked Email list and the addresses to fix as files, in both forms."""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from openpyxl import load_workbook

from broadcasts.blocking import block_addresses
from broadcasts.models import AuditEntry, BlockedEmail, Broadcast, School
from broadcasts.results import LABELS, Result
from tests import factory
from tests.reports.rows import make_delivery
from tests.reports.trials import make_failed, make_sent, make_trial

SUMMARY, TO_FIX = "/reports/summary/export/", "/people/addresses-to-fix/export/"
BLOCKED = reverse("admin:broadcasts_blockedemail_export")
AT = datetime(2017, 5, 11, 14, 44, 59, tzinfo=UTC)
EVIL = '=HYPERLINK("x")'

every_export = pytest.mark.parametrize("address", [SUMMARY, TO_FIX, BLOCKED])


@pytest.fixture
def evil(lincoln: School) -> str:
    """A row in each, whose text begins like a formula."""
    broadcast = make_sent(lincoln, EVIL)
    Broadcast.objects.filter(pk=broadcast.pk).update(send_at=AT)
    ann = factory.make_person(lincoln, EVIL, ["an@home.example"])
    make_trial(broadcast, ann, Result.FAILED, "unknown user", last_attempt_at=AT)
    block_addresses(["bo@home.example"], reason=EVIL, source=BlockedEmail.Source.STAFF)
    BlockedEmail.objects.update(added_at=AT)
    return EVIL


def read(client: Client, address: str, **asked: str) -> list[dict[str, str]]:
    response = client.get(address, asked)
    assert response.streaming
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    text = response.getvalue().decode()
    assert text.startswith("\ufeff")
    assert text.count("\n") == text.count("\r\n")
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def read_book(client: Client, address: str, **asked: str) -> Iterator[Any]:
    response = client.get(address, {"format": "xlsx", **asked})
    assert ".xlsx" in response["Content-Disposition"]
    (sheet,) = load_workbook(io.BytesIO(response.getvalue()))
    return iter(sheet.iter_rows())


@every_export
def test_both_forms_say_the_same_and_no_cell_is_a_formula(as_charlie: Client, evil: str, address: str) -> None:
    (row,) = read(as_charlie, address)
    header, cells = read_book(as_charlie, address)
    assert [cell.value for cell in header] == list(row)
    assert f"'{evil}" in row.values()
    assert evil in [cell.value for cell in cells]
    assert {cell.data_type for cell in cells} <= {"s", "n", "d", "inlineStr"}
    moments = [cell.value for cell in cells if cell.data_type == "d"]
    assert len(moments) == 1


@every_export
def test_raw_is_a_choice_and_every_export_is_recorded(as_charlie: Client, evil: str, address: str) -> None:
    assert evil in read(as_charlie, address, raw="on")[0].values()
    read_book(as_charlie, address)
    first, second = AuditEntry.objects.filter(action__endswith=".exported").order_by("pk")
    assert (first.details["rows"], first.details.get("raw"), first.actor_name) == (1, "on", "Charlie")
    assert (second.details["format"], second.details.get("raw")) == ("xlsx", None)


@every_export
def test_office_staff_export_nothing(as_alice: Client, evil: str, address: str) -> None:
    assert as_alice.get(address).status_code == 403
    assert not AuditEntry.objects.filter(action__endswith=".exported").exists()


@every_export
def test_nonsense_asks_for_the_usual_file(as_charlie: Client, evil: str, address: str) -> None:
    assert len(read(as_charlie, address, format="exe", raw="maybe")) == 1


@pytest.mark.parametrize("page", ["/reports/summary/", "/people/addresses-to-fix/"])
def test_page_offers_it_to_administrators_with_what_it_shows(
    as_charlie: Client, as_alice: Client, evil: str, page: str
) -> None:
    html = as_charlie.get(page, {"q": "hyper", "sort": "name", "page": "1"}).text
    part = html.split(f'action="{page}export/"')[1].split("</form>")[0]
    assert '<input type="hidden" name="q" value="hyper">' in part
    assert 'name="page"' not in part
    assert "export/" not in as_alice.get(page).text
    assert "export/" not in as_charlie.get(page, {"q": "zzz"}).text


def test_summary_has_the_columns_and_the_order_of_the_page(as_charlie: Client, lincoln: School) -> None:
    for number, name in enumerate(("Few", "Many", "None")):
        broadcast = factory.make_broadcast(lincoln, subject=name, status="sent", send_at=AT)
        for one in range(number % 2 * 200 + 1 if name != "None" else 0):
            make_delivery(broadcast, f"p{one}@home.example", Result.OPENED if not one else Result.SENT, person=None)
    rows = read(as_charlie, SUMMARY, sort="-opened_share")
    assert [row["Broadcast"] for row in rows] == ["Few", "Many", "None"]
    assert [row["Opened, %"] for row in rows] == ["100", "<1", ""]
    assert [row["Rows"] for row in rows] == ["1", "201", "0"]
    assert list(rows[0])[8:18] == list(LABELS)
    assert (rows[0]["Started"], rows[0]["Started (ISO)"]) == ("May 11, 2017 9:44 am", "2017-05-11T09:44:59-05:00")
    page = as_charlie.get("/reports/summary/", {"sort": "-opened_share"})
    assert [row.record.name for row in page.context["table"].rows] == [row["Broadcast"] for row in rows]
    header, first, *_ = read_book(as_charlie, SUMMARY, sort="-opened_share")
    typed = dict(zip((cell.value for cell in header), (cell.value for cell in first), strict=True))
    assert (typed["Opened, %"], typed["Rows"], typed["Started"]) == (100, 1, AT.replace(hour=9, tzinfo=None))


def test_blocked_list_is_searched_and_comes_back_by_import(as_charlie: Client, evil: str) -> None:
    block_addresses(["cy@home.example"], reason="Left", source=BlockedEmail.Source.STAFF)
    assert [row["Address"] for row in read(as_charlie, BLOCKED, q="left", raw="on", format="csv")] == [
        "cy@home.example"
    ]
    assert len(list(read_book(as_charlie, BLOCKED, q="left"))) == 2
    page = as_charlie.get(reverse("admin:broadcasts_blockedemail_changelist"), {"q": "left"}).text
    assert f'{BLOCKED}?q=left&amp;format=xlsx"' in page
    (row,) = read(as_charlie, BLOCKED, q="hyper")
    assert datetime.fromisoformat(row["Added (ISO)"]) == AT
    assert row["Added"].startswith("May 11, 2017 ")


def test_selected_entries_alone_are_in_the_workbook(as_charlie: Client) -> None:
    source = BlockedEmail.Source.STAFF
    chosen = block_addresses(["ann@home.example", "bo@home.example"], reason="Left", source=source)[:1]
    data = {"action": "export_selected_xlsx", "_selected_action": [row.pk for row in chosen]}
    response = as_charlie.post(reverse("admin:broadcasts_blockedemail_changelist"), data)
    (sheet,) = load_workbook(io.BytesIO(response.getvalue()))
    assert [row[0].value for row in sheet.iter_rows()] == ["Address", "ann@home.example"]


def test_addresses_to_fix_are_those_of_the_tab_and_the_search(as_charlie: Client, lincoln: School) -> None:
    factory.make_type()
    make_failed(lincoln)
    make_failed(lincoln, "Bo", "bo@home.example")
    make_failed(lincoln, "Cy", "cy@home.example", rule="taken for spam")
    factory.make_person(lincoln, "Dora", ["not an address"])
    rows = read(as_charlie, TO_FIX)
    assert {row["Person"] for row in rows} == {"Ann", "Bo", "Dora"}
    ann = next(row for row in rows if row["Person"] == "Ann")
    assert (ann["Address"], ann["School"], ann["Missed"], ann["Last broadcast"]) == (
        *("an@home.example", "Lincoln", "1", "Menu"),
    )
    assert "There is no such mailbox" in ann["What happened"]
    assert ann["The server's words"] == "550 no thanks"
    assert datetime.fromisoformat(ann["Since (ISO)"]).utcoffset() in (timedelta(hours=-5), timedelta(hours=-6))
    dora = next(row for row in rows if row["Person"] == "Dora")
    assert (dora["Since"], dora["Since (ISO)"], dora["Missed"]) == ("never written to", "", "0")
    assert [row["Person"] for row in read(as_charlie, TO_FIX, fault="ours")] == ["Cy"]
    assert [row["Person"] for row in read(as_charlie, TO_FIX, q="bo@")] == ["Bo"]
