import re

from django.test import Client
from django.utils import timezone

from broadcasts.models import School
from broadcasts.results import Result
from tests import factory
from tests.reports.rows import make_delivery, make_one_of_each


def test_cells_are_those_that_the_table_library_would_write(as_alice: Client, lincoln: School) -> None:
    broadcast = factory.make_broadcast(lincoln)
    make_one_of_each(broadcast)
    make_delivery(broadcast, "late@home.example", Result.DELIVERED, attempts=1_234, last_attempt_at=timezone.now())
    table = as_alice.get("/email-log/").context["table"]
    for row in table.rows:
        assert list(table.cells_of(row.record)) == [(column.name, cell) for column, cell in row.items()]


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
