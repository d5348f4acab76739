"""Failures of long ago, which stand in other indexes, and how little is read to find them all."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from broadcasts.models import Delivery, School, User
from broadcasts.results import Result
from reports.addresses_to_fix import AddressesToFix
from tests import factory
from tests.reports.trials import make_failed, make_sent, make_trial

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def general(db: None) -> None:
    factory.make_type()


def addresses(user: User) -> list[str]:
    return [one.address.address for one in AddressesToFix(user).found]


def settle(*rows: Delivery) -> None:
    """As the sweep does days later."""
    Delivery.objects.filter(pk__in=[row.pk for row in rows]).update(is_settled=True)


def test_failures_of_long_ago_are_found_like_those_of_today(alice: User, lincoln: School) -> None:
    make_failed(lincoln, "Ann", "ann@home.example")
    ben = factory.make_person(lincoln, "Ben", ["ben@home.example"])
    cleo = factory.make_person(lincoln, "Cleo", ["cleo@home.example"])
    dan = factory.make_person(lincoln, "Dan", ["dan@home.example"])
    for days in (2, 1):
        broadcast = make_sent(lincoln, ago=days * DAY)
        make_trial(broadcast, ben, Result.BOUNCED)
        make_trial(broadcast, cleo, Result.OPENED, late_bounce_at=timezone.now())
        make_trial(broadcast, dan, Result.BOUNCED, note=Delivery.Note.STOPPED)
    today = addresses(alice)
    assert sorted(today) == ["ann@home.example", "ben@home.example", "cleo@home.example"]
    settle(*Delivery.objects.all())
    assert addresses(alice) == today


def test_who_shared_an_address_long_ago_is_found(alice: User, lincoln: School) -> None:
    failed = make_failed(lincoln)
    ben = factory.make_person(lincoln, "Ben", ["an@home.example"])
    shared = make_trial(failed.broadcast, ben, Result.DUPLICATE, duplicate_of=failed)
    settle(failed, shared)
    assert addresses(alice) == ["an@home.example"] * 2


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("arrived_settles", [False, True])
def test_email_that_arrived_later_settles_it_unless_it_came_back_too(
    alice: User, lincoln: School, late: bool, arrived_settles: bool
) -> None:
    failed = make_failed(lincoln)
    assert failed.person
    came = timezone.now() if late else None
    arrived = make_trial(make_sent(lincoln), failed.person, Result.DELIVERED, late_bounce_at=came)
    settle(failed, *([arrived] if arrived_settles else []))
    assert addresses(alice) == (["an@home.example"] if late else [])


def test_failures_are_found_without_reading_all_deliveries(alice: User, lincoln: School) -> None:
    make_failed(lincoln)
    settle(*Delivery.objects.all())
    with CaptureQueriesContext(connection) as queries, connection.cursor() as cursor:
        assert AddressesToFix(alice).count() == 1
        [statement] = [query["sql"] for query in queries if "WITH returned" in query["sql"]]
        if connection.vendor == "postgresql":  # of a few rows it would read all of them, whatever there is
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
        cursor.execute(f"{'EXPLAIN' if connection.vendor == 'postgresql' else 'EXPLAIN QUERY PLAN'} {statement}")
        plan = "\n".join(str(row[-1]) for row in cursor.fetchall())
    if connection.vendor == "postgresql":
        assert "delivery_of_person" in plan
    assert "Seq Scan on broadcasts_delivery" not in plan
    assert not re.search(r"SCAN (broadcasts_delivery|later|shared)\b", plan)
