"""Pages of the Email Log together are all its rows once, in one order, whichever way they are read."""

import random
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from broadcasts.models import Broadcast, Delivery, School
from broadcasts.results import Result
from reports.email_log import paging
from reports.email_log.sorting import KEYS, Sort
from reports.email_log.wanted import finds_parts
from tests import factory
from tests.reports.rows import make_delivery
from tests.reports.test_email_log import read_all, shown

SORTS = [f"{sign}{column}" for column in KEYS for sign in ("", "-") if column or not sign]
SOME_SORTS = ["", "-name", "email", "-last_attempt", "result", "attempts"]
GROUPED = [
    "&result=did-not-get-it",
    "&result=got-it",
    "&result=did-not-get-it&q=ana",
    "&result=did-not-get-it&attempts=1",
]
FILTERS = [
    *("", "&result=opened", "&result=blocked", "&attempts=1", "&q=a", "&q=ana+home", "&type=lunch", "&late=on"),
    *GROUPED,
]


@pytest.fixture(params=["collected and sorted", "along the indexes"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to read a page on PostgreSQL; SQLite has the first one only."""
    if request.param == "along the indexes":
        monkeypatch.setattr(paging, "FEW", -1)
    return str(request.param)


@pytest.fixture
def rows(lincoln: School, jefferson: School) -> list[Delivery]:
    """Many equal values and many empty ones; of some broadcasts all rows are settled, of some a part, of one none."""
    chance, now = random.Random(7), timezone.now()
    made = []
    for number in range(6):
        broadcast = factory.make_broadcast(
            [lincoln, jefferson][number % 2],
            subject=f"Menu {number // 2}",
            type_name=["General", "Lunch"][number % 2],
        )
        for count in range(10):
            result = chance.choice(list(Result))
            attempts = chance.choice([0, 1, 1, 2, 5])
            email = "" if result is Result.NO_EMAIL_SELECTED else f"{chance.choice('aAb')}na{count}@Home.example"
            row = make_delivery(
                broadcast,
                email,
                result,
                person=None,
                name=chance.choice(["Ana Wu", "ana wu", "Ärmel", "Zoë", "Ben_1%"]),
                attempts=attempts,
                last_attempt_at=now - timedelta(minutes=chance.randrange(9) + 5 * number) if attempts else None,
                late_bounce_at=now if count % 9 == 0 else None,
            )
            made.append(row)
        settled = [row.pk for row in made[-10:] if number < 2 or (number < 5 and row.pk % 3)]
        Delivery.objects.filter(pk__in=settled).update(is_settled=True)
    return made


@pytest.mark.parametrize("sort", SORTS)
def test_pages_are_the_whole_log_in_order_both_ways(
    as_charlie: Client, rows: list[Delivery], way: str, sort: str
) -> None:
    in_order = list(Sort.read(sort).apply(Delivery.objects.all()))
    assert len(in_order) == len(rows)
    query = f"?sort={sort}&per_page=25"
    assert read_all(as_charlie, query) == in_order
    assert read_all(as_charlie, query, "&at=last") == in_order


@pytest.mark.parametrize("asked", FILTERS)
def test_filters_leave_the_same_rows_in_every_order(
    as_charlie: Client, as_bob: Client, rows: list[Delivery], way: str, asked: str
) -> None:
    for client, schools in ((as_charlie, {"lincoln", "jefferson"}), (as_bob, {"jefferson"})):
        found = [set(read_all(client, f"?sort={sort}&per_page=25{asked}")) for sort in SOME_SORTS]
        assert all(each == found[0] for each in found)
        assert {row.broadcast.school.slug for row in found[0]} <= schools
        total = client.get(f"/email-log/?{asked}").context["log"].total
        assert (total.rows, total.is_exact) == (len(found[0]), True)


@pytest.mark.parametrize("filters", ["", "&attempts=1", "&result=did-not-get-it"])
@pytest.mark.parametrize(("first", "last"), [(4, None), (None, 4), (5, 3), (2, 2)])
def test_days_have_the_rows_that_were_tried_in_them_in_every_order(
    as_charlie: Client, rows: list[Delivery], way: str, first: int | None, last: int | None, filters: str
) -> None:
    spread_over_days(rows)
    today = timezone.localdate()
    asked = {name: today - timedelta(ago) for name, ago in (("date_from", first), ("date_to", last)) if ago}
    query = "".join(f"&{name}={day}" for name, day in asked.items())
    expected = {
        row.pk
        for row in read_all(as_charlie, f"?per_page=25{filters}")
        if asked.get("date_from", date.min) <= day_of(row) <= asked.get("date_to", date.max)
    }
    assert expected
    for sort in SOME_SORTS:
        found = read_all(as_charlie, f"?sort={sort}&per_page=25{filters}{query}")
        assert [row.pk for row in found if row.pk not in expected] == []
        assert len(found) == len(expected)
    total = as_charlie.get(f"/email-log/?{filters}{query}").context["log"].total
    assert (total.rows, total.is_exact) == (len(expected), True)


def spread_over_days(rows: list[Delivery]) -> None:
    """A broadcast on each of six days; some rows were tried on the days after it."""
    chance, begin = random.Random(5), timezone.now() - timedelta(7)
    for number, pk in enumerate(sorted({row.broadcast_id for row in rows})):
        at = begin + timedelta(number)
        Broadcast.objects.filter(pk=pk).update(prepared_at=at)
        for row in Delivery.objects.filter(broadcast=pk, last_attempt_at__isnull=False):
            tried = at + timedelta(chance.choice([0, 0, 0, 1, 3]) if number % 2 else 0, minutes=row.pk % 7)
            Delivery.objects.filter(pk=row.pk).update(last_attempt_at=tried)


def day_of(row: Delivery) -> date:
    at = row.last_attempt_at or row.broadcast.prepared_at
    assert at
    return at.astimezone(ZoneInfo(row.broadcast.school.time_zone)).date()


@pytest.mark.parametrize("sort", ["result", "attempts", "last_attempt"])
def test_next_page_goes_on_where_the_row_was_when_it_was_shown(
    as_charlie: Client, rows: list[Delivery], way: str, sort: str
) -> None:
    page = as_charlie.get(f"/email-log/?sort={sort}&per_page=25").context["log"].page
    rest = list(Sort.read(sort).apply(Delivery.objects.all()))[25:45]
    Delivery.objects.filter(pk=page.last.pk).update(result=Result.OPENED, attempts=9, last_attempt_at=timezone.now())
    following = shown(as_charlie, f"?sort={sort}&per_page=25&after={page.last}")
    assert [row for row in following if row.pk != page.last.pk][:20] == rest  # it may have come up once more


def test_page_after_a_row_that_is_gone_or_a_strangers_is_the_first(
    as_bob: Client, rows: list[Delivery], way: str
) -> None:
    first = shown(as_bob, "?per_page=25")
    assert shown(as_bob, f"?per_page=25&after={rows[0].pk}") == first
    assert shown(as_bob, f"?per_page=25&after={rows[-1].pk + 1}") == first


def test_page_after_the_last_row_is_the_last_page(as_bob: Client, rows: list[Delivery], way: str) -> None:
    last = as_bob.get("/email-log/?per_page=25&at=last").context["log"].page
    assert shown(as_bob, f"?per_page=25&after={last.last}") == last.rows
    assert not last.has_next


def test_where_no_index_knows_parts_beginnings_are_found(as_bob: Client, jefferson: School) -> None:
    """A server without pg_trgm."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite finds parts.")
    row = make_delivery(factory.make_broadcast(jefferson), "ana@home.example", name="García")
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX IF EXISTS delivery_trigrams")
    finds_parts.cache_clear()
    try:
        assert shown(as_bob, "?q=gar") == shown(as_bob, "?q=ANA%40") == [row]
        assert shown(as_bob, "?q=home") == []
        page = as_bob.get("/email-log/?q=home").text
        assert "only for names and addresses that begin with “home”" in page
        assert "pg_trgm" in page
    finally:
        finds_parts.cache_clear()


def test_short_word_that_finds_nothing_says_where_it_was_looked_for(
    as_bob: Client, rows: list[Delivery], way: str
) -> None:
    short, long = (as_bob.get(f"/email-log/?q={word}").text for word in ("zq", "zzzz"))
    assert "No row matches" in short
    assert ("“zq” is short, so we looked only for" in short) == (connection.vendor == "postgresql")
    assert "is short" not in long
    both = as_bob.get("/email-log/?q=zq zzzz").text
    assert ("“zq” is short" in both) == (connection.vendor == "postgresql")


def test_words_are_counted(as_bob: Client, rows: list[Delivery], way: str) -> None:
    for words, expected in (("ana", True), ("ana home", True), ("zzz", False)):
        log = as_bob.get("/email-log/", {"q": words}).context["log"]
        assert log.total.is_exact
        assert bool(log.total.rows) == expected
