"""What is done to many rows of the Email Log at once: how many are too many, and what the others cost."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from broadcasts.models import BlockedEmail, Broadcast, List, School
from broadcasts.results import Result
from tests import factory
from tests.reports.rows import make_delivery
from tests.reports.test_email_log_acting import BLOCK, FOLLOW_UP, LIST, LOG, hidden, members, press


@pytest.fixture
def snow(lincoln: School) -> Broadcast:
    """Two came back from it, and a third from another broadcast."""
    broadcast = factory.make_broadcast(lincoln, subject="Snow day", type_name="Lunch")
    for name in ("bo", "cy"):
        make_delivery(broadcast, f"{name}@home.example", Result.BOUNCED)
    make_delivery(factory.make_broadcast(lincoln, subject="Menu"), "di@home.example", Result.BOUNCED)
    return broadcast


def test_many_rows_need_no_more_statements(as_charlie: Client, snow: Broadcast) -> None:
    def statements(number: int, query: str) -> list[int]:
        counts = []
        for address, said in ((BLOCK, {"reason": "x", "level": "all"}), (LIST, {"name": f"List {number}"})):
            posted = hidden(as_charlie.get(address + query)) | said
            with CaptureQueriesContext(connection) as queries:
                assert as_charlie.post(address + query, posted).status_code == 302
            counts.append(len(queries))
        return counts

    few = statements(1, "?result=bounced")
    for number in range(60):
        make_delivery(snow, f"p{number}@home.example", Result.FAILED)
    assert statements(2, "?result=failed") == few
    assert BlockedEmail.objects.count() == 63


def test_too_many_rows_are_to_be_filtered_first(
    as_charlie: Client, snow: Broadcast, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("reports.email_log.chosen", "reports.views.email_log_acting"):
        monkeypatch.setattr(f"{module}.MOST_ROWS", 2)
    said = {"reason": "x", "name": "x", "level": "all", "expected": "9"}
    for address in (BLOCK, LIST, FOLLOW_UP):
        for page in (as_charlie.get(f"{address}?result=bounced"), as_charlie.post(f"{address}?result=bounced", said)):
            assert "These are more than 2 rows" in page.text
            assert f'href="{LOG}?result=bounced"' in page.text
    assert not BlockedEmail.objects.exists()
    assert not List.objects.filter(name="x").exists()
    press(as_charlie, f"{LIST}?broadcast={snow.pk}&result=bounced", name="Two")
    assert members("Two") == ["Bo", "Cy"]


def test_rows_are_read_twice_however_many_questions(as_charlie: Client, snow: Broadcast) -> None:
    """Once for how many of which broadcast, once for what they come to."""
    for address, said in ((BLOCK, {"reason": "x", "level": "all"}), (LIST, {"name": "Once"})):
        query = "?result=bounced"
        posted = hidden(as_charlie.get(address + query)) | said
        with CaptureQueriesContext(connection) as queries:
            assert as_charlie.post(address + query, posted).status_code == 302
        read = [one["sql"] for one in queries if 'FROM "broadcasts_delivery"' in one["sql"]]
        assert len(read) == 2, read
