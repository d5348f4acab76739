"""Everybody who did not get it, or did, in one go: on the page, in every export, and for what is done to the rows."""

import io
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client
from openpyxl import load_workbook

from broadcasts.models import AuditEntry, BlockedEmail, Broadcast, Delivery, List, School
from broadcasts.results import DID_NOT_GET_IT, GOT_IT, LABELS, Result
from reports.email_log import files
from reports.email_log.files import write_file
from reports.explanations import LABELS_BY_SLUG
from reports.models import ExportFile
from reports.result_groups import GROUPS
from tests import factory
from tests.reports.rows import make_delivery, make_one_of_each
from tests.reports.test_email_log import shown
from tests.reports.test_email_log_acting import members, press
from tests.reports.test_export import download, parse

pytestmark = pytest.mark.django_db
MISSED, GOT = "did-not-get-it", "got-it"
R = Result
IN_GROUP = {
    MISSED: {
        *(R.UNSENT, R.SOFT_BOUNCED, R.BOUNCED, R.FAILED, R.BLOCKED_BY_PROVIDER, R.NO_EMAIL_SELECTED, R.BLOCKED),
    },
    GOT: {R.DELIVERED, R.OPENED},
}


@pytest.fixture
def snow(lincoln: School) -> Broadcast:
    """A row of each result; those of another broadcast as well, which is not meant."""
    make_one_of_each(factory.make_broadcast(lincoln, subject="Menu"))
    broadcast = factory.make_broadcast(lincoln, subject="Snow day", type_name="Lunch")
    make_one_of_each(broadcast)
    return broadcast


def finish(broadcast: Broadcast, status: str = "sent") -> None:
    Broadcast.objects.filter(pk=broadcast.pk).update(status=status)


def test_no_label_is_in_both_groups_and_only_two_are_in_neither() -> None:
    assert {*LABELS} - {*DID_NOT_GET_IT, *GOT_IT} == {"Sent", "Duplicate"}
    assert len({*DID_NOT_GET_IT, *GOT_IT}) == len([*DID_NOT_GET_IT, *GOT_IT])
    assert not {*GROUPS} & {*LABELS_BY_SLUG}


@pytest.mark.parametrize("slug", GROUPS)
@pytest.mark.parametrize("settled", [False, True])
def test_group_is_the_rows_of_all_its_results(as_alice: Client, snow: Broadcast, slug: str, settled: bool) -> None:
    Delivery.objects.update(is_settled=settled)
    rows = shown(as_alice, f"?broadcast={snow.pk}&result={slug}")
    assert {row.result for row in rows} == IN_GROUP[slug]
    assert len(rows) == len(IN_GROUP[slug])
    assert {row.broadcast_id for row in rows} == {snow.pk}
    assert len(shown(as_alice, f"?result={slug}")) == 2 * len(rows)


def test_group_may_be_asked_for_in_words(as_alice: Client, snow: Broadcast) -> None:
    assert len(shown(as_alice, "?result=Did+not+get+it")) == 14
    assert len(shown(as_alice, "?result=got_it")) == 4


def test_pills_say_how_many_and_which_one_is_chosen(as_alice: Client, snow: Broadcast) -> None:
    page = as_alice.get(f"/email-log/?broadcast={snow.pk}&result={MISSED}")
    log = page.context["log"]
    assert log.total.rows == 7
    counts = {choice.slug: choice.count.rows for choice in log.choices}
    assert (counts[""], counts[MISSED], counts[GOT], counts["blocked"]) == (11, 7, 2, 2)
    assert [choice.slug for choice in log.choices if choice.is_chosen] == [MISSED]
    assert f'href="/help/#{MISSED}"' in page.text
    assert 'name="result" value="did-not-get-it"' in page.text.split('id="chosen-rows"')[0]  # kept by Show
    assert f'id="{MISSED}"' in as_alice.get("/help/").text


def test_exports_have_the_rows_of_the_group(as_charlie: Client, snow: Broadcast, tmp_path: Path) -> None:
    query = f"?broadcast={snow.pk}&result={MISSED}"
    assert sorted({row["Delivery Results"] for row in parse(download(as_charlie, query))}) == sorted(DID_NOT_GET_IT)
    assert AuditEntry.objects.get(action="email_log.exported").details["result"] == MISSED
    book = load_workbook(io.BytesIO(as_charlie.get(f"/email-log/export/{query}&format=xlsx").getvalue()))
    assert len(list(book["Email Log"].rows)) == 1 + 7
    file = tmp_path / "log.csv"
    call_command("export_email_log", "--broadcast", str(snow.pk), "--result", GOT, "-o", str(file))
    assert {row["Delivery Results"] for row in parse(file.read_bytes().decode())} == set(GOT_IT)
    assert AuditEntry.objects.latest("pk").details["result"] == GOT


def test_export_that_a_worker_writes_has_them_too(
    as_charlie: Client, snow: Broadcast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(files.AT_ONCE, "csv", 2)
    query = f"?broadcast={snow.pk}&result={MISSED}"
    assert "7 rows" in as_charlie.get(f"/email-log/exports/{query}").text
    as_charlie.post(f"/email-log/exports/{query}", {"format": "csv"})
    file = ExportFile.objects.get()
    write_file(file.pk)
    text = as_charlie.get(f"/email-log/exports/{file.token}/").getvalue().decode()
    assert len(parse(text)) == 7
    assert AuditEntry.objects.get(action="email_log.exported").details["result"] == MISSED


def test_addresses_of_the_group_are_blocked(as_charlie: Client, snow: Broadcast) -> None:
    page = press(
        as_charlie, f"/email-log/block/?broadcast={snow.pk}&result={MISSED}", reason="Gone", level="all"
    ).text
    assert "6 addresses are blocked now." in page  # one of the seven has none
    assert not BlockedEmail.objects.filter(key__in=["delivered@home.example", "sent@home.example"]).exists()
    assert AuditEntry.objects.get(action="email_log.blocked").details["result"] == MISSED


def test_list_and_follow_up_are_called_after_the_group(as_alice: Client, snow: Broadcast) -> None:
    address = f"/email-log/follow-up/?broadcast={snow.pk}&result={MISSED}"
    page = as_alice.get(address)
    assert page.context["form"]["name"].value() == "Follow-up: Did not get it · Snow day"
    assert "7 filtered rows of the Email Log: Did not get it" in page.text
    press(as_alice, address, name="Missed")
    assert len(members("Missed")) == 7
    assert not {"Delivered", "Opened", "Sent", "Duplicate"} & {*members("Missed")}
    assert AuditEntry.objects.get(action="email_log.listed").details["result"] == MISSED


@pytest.mark.parametrize("page", ["", "report/"])
def test_report_and_progress_lead_to_the_follow_up_once_it_is_over(
    as_alice: Client, snow: Broadcast, page: str
) -> None:
    link = f'href="/email-log/follow-up/?broadcast={snow.pk}&amp;result={MISSED}"'
    address = f"/broadcasts/{snow.pk}/{page}"
    for status in ("sending", "paused"):  # whoever waits for their turn is no miss
        finish(snow, status)
        assert link not in as_alice.get(address).text
    for status in ("sent", "cancelled"):
        finish(snow, status)
        text = as_alice.get(address).text
        assert link in text
        assert "See the 7 rows" in text
    assert as_alice.get(f"/email-log/follow-up/?broadcast={snow.pk}&result={MISSED}").context["rows"] == 7


@pytest.mark.parametrize("page", ["", "report/"])
def test_where_everybody_got_it_nothing_is_offered(as_alice: Client, lincoln: School, page: str) -> None:
    broadcast = factory.make_broadcast(lincoln)
    make_delivery(broadcast, "ana@home.example", Result.DELIVERED)
    finish(broadcast)
    assert MISSED not in as_alice.get(f"/broadcasts/{broadcast.pk}/{page}").text


def test_stranger_finds_nobody(as_bob: Client, snow: Broadcast) -> None:
    query = f"?broadcast={snow.pk}&result={MISSED}"
    assert shown(as_bob, f"?result={MISSED}") == []
    for deed in ("list", "follow-up"):
        page = as_bob.post(f"/email-log/{deed}/?result={MISSED}", {"name": "Stolen", "press": "1"})
        assert "No row matches" in page.text
        assert as_bob.get(f"/email-log/{deed}/{query}", follow=True).status_code == 200
    assert not List.objects.filter(name="Stolen").exists()
