"""Two machines whose clocks are far apart: leases go by the database's, so neither takes the other's rows."""

from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone
from pytest_django import Settings

from broadcasts.delivering.claiming import Batch, claim_batch
from broadcasts.delivering.leasing import is_ours, release_lease, renew_lease
from broadcasts.delivering.ledger import record
from broadcasts.delivering.sweeping import sweep
from broadcasts.models import Broadcast, Delivery, Lease
from tests.broadcasts.delivering.steps import make_people, start

pytestmark = pytest.mark.django_db
WRONG = timedelta(minutes=10)


@pytest.fixture(autouse=True)
def several_machines(db: None) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite is for one machine, which has one clock")


@pytest.fixture(params=[WRONG, -WRONG], ids=["fast", "slow"])
def elsewhere(request: pytest.FixtureRequest) -> time_machine.travel:
    """A machine whose clock is wrong."""
    return time_machine.travel(timezone.now() + request.param)


@pytest.fixture
def broadcast() -> Broadcast:
    return start(make_people("anna@x.example", "ben@x.example"))


def claim(broadcast: Broadcast, size: int = 1) -> Batch:
    return claim_batch(broadcast.pk, size, timezone.now())


def seconds_left() -> float:
    """By the database's clock."""
    return float(Lease.objects.annotate(left=F("until") - Now()).get().left.total_seconds())


def test_a_lease_ends_when_the_database_says_so(
    broadcast: Broadcast, elsewhere: time_machine.travel, settings: Settings
) -> None:
    with elsewhere:
        batch = claim(broadcast)
    assert settings.LEASE_SECONDS - 30 < seconds_left() <= settings.LEASE_SECONDS
    Lease.objects.update(until=Now() + timedelta(seconds=5))
    with elsewhere:
        assert renew_lease(batch.token, timezone.now())
    assert settings.LEASE_SECONDS - 30 < seconds_left() <= settings.LEASE_SECONDS


def test_nobody_takes_the_rows_of_a_worker_that_lives(broadcast: Broadcast, elsewhere: time_machine.travel) -> None:
    with elsewhere:
        theirs = claim(broadcast, 2)
    assert claim(broadcast, 2).jobs == []
    with elsewhere:
        assert is_ours(theirs.token, timezone.now())
        assert record(theirs.token, [], [theirs.jobs[0].pk], timezone.now()) == {theirs.jobs[0].pk}


def test_the_one_with_the_wrong_clock_takes_nothing_either(
    broadcast: Broadcast, elsewhere: time_machine.travel
) -> None:
    ours = claim(broadcast, 2)
    assert record(ours.token, [], [ours.jobs[0].pk], timezone.now())
    with elsewhere:
        assert claim(broadcast, 2).jobs == []
        sweep(timezone.now())
    assert Delivery.objects.get(pk=ours.jobs[0].pk).state == Delivery.State.IN_DOUBT
    assert is_ours(ours.token, timezone.now())


def test_what_it_gives_back_is_free_at_once(broadcast: Broadcast, elsewhere: time_machine.travel) -> None:
    with elsewhere:
        theirs = claim(broadcast, 2)
        release_lease(theirs.token, timezone.now())
    assert len(claim(broadcast, 2).jobs) == 2


def test_a_lease_that_has_ended_ends_the_right_to_send_whatever_the_workers_clock_says(
    broadcast: Broadcast, elsewhere: time_machine.travel
) -> None:
    with elsewhere:
        theirs = claim(broadcast)
        Lease.objects.update(until=Now() - timedelta(seconds=1))
        assert record(theirs.token, [], [theirs.jobs[0].pk], timezone.now()) == set()
        assert not is_ours(theirs.token, timezone.now())
