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
