"""The door for mail servers that pass a report to a program."""

import io
import sys
from unittest.mock import patch

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from broadcasts.results import Result
from tests.tracking.rows import bounce_address, make_delivery
from tests.tracking.test_ingesting import dsn, result_of
from tracking.models import UnusedReport

pytestmark = pytest.mark.django_db


def test_a_mail_server_may_pipe_reports_to_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    delivery = make_delivery()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(dsn())))
    call_command("ingest_bounce", recipient=bounce_address(delivery), stdout=io.StringIO())
    assert result_of(delivery) == Result.FAILED


@pytest.mark.parametrize(
    "header",
    [
        "To: Undelivered <{ours}>",
        'To: Postmaster, <office@lincoln.example>, "Mail, returned" <{ours}>',
        "Delivered-To: office@lincoln.example\nDelivered-To: {ours}",
        "To: undisclosed-recipients:;\nX-Original-To: <{ours}>",
        "To: a, b <c, d\nDelivered-To: {ours}",
    ],
)
def test_the_command_finds_the_recipient_in_the_headers(monkeypatch: pytest.MonkeyPatch, header: str) -> None:
    delivery = make_delivery()
    named = header.format(ours=bounce_address(delivery)).replace("\n", "\r\n")
    report = dsn().replace(b"To: x@y.example", named.encode())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(report)))
    call_command("ingest_bounce", stdout=io.StringIO())
    assert result_of(delivery) == Result.FAILED


def test_the_command_keeps_a_report_that_names_no_recipient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"Subject: Undelivered\n\nSorry.\n")))
    call_command("ingest_bounce", stdout=io.StringIO())
    assert UnusedReport.objects.get().envelope_recipient == ""


def test_the_command_asks_the_mail_server_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(dsn())))
    with (
        patch("django.db.backends.base.base.BaseDatabaseWrapper.ensure_connection", side_effect=OperationalError),
        patch("django.db.backends.utils.CursorWrapper.execute", side_effect=OperationalError),
        pytest.raises(SystemExit) as stopped,
    ):
        call_command("ingest_bounce", stderr=io.StringIO())
    assert stopped.value.code == 75


def test_the_command_takes_a_large_report_off_the_mail_server(monkeypatch: pytest.MonkeyPatch) -> None:
    delivery = make_delivery()
    large = io.BytesIO(dsn() + b"x" * 8 * 1024 * 1024)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(large))
    call_command("ingest_bounce", recipient=bounce_address(delivery), stdout=io.StringIO())
    assert result_of(delivery) == Result.FAILED
    assert large.read() == b""


def test_a_file_that_is_not_there_is_said() -> None:
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("ingest_bounce", explain=["/nowhere.eml"])
