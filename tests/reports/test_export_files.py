"""Exports as a workbook, raw ones, and those that a worker writes."""

import io
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone
from openpyxl import load_workbook

from broadcasts.csv_guard import csv_lines
from broadcasts.models import AuditEntry, School, User
from broadcasts.results import Result
from reports.email_log import copying, files
from reports.email_log.exporting import HEADER, Export
from reports.email_log.files import sweep_files, write_file
from reports.email_log.lines import Line
from reports.email_log.signs import Signs
from reports.email_log.sorting import Sort
from reports.email_log.wanted import Wanted
from reports.models import ExportFile, ExportPiece
from tests import factory
from tests.broadcasts.test_csv_guard import EVIL
from tests.reports.rows import make_delivery, make_one_of_each
from tests.waiting import wait_for

SECONDS = 20
EXPORT, EXPORTS = "/email-log/export/", "/email-log/exports/"


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two rows are many here, and a piece is small."""
    monkeypatch.setitem(files.AT_ONCE, "csv", 2)
    monkeypatch.setitem(files.AT_ONCE, "xlsx", 2)
    monkeypatch.setattr(files, "PIECE", 1000)


def make_evil(school: School) -> None:
    """Cells that are hard to write, at moments on both sides of midnight and of the change to summer time."""
    broadcast = factory.make_broadcast(school, subject='=1,"2"')
    broadcast.prepared_at = datetime(2026, 3, 8, 7, tzinfo=UTC)
    broadcast.save(update_fields=["prepared_at"])
    for number, text in enumerate(EVIL):
        at = datetime(2026, 3, 8, 5, 59, 59, 999_999, tzinfo=UTC) + timedelta(minutes=97 * number)
        row = make_delivery(
            broadcast, f"{text[:250]}{number}", Result.FAILED, person=None, name=text[:200], last_attempt_at=at
        )
        row.late_bounce_reason, row.late_bounce_at = text[:500], at if number % 2 else None
        row.note = "gave_up" if number % 3 else ""
        row.save(update_fields=["late_bounce_reason", "late_bounce_at", "note"])


@pytest.mark.parametrize("sort", ["", "-name", "last_attempt", "-type"])
@pytest.mark.parametrize(("is_raw", "are_few"), [(False, False), (True, False), (False, True)])
def test_lines_are_the_same_whoever_writes_them(
    lincoln: School, jefferson: School, sort: str, is_raw: bool, are_few: bool
) -> None:
    """On PostgreSQL the server writes them; byte for byte what Python would have written."""
    for school in (lincoln, jefferson, factory.make_school("Adams", "Asia/Kolkata")):
        make_evil(school)
        make_one_of_each(factory.make_broadcast(school))
    export = Export(Wanted(), Sort.read(sort), is_raw, are_few)
    assert b"".join(export.csv()).decode() == "".join(csv_lines(HEADER, export.rows(), is_raw=is_raw))


@pytest.mark.parametrize("sort", ["", "-type"])
def test_no_block_is_sorted_whatever_the_planner_expects(lincoln: School, sort: str) -> None:
    """Of a filter that it takes for rare it would read and sort all rows that are left, for each block."""
    if connection.vendor != "postgresql":
        pytest.skip("PostgreSQL alone writes the lines itself.")
    make_one_of_each(factory.make_broadcast(lincoln))
    wanted = Wanted(words=["home", "example"])
    statement = next(copying._statements(wanted, Sort.read(sort), Line({}, None, is_raw=False), are_few=False))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("; ".join(f"SET LOCAL {way} = off" for way in statement.without))
        cursor.execute(f"EXPLAIN {statement.sql}", statement.params)
        assert [line for (line,) in cursor.fetchall() if "Sort" in line] == []


def test_writer_that_was_overtaken_spoils_nothing(
    as_charlie: Client, lincoln: School, small_pages: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_one_of_each(factory.make_broadcast(lincoln))
    as_charlie.post(EXPORTS, {"format": "csv"})
    file, store = ExportFile.objects.get(), files._store

    def overtaken(*args: Any) -> None:
        monkeypatch.setattr(files, "_store", store)
        ExportFile.objects.update(worked_on_at=timezone.now() - timedelta(minutes=3))
        assert write_file(file.pk)
        raise RuntimeError("too late")

    monkeypatch.setattr(files, "_store", overtaken)
    with pytest.raises(RuntimeError, match="too late"):
        write_file(file.pk)
    assert ExportFile.objects.get().status == "ready"
    assert as_charlie.get(f"{EXPORTS}{file.token}/").getvalue() == b"".join(Export(Wanted(), Sort()).csv())


def test_workbook_has_typed_cells_and_no_formula(as_charlie: Client, lincoln: School) -> None:
    make_evil(lincoln)
    book = load_workbook(io.BytesIO(as_charlie.get(f"{EXPORT}?format=xlsx&sort=last_attempt").getvalue()))
    header, *rows = book["Email Log"].iter_rows()
    assert [cell.value for cell in header] == list(HEADER)
    assert len(rows) == len(EVIL)
    assert {cell.data_type for row in rows for cell in row} <= {"s", "n", "d", "inlineStr"}
    assert [row[0].value or "" for row in rows[:3]] == EVIL[:3]
    assert rows[0][6].value.isoformat() == "2026-03-07T23:59:59"
    assert rows[0][5].value == 0


def test_raw_is_a_choice_and_recorded(as_charlie: Client, lincoln: School) -> None:
    make_delivery(factory.make_broadcast(lincoln), "ana@home.example", name="=1+1")
    assert "'=1+1," in as_charlie.get(EXPORT).getvalue().decode()
    assert "\n=1+1," in as_charlie.get(f"{EXPORT}?raw=on").getvalue().decode()
    assert [entry.details.get("raw") for entry in AuditEntry.objects.order_by("pk")] == [None, "on"]


def test_small_file_comes_at_once(as_charlie: Client, lincoln: School) -> None:
    make_delivery(factory.make_broadcast(lincoln), "ana@home.example")
    answer = as_charlie.post(f"{EXPORTS}?q=ana", {"format": "xlsx", "raw": ""})
    assert answer["Location"] == f"{EXPORT}?q=ana&format=xlsx"
    assert not ExportFile.objects.exists()


@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
def test_large_file_is_written_meanwhile(
    as_charlie: Client, charlie: User, lincoln: School, small_pages: None, file_format: str
) -> None:
    make_one_of_each(factory.make_broadcast(lincoln))
    answer = as_charlie.get(f"{EXPORT}?result=blocked&format={file_format}")
    assert answer.status_code == 200  # two rows are few
    answer = as_charlie.get(f"{EXPORT}?q=home&format={file_format}")
    assert answer["Location"].startswith(f"{EXPORTS}?q=home")
    as_charlie.post(f"{EXPORTS}?q=home", {"format": file_format})
    file = ExportFile.objects.get()
    page = as_charlie.get(f"{EXPORTS}?q=home").text
    assert "Waiting for its turn" in page
    assert 'hx-trigger="every 2s"' in page
    assert as_charlie.get(f"{EXPORTS}{file.token}/").status_code == 404
    assert write_file(file.pk)
    assert not write_file(file.pk)  # the same message once more
    file.refresh_from_db()
    assert (file.status, file.size > 1000, file.pieces.count() > 1) == ("ready", True, True)
    content = as_charlie.get(f"{EXPORTS}{file.token}/").getvalue()
    assert len(content) == file.size
    if file_format == "csv":
        assert content == b"".join(Export(Wanted(words=["home"]), Sort()).csv())
    else:
        assert load_workbook(io.BytesIO(content))["Email Log"].max_row == 11
    assert "every 2s" not in as_charlie.get(EXPORTS).text
    entry = AuditEntry.objects.latest("pk")
    assert (entry.actor, entry.details["rows"], entry.details["q"]) == (charlie, 10, "home")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
def test_page_says_how_far_it_is(
    as_charlie: Client, lincoln: School, small_pages: None, monkeypatch: pytest.MonkeyPatch, file_format: str
) -> None:
    rows = len(make_one_of_each(factory.make_broadcast(lincoln)))
    as_charlie.post(EXPORTS, {"format": file_format})
    was_seen, write = threading.Event(), files._write  # where it stands still

    def write_and_wait(*args: Any) -> None:
        write(*args)
        assert was_seen.wait(SECONDS)

    monkeypatch.setattr(files, "_write", write_and_wait)
    monkeypatch.setattr(Signs, "SECONDS", 0.01)
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write_and_close, ExportFile.objects.get().pk)
        wait_for(lambda: ExportFile.objects.get().rows_written >= rows // 2, "a sign", SECONDS)
        page = as_charlie.get(EXPORTS).text
        was_seen.set()
        assert writing.result(SECONDS)
    assert 40 <= int(page.split('<progress value="')[1].split('"')[0]) <= 60, "written, and not yet stored"
    assert ExportFile.objects.get().status == "ready"


def write_and_close(pk: int) -> bool:
    try:
        return write_file(pk)
    finally:
        connection.close()


def test_file_is_for_whoever_asked_for_it_and_for_a_day(
    as_charlie: Client, as_alice: Client, lincoln: School, small_pages: None
) -> None:
    make_one_of_each(factory.make_broadcast(lincoln))
    as_charlie.post(EXPORTS, {"format": "csv"})
    file = ExportFile.objects.get()
    write_file(file.pk)
    address = f"{EXPORTS}{file.token}/"
    dora = Client()
    dora.force_login(factory.make_user("Dora"), backend="allauth.account.auth_backends.AuthenticationBackend")
    assert [client.get(address).status_code for client in (as_alice, dora, as_charlie)] == [403, 404, 200]
    assert file.file_name not in dora.get(EXPORTS).text
    ExportFile.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert as_charlie.get(address).status_code == 404
    sweep_files()
    assert not ExportPiece.objects.exists()
    assert not ExportFile.objects.exists()


def test_writer_that_died_is_followed_by_another(as_charlie: Client, lincoln: School, small_pages: None) -> None:
    make_one_of_each(factory.make_broadcast(lincoln))
    as_charlie.post(EXPORTS, {"format": "csv"})
    file = ExportFile.objects.get()
    ExportFile.objects.update(status="writing", worked_on_at=timezone.now())
    ExportPiece.objects.create(file=file, number=0, content=b"half")
    assert not write_file(file.pk)  # the other one may be at it still
    ExportFile.objects.update(worked_on_at=timezone.now() - timedelta(minutes=3))
    assert write_file(file.pk)
    assert b"half" not in as_charlie.get(f"{EXPORTS}{file.token}/").getvalue()


def test_command_takes_the_filters_of_the_page(as_charlie: Client, lincoln: School, tmp_path: Path) -> None:
    make_one_of_each(factory.make_broadcast(lincoln))
    make_one_of_each(factory.make_broadcast(lincoln, type_name="Lunch"))
    out = io.StringIO()
    call_command("export_email_log", "--type", "lunch", "--result", "blocked", "--sort=-name", stdout=out)
    page = as_charlie.get(f"{EXPORT}?type=lunch&result=blocked&sort=-name").getvalue().decode()
    assert out.getvalue() == page
    assert page.count("\r\n") == 3
    call_command("export_email_log", "--format", "xlsx", "-o", str(tmp_path / "log.xlsx"))
    assert load_workbook(tmp_path / "log.xlsx")["Email Log"].max_row == 23
    with pytest.raises(CommandError, match="This is not a day"):
        call_command("export_email_log", "--from", "yesterday")
    with pytest.raises(CommandError, match="needs a file"):
        call_command("export_email_log", "--format", "xlsx")
