from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from broadcasts.delivering.settling import settle_deliveries
from broadcasts.models import Broadcast, Delivery, School
from broadcasts.results import Result
from tests import factory
from tests.reports.rows import make_delivery

NOW = timezone.now()
LONG_AGO, LATELY = NOW - timedelta(days=3), NOW - timedelta(days=1)


def make_sent(school: School, at: object = LONG_AGO) -> Broadcast:
    return factory.make_broadcast(school, prepared_at=at, status="sent")


def settled() -> set[int]:
    return set(Delivery.objects.filter(is_settled=True).values_list("pk", flat=True))


def test_what_nothing_happens_to_any_more_settles(lincoln: School) -> None:
    old, new = make_sent(lincoln), make_sent(lincoln, LATELY)
    quiet = make_delivery(old, "ana@home.example", Result.OPENED, attempts=1, last_attempt_at=LONG_AGO)
    untried = make_delivery(old, "ben@home.example", Result.DUPLICATE)
    make_delivery(old, "cleo@home.example", Result.SENT, attempts=2, last_attempt_at=LATELY)
    make_delivery(old, "dev@home.example", Result.SOFT_BOUNCED, attempts=2, last_attempt_at=LONG_AGO)
    make_delivery(old, "eva@home.example", next_attempt_at=NOW)
    make_delivery(old, "fay@home.example", state=Delivery.State.UNCONFIRMED)
    make_delivery(new, "gus@home.example", Result.DUPLICATE)
    assert settle_deliveries(NOW) == 2
    assert settled() == {quiet.pk, untried.pk}
    assert settle_deliveries(NOW) == 0


def test_rows_settle_a_few_at_a_time(lincoln: School) -> None:
    old = make_sent(lincoln)
    rows = [make_delivery(old, f"ana{number}@home.example", Result.DUPLICATE) for number in range(5)]
    assert settle_deliveries(NOW, most=3) == 3
    assert settled() == {row.pk for row in rows[:3]}


def test_copies_are_empty_until_then_and_equal_afterwards(lincoln: School) -> None:
    row = make_delivery(make_sent(lincoln), "ana@home.example", Result.SENT, attempts=1, last_attempt_at=LONG_AGO)
    row.refresh_from_db()
    assert (row.settled_result, row.settled_attempts, row.settled_last_attempt_at) == (None, None, None)
    settle_deliveries(NOW)
    Delivery.objects.update(result=Result.OPENED)
    row.refresh_from_db()
    assert (row.settled_result, row.settled_attempts, row.settled_last_attempt_at) == (Result.OPENED, 1, LONG_AGO)


def test_rows_are_updated_in_place_while_they_are_sent(lincoln: School) -> None:
    """What changes with every try is in no index until the row is settled."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no such updates.")
    row = make_delivery(make_sent(lincoln), "ana@home.example")
    rows = Delivery.objects.filter(pk=row.pk)
    before = updated_in_place()
    rows.update(state=Delivery.State.IN_DOUBT, attempts=1, last_attempt_at=NOW)
    rows.update(state=Delivery.State.IDLE, result=Result.SENT, note="gave_up")
    rows.update(result=Result.OPENED)
    assert updated_in_place() - before == 3
    rows.update(is_settled=True)
    assert updated_in_place() - before == 3


def updated_in_place() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_get_xact_tuples_hot_updated('broadcasts_delivery'::regclass)")
        return int(cursor.fetchone()[0])
