import re

from django.test import Client
from django.utils import timezone

from broadcasts.models import School
from broadcasts.results import Result
from reports.email_log.counting import Number
from tests import factory
from tests.reports.rows import make_delivery, make_one_of_each


def test_cells_are_those_that_the_table_library_would_write(as_alice: Client, lincoln: School) -> None:
    broadcast = factory.make_broadcast(lincoln)
    make_one_of_each(broadcast)
    make_delivery(broadcast, "late@home.example", Result.DELIVERED, attempts=1_234, last_attempt_at=timezone.now())
    table = as_alice.get("/email-log/").context["table"]
    for row in table.rows:
        assert list(table.cells_of(row.record)) == [(column.name, cell) for column, cell in row.items()]


def test_an_estimate_claims_no_more_than_is_known() -> None:
    said = [str(Number(rows, is_exact=False)) for rows in (0, 9, 10, 4_849, 1_950_000)]
    assert said == ["a few", "a few", "about 10", "about 4,800", "about 2,000,000"]
    assert str(Number(4_849)) == "4,849"
    assert str(Number(0)) == "0"


def test_a_print_says_what_was_asked_for(as_charlie: Client, lincoln: School) -> None:
    broadcast = factory.make_broadcast(lincoln, subject="Snow <day>")
    make_delivery(broadcast, "ana@home.example", Result.FAILED, attempts=1)
    asked = f"?broadcast={broadcast.pk}&result=failed&q=ana&attempts=1&late=on&date_from=2026-05-11&type=general"
    line = as_charlie.get(f"/email-log/{asked}").text.split('<p class="for-print">')[1].split("</p>")[0]
    assert re.sub("</?b>", "", line) == (
        "Name or address: ana · Broadcast: Snow &lt;day&gt; · Type: General · First day: May 11, 2026"
        " · Delivery Results: Failed · Attempts: once · Only emails that bounced later"
    )
    assert "for-print" not in as_charlie.get("/email-log/").text
