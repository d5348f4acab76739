from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from broadcasts.models import Broadcast, Delivery, School
from broadcasts.results import LABELS, Result
from reports.email_log.counting import Number
from reports.explanations import slug_of
from tests import factory
from tests.reports.rows import make_delivery, make_one_of_each

LOG = "/email-log/"
COLUMNS = ["name", "email", "broadcast", "type", "school", "attempts", "last_attempt", "result"]


def shown(client: Client, query: str = "") -> list[Delivery]:
    response = client.get(LOG + query)
    assert response.status_code == 200
    return [row.record for row in response.context["table"].rows]


def read_all(client: Client, query: str, where: str = "") -> list[Delivery]:
    """All pages from one end to the other, by their own links."""
    page = client.get(f"{LOG}{query}{where}").context["log"].page
    if "before" in where or "last" in where:
        more = read_all(client, query, f"&before={page.first}") if page.has_previous else []
        return [*more, *page.rows]
    more = read_all(client, query, f"&after={page.last}") if page.has_next else []
    return [*page.rows, *more]


def test_log_without_any_email_says_what_will_be_here(as_alice: Client) -> None:
    page = as_alice.get(LOG).text
    assert "No emails yet" in page
    assert "<table" not in page


def test_columns_are_those_of_the_document(as_alice: Client, lincoln: School) -> None:
    make_delivery(factory.make_broadcast(lincoln), "ana@home.example")
    headings = [column.header for column in as_alice.get(LOG).context["table"].columns]
    assert headings == [
        *("Name", "Email", "Broadcast", "Type", "School", "Attempts", "Last Attempt", "Delivery Results")
    ]


@pytest.mark.parametrize("label", LABELS)
def test_every_result_is_reachable_by_its_filter(as_alice: Client, lincoln: School, label: str) -> None:
    make_one_of_each(factory.make_broadcast(lincoln))
    for value in (slug_of(label), quote(label)):
        rows = shown(as_alice, f"?result={value}")
        assert {row.result for row in rows} == set(LABELS[label])


def test_counts_beside_the_results_add_up_to_the_rows_that_the_other_filters_leave(
    as_alice: Client, lincoln: School
) -> None:
    make_one_of_each(factory.make_broadcast(lincoln))
    second = factory.make_broadcast(lincoln, subject="Menu")
    make_one_of_each(second)
    log = as_alice.get(f"{LOG}?broadcast={second.pk}&result=blocked").context["log"]
    assert sum(number.rows for number in log.counts.values()) == 11
    assert log.counts["Blocked"] == log.total == Number(2)
    assert [choice.count.rows for choice in log.choices] == [11, 7, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1]


@pytest.mark.parametrize("column", COLUMNS)
def test_each_column_sorts_both_ways_and_equal_rows_keep_their_order(
    as_alice: Client, lincoln: School, column: str
) -> None:
    for number in range(4):
        broadcast = factory.make_broadcast(
            lincoln, subject=f"Menu {number % 2}", type_name=["General", "Lunch"][number % 2]
        )
        for result in (Result.DELIVERED, Result.BLOCKED_BY_PROVIDER, Result.FAILED):
            tried = timezone.now() - timedelta(days=number % 2) if result is Result.DELIVERED else None
            email = f"{result.name.lower()}{number}@home.example"
            make_delivery(
                broadcast, email, result, name=f"Ana {number % 2}", attempts=number % 3, last_attempt_at=tried
            )
    up = shown(as_alice, f"?sort={column}")
    down = shown(as_alice, f"?sort=-{column}")
    assert len(up) == len(down) == 12
    assert up != down
    assert shown(as_alice, f"?sort={column}") == up
    ties = [[row.pk for row in up if _key(row, column) == key] for key in {_key(row, column) for row in up}]
    assert all(group == sorted(group) for group in ties)
    keys = [_key(row, column) for row in up if _key(row, column) is not None]
    assert keys == sorted(keys)
    keys = [_key(row, column) for row in down if _key(row, column) is not None]
    assert keys == sorted(keys, reverse=True)


def _key(row: Delivery, column: str) -> Any:
    broadcast_type = row.broadcast.broadcast_type
    return {
        "broadcast": (row.broadcast.name, row.broadcast_id),
        "type": broadcast_type.name if broadcast_type else "",
        "last_attempt": row.last_attempt_at,
    }.get(column) or getattr(row, column, None)


def test_both_kinds_of_blocked_stand_together(as_alice: Client, lincoln: School) -> None:
    make_one_of_each(factory.make_broadcast(lincoln))
    results = [row.result for row in shown(as_alice, "?sort=result")]
    assert results.index(Result.BLOCKED) - results.index(Result.BLOCKED_BY_PROVIDER) in (1, -1)


def test_rows_without_an_attempt_come_last_both_ways(as_alice: Client, lincoln: School) -> None:
    broadcast = factory.make_broadcast(lincoln)
    waiting = make_delivery(broadcast, "ana@home.example")
    make_delivery(broadcast, "ben@home.example", Result.SENT, last_attempt_at=timezone.now())
    assert shown(as_alice, "?sort=last_attempt")[-1] == waiting
    assert shown(as_alice, "?sort=-last_attempt")[-1] == waiting


def test_text_finds_parts_of_names_and_addresses(as_alice: Client, lincoln: School) -> None:
    broadcast = factory.make_broadcast(lincoln)
    ana = make_delivery(broadcast, "ana@home.example", name="Ana García")
    make_delivery(broadcast, "ben_100%@home.example", name="Ben Smith")
    assert shown(as_alice, "?q=garc") == [ana]
    assert shown(as_alice, "?q=garcía+ANA") == [ana]
    assert shown(as_alice, "?q=ana%40home") == [ana]
    assert [row.name for row in shown(as_alice, "?q=100%25")] == ["Ben Smith"]


def test_type_and_broadcast_narrow_the_rows(as_alice: Client, lincoln: School) -> None:
    first = make_delivery(factory.make_broadcast(lincoln), "ana@home.example")
    second = make_delivery(factory.make_broadcast(lincoln, type_name="Emergency"), "ana@home.example")
    assert shown(as_alice, "?type=emergency") == [second]
    assert shown(as_alice, f"?broadcast={first.broadcast_id}") == [first]


def test_days_are_days_of_the_school(as_alice: Client, lincoln: School) -> None:
    """11 pm in Chicago is already the next day in UTC."""
    broadcast = factory.make_broadcast(lincoln, prepared_at=datetime(2026, 5, 1, 12, tzinfo=UTC))
    late = datetime(2026, 5, 12, 4, 0, tzinfo=UTC)
    row = make_delivery(broadcast, "ana@home.example", Result.SENT, attempts=1, last_attempt_at=late)
    untried = make_delivery(broadcast, "ben@home.example")
    assert shown(as_alice, "?date_from=2026-05-11&date_to=2026-05-11") == [row]
    assert shown(as_alice, "?date_from=2026-05-12") == []
    assert shown(as_alice, "?date_to=2026-05-01") == [untried]
    assert "May 11, 2026 11:00 pm" in as_alice.get(LOG).text


def test_administrator_sees_each_row_on_its_schools_clock(
    as_charlie: Client, lincoln: School, jefferson: School
) -> None:
    at = datetime(2017, 5, 11, 14, 44, tzinfo=UTC)
    for school in (lincoln, jefferson):
        broadcast = factory.make_broadcast(school, prepared_at=at)
        make_delivery(broadcast, "ana@home.example", Result.SENT, last_attempt_at=at)
    page = as_charlie.get(LOG).text
    assert "May 11, 2017 9:44 am" in page
    assert "May 11, 2017 8:44 am" in page
    assert len(shown(as_charlie, "?date_from=2017-05-11&date_to=2017-05-11")) == 2


def test_stranger_sees_no_row_of_another_school(as_alice: Client, as_bob: Client, lincoln: School) -> None:
    row = make_delivery(factory.make_broadcast(lincoln), "ana@home.example")
    assert shown(as_alice) == [row]
    assert "No emails yet" in as_bob.get(LOG).text
    page = as_bob.get(f"{LOG}?broadcast={row.broadcast_id}")
    assert page.status_code == 200
    assert "ana@home.example" not in page.text
    assert "Snow day" not in page.text


@pytest.mark.parametrize(
    "query",
    [
        "page=abc",
        "after=abc", "after=%00", "after=999999999999999999", "before=1~x", "before=1~99999999999999999", "at=x",
        "page=0", "page=-3", "page=999999999999999999999999", "page=%00", "per_page=1000000", "per_page=-1",
        "sort=evil",
        "sort=-", "sort=", "sort=%00", "sort=name,evil", "sort=broadcast__school", "sort=-name&sort=evil",
    ],
)  # fmt: skip
def test_nonsense_about_pages_and_order_is_ignored(as_alice: Client, lincoln: School, query: str) -> None:
    row = make_delivery(factory.make_broadcast(lincoln), "ana@home.example")
    assert shown(as_alice, f"?{query}") == [row]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("date_from=nonsense", "This is not a day"),
        ("date_from=%00", "This is not a day"),
        ("date_to=0001-01-01", "after the year 1999"),
        ("date_to=9999-12-31", "before the year 2100"),
        ("date_from=2026-05-02&date_to=2026-05-01", "The last day is before the first day"),
        ("result=evil", "There is no such result"),
        ("result=%00", "There is no such result"),
        ("type=%00", "There is no such type"),
        ("broadcast=%00", "Null characters"),
        ("broadcast=99999999999999999999999", "There is no such broadcast"),
        ("broadcast=-1", "There is no such broadcast"),
        ("q=a%00b", "Null characters"),
        ("q=" + "a" * 201, "at most 200 characters"),
    ],
)
def test_nonsense_in_filters_gets_a_clear_error_and_no_rows(
    as_alice: Client, lincoln: School, query: str, words: str
) -> None:
    make_delivery(factory.make_broadcast(lincoln), "ana@home.example")
    page = as_alice.get(f"{LOG}?{query}")
    assert page.status_code == 200
    assert words in page.text
    assert "ana@home.example" not in page.text


def test_nothing_matches_is_told_apart_from_nothing_there(as_alice: Client, lincoln: School) -> None:
    make_delivery(factory.make_broadcast(lincoln), "ana@home.example")
    page = as_alice.get(f"{LOG}?q=zebra").text
    assert "No row matches" in page
    assert "Clear filters" in page


def test_pages_together_show_every_row_once_and_links_keep_the_filters(as_alice: Client, lincoln: School) -> None:
    broadcast = factory.make_broadcast(lincoln)
    rows = [make_delivery(broadcast, f"ana{number}@home.example", name="Ana") for number in range(60)]
    query = "?q=ana&sort=-name&per_page=25"
    page = as_alice.get(f"{LOG}{query}").text
    assert "60 rows" in page
    assert f"q=ana&amp;sort=-name&amp;per_page=25&amp;after={rows[35].pk}" in page
    found = read_all(as_alice, query)
    assert found == rows[::-1]


def test_number_of_queries_does_not_grow_with_the_rows(
    as_alice: Client, lincoln: School, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(8):
        broadcast = factory.make_broadcast(lincoln, subject=f"Menu {number}")
        first = make_delivery(broadcast, "ana@home.example", Result.DELIVERED)
        make_delivery(broadcast, "ana@home.example", Result.DUPLICATE, name="Ben", note="shared", duplicate_of=first)
    with django_assert_max_num_queries(22):
        assert len(shown(as_alice)) == 16


def test_beside_the_result_stands_what_the_label_does_not_say(as_alice: Client, lincoln: School) -> None:
    broadcast = factory.make_broadcast(lincoln)
    noon = datetime(2026, 5, 12, 17, tzinfo=UTC)
    first = make_delivery(broadcast, "ana@home.example", Result.DELIVERED, name="Ana", late_bounce_at=noon)
    make_delivery(broadcast, "ana@home.example", Result.DUPLICATE, name="Ben", note="shared", duplicate_of=first)
    make_delivery(broadcast, "", Result.NO_EMAIL_SELECTED, note=Delivery.Note.NO_ADDRESS)
    make_delivery(broadcast, "cleo@home.example", state=Delivery.State.UNCONFIRMED)
    page = as_alice.get(LOG).text
    assert "bounced later, May 12" in page
    Delivery.objects.filter(pk=first.pk).update(late_bounce_reason="mailbox closed")
    assert "bounced later: mailbox closed, May 12" in as_alice.get(LOG).text
    assert f'goes to <a href="/email-log/{first.pk}/">Ana</a>' in page
    assert "No email address on file" in page
    assert "unconfirmed" in page


def test_what_bounced_later_can_be_asked_for(as_alice: Client, lincoln: School) -> None:
    broadcast = factory.make_broadcast(lincoln)
    late = make_delivery(broadcast, "ana@home.example", Result.OPENED, late_bounce_at=timezone.now())
    make_delivery(broadcast, "ben@home.example", Result.BOUNCED)
    assert shown(as_alice, "?late=on") == [late]
    assert len(shown(as_alice, "?late=")) == 2
    assert "Only emails that bounced later" in as_alice.get(LOG).text


def test_email_on_the_wire_is_not_called_in_doubt(as_alice: Client, lincoln: School) -> None:
    broadcast = factory.make_broadcast(lincoln)
    factory.put_in_doubt(make_delivery(broadcast, "ana@home.example"), timedelta(minutes=1))
    lost = make_delivery(broadcast, "ben@home.example")
    factory.put_in_doubt(lost, -timedelta(minutes=1))
    assert shown(as_alice, "?doubt=on") == [lost]
    assert as_alice.get(LOG).text.count("<small>in doubt</small>") == 1


def test_drafts_are_not_offered_as_a_filter(as_alice: Client, lincoln: School) -> None:
    factory.make_broadcast(lincoln, subject="Secret plan")
    make_delivery(factory.make_broadcast(lincoln), "ana@home.example")
    assert "Secret plan" not in as_alice.get(LOG).text
    assert Broadcast.objects.count() == 2


def test_names_are_shown_as_text(as_alice: Client, lincoln: School) -> None:
    make_delivery(factory.make_broadcast(lincoln, subject="<b>Snow</b>"), "a@home.example", name="<script>x</script>")
    page = as_alice.get(LOG).text
    assert "<script>x" not in page
    assert "<b>Snow" not in page


def test_what_in_doubt_means_stands_beside_its_filter(as_alice: Client, lincoln: School) -> None:
    make_delivery(factory.make_broadcast(lincoln), "ana@home.example")
    page = as_alice.get(LOG).text
    assert "before the mail server said whether it took them" in page
    assert '<details class="more">' in page
    assert '<details class="more" open>' in as_alice.get(f"{LOG}?doubt=on").text
