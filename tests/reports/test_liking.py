"""Columns and rows a page are remembered for each user; the rest is in the address."""

from django.test import Client

from broadcasts.models import School
from tests import factory
from tests.reports.rows import make_delivery

LOG, COLUMNS = "/email-log/", "/email-log/columns/"


def headings(client: Client) -> list[str]:
    return [column.header for column in client.get(LOG).context["table"].columns]


def test_columns_and_rows_a_page_are_remembered_for_oneself(
    as_alice: Client, as_charlie: Client, lincoln: School
) -> None:
    make_delivery(factory.make_broadcast(lincoln), "ana@home.example")
    answer = as_alice.post(
        COLUMNS, {"columns": ["email", "last_attempt"], "rows": "25", "query": "q=ana&after=7&sort=name"}
    )
    assert answer["Location"] == f"{LOG}?q=ana&sort=name"
    assert headings(as_alice) == ["Name", "Email", "Last Attempt", "Delivery Results"]
    assert as_alice.get(LOG).context["log"].per_page == 25
    assert as_alice.get(f"{LOG}?per_page=100").context["log"].per_page == 100
    assert len(headings(as_charlie)) == 8
    as_alice.post(COLUMNS, {"columns": [], "rows": "50"})
    assert headings(as_alice) == ["Name", "Delivery Results"]


def test_nonsense_changes_nothing(as_alice: Client, lincoln: School) -> None:
    make_delivery(factory.make_broadcast(lincoln), "ana@home.example")
    for wrong in ({"columns": ["evil"], "rows": "25"}, {"rows": "1000000"}, {}):
        assert as_alice.post(COLUMNS, wrong)["Location"] == LOG
    assert len(headings(as_alice)) == 8


def test_hidden_column_still_sorts(as_alice: Client, lincoln: School) -> None:
    make_delivery(factory.make_broadcast(lincoln), "ana@home.example")
    as_alice.post(COLUMNS, {"columns": [], "rows": "50"})
    assert as_alice.get(f"{LOG}?sort=-email").status_code == 200
