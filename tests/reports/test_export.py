import csv
import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from broadcasts import audit
from broadcasts.csv_guard import unguard_cell
from broadcasts.models import AuditEntry, Delivery, School, User
from broadcasts.results import LABELS, Result
from tests import factory
from tests.reports.rows import make_delivery, make_one_of_each

EXPORT = "/email-log/export/"
SHOWN = ["Name", "Email", "Broadcast", "Type", "School", "Attempts", "Last Attempt", "Delivery Results"]
FORMULAS = ["=1+1", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", " =1", "%0A=1", "|calc", "＝1+1", "\u200b=1"]  # noqa: RUF001


def download(client: Client, query: str = "") -> str:
    response = client.get(EXPORT + query)
    assert response.streaming
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"].startswith('attachment; filename="email-log-2')
    return response.getvalue().decode("utf-8")


def parse(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def test_export_has_the_filtered_rows_and_the_columns_of_the_page(as_charlie: Client, lincoln: School) -> None:
    make_one_of_each(factory.make_broadcast(lincoln, subject="Menu"))
    chosen = factory.make_broadcast(lincoln)
    make_one_of_each(chosen)
    query = f"?broadcast={chosen.pk}&result=blocked&sort=-name&per_page=25&page=1"
    page = as_charlie.get(f"/email-log/{query}")
    text = download(as_charlie, query)
    assert text.startswith("\ufeff" + ",".join(SHOWN) + ",")
    assert text.count("\r\n") == text.count("\n") == 3
    rows = parse(text)
    assert [row["Name"] for row in rows] == [row.record.name for row in page.context["table"].rows]
    assert {row["Delivery Results"] for row in rows} == {"Blocked"}


def test_export_is_not_cut_to_one_page(as_charlie: Client, lincoln: School) -> None:
    broadcast = factory.make_broadcast(lincoln)
    for number in range(30):
        make_delivery(broadcast, f"ana{number}@home.example")
    assert len(parse(download(as_charlie, "?per_page=25&page=2"))) == 30


def test_every_label_is_written_as_the_document_writes_it(as_charlie: Client, lincoln: School) -> None:
    make_one_of_each(factory.make_broadcast(lincoln))
    assert {row["Delivery Results"] for row in parse(download(as_charlie))} == set(LABELS)


@pytest.mark.parametrize("payload", FORMULAS)
def test_no_cell_is_a_formula(as_charlie: Client, lincoln: School, payload: str) -> None:
    broadcast = factory.make_broadcast(lincoln, subject=payload)
    broadcast.broadcast_type.name = payload  # type: ignore[union-attr]
    broadcast.broadcast_type.save()  # type: ignore[union-attr]
    lincoln.name = payload
    lincoln.save()
    make_delivery(broadcast, payload, Result.FAILED, name=payload, late_bounce_reason=payload, language=payload)
    (row,) = parse(download(as_charlie))
    for column in ("Name", "Email", "Broadcast", "Type", "School", "Late Bounce Reason", "Language"):
        assert row[column].startswith("'")
        assert unguard_cell(row[column]) == payload


def test_harmless_values_are_left_alone(as_charlie: Client, lincoln: School) -> None:
    make_delivery(factory.make_broadcast(lincoln), "ana@home.example", name='Ana "Nana" García, Dr.')
    (row,) = parse(download(as_charlie))
    assert row["Name"] == 'Ana "Nana" García, Dr.'


def test_times_are_on_the_clock_of_each_rows_school(as_charlie: Client, lincoln: School, jefferson: School) -> None:
    at = datetime(2017, 5, 11, 14, 44, tzinfo=UTC)
    for school in (jefferson, lincoln):
        make_delivery(factory.make_broadcast(school), "a@home.example", Result.SENT, attempts=1, last_attempt_at=at)
    found = {row["School"]: (row["Last Attempt"], row["Last Attempt (ISO)"]) for row in parse(download(as_charlie))}
    assert found["Lincoln"] == ("May 11, 2017 9:44 am", "2017-05-11T09:44:00-05:00")
    assert found["Jefferson"] == ("May 11, 2017 8:44 am", "2017-05-11T08:44:00-06:00")


def test_export_is_recorded_with_its_filters(as_charlie: Client, charlie: User, lincoln: School) -> None:
    row = make_delivery(factory.make_broadcast(lincoln), "ana@home.example", Result.FAILED)
    download(as_charlie, f"?broadcast={row.broadcast_id}&result=failed")
    entry = AuditEntry.objects.get(action="email_log.exported")
    assert entry.actor == charlie
    assert entry.school == lincoln
    assert entry.details == {"rows": 1, "broadcast": str(row.broadcast_id), "result": "failed"}


def test_export_of_one_school_is_recorded_with_it(as_charlie: Client, lincoln: School) -> None:
    make_delivery(factory.make_broadcast(lincoln), "ana@home.example")
    assert len(parse(download(as_charlie, f"?school={lincoln.pk}"))) == 1
    assert AuditEntry.objects.get().details == {"rows": 1, "of_school": str(lincoln.pk)}


def test_office_staff_may_not_export_and_see_no_button(as_alice: Client, lincoln: School) -> None:
    make_delivery(factory.make_broadcast(lincoln), "ana@home.example")
    assert as_alice.get(EXPORT).status_code == 403
    assert "/email-log/exports/" not in as_alice.get("/email-log/").text
    assert not AuditEntry.objects.exists()


def test_button_keeps_the_filters(as_charlie: Client, lincoln: School) -> None:
    make_delivery(factory.make_broadcast(lincoln), "ana@home.example")
    assert 'href="/email-log/exports/?q=ana"' in as_charlie.get("/email-log/?q=ana&after=1").text


def test_wrong_filter_exports_nothing_and_says_why(as_charlie: Client, lincoln: School) -> None:
    make_delivery(factory.make_broadcast(lincoln), "ana@home.example")
    response = as_charlie.get(f"{EXPORT}?date_from=nonsense", follow=True)
    assert "This is not a day" in response.text
    assert not AuditEntry.objects.exists()


def test_command_writes_the_same_file(as_charlie: Client, lincoln: School, tmp_path: Path) -> None:
    make_one_of_each(factory.make_broadcast(lincoln, subject="Menu"))
    chosen = factory.make_broadcast(lincoln)
    make_one_of_each(chosen)
    out = io.StringIO()
    call_command("export_email_log", "--broadcast", str(chosen.pk), stdout=out)
    page = download(as_charlie, f"?broadcast={chosen.pk}")
    assert out.getvalue() == page
    file = tmp_path / "log.csv"
    call_command("export_email_log", "--broadcast", str(chosen.pk), "--format", "csv", "-o", str(file))
    assert file.read_bytes().decode() == page
    out = io.StringIO()
    call_command("export_email_log", stdout=out)
    assert len(parse(out.getvalue())) == Delivery.objects.count() == 22


def test_command_is_recorded_like_the_page(lincoln: School) -> None:
    chosen = factory.make_broadcast(lincoln)
    make_delivery(chosen, "ana@home.example")
    make_delivery(factory.make_broadcast(lincoln, subject="Menu"), "ana@home.example")
    call_command("export_email_log", "--broadcast", str(chosen.pk), stdout=io.StringIO())
    entry = audit.history(chosen).get()
    assert (entry.action, entry.actor, entry.school) == ("email_log.exported", None, lincoln)
    assert entry.details == {"rows": 1, "broadcast": str(chosen.pk)}
    call_command("export_email_log", stdout=io.StringIO())
    entry = AuditEntry.objects.latest("pk")
    assert (entry.object_label, entry.object_id, entry.school, entry.details) == ("Email Log", "", None, {"rows": 2})


@pytest.mark.django_db
def test_command_refuses_an_unknown_broadcast(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="There is no such broadcast") as caught:
        call_command("export_email_log", "--broadcast", "77")
    assert caught.value.returncode == 2
    assert not AuditEntry.objects.exists()


@pytest.mark.django_db
def test_command_says_when_the_file_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be written") as caught:
        call_command("export_email_log", "-o", str(tmp_path / "no" / "folder.csv"))
    assert caught.value.returncode == 2
    assert not AuditEntry.objects.exists()
