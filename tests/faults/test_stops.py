"""Servers that stop in the middle of a send: it goes on by itself, soon after they are back."""

import random
import signal
import time
from collections.abc import Callable

import psycopg
import pytest
import redis

from broadcasts.models import Delivery
from broadcasts.results import Result
from tests.faults.conftest import Install
from tests.faults.judging import Row, is_sent, judge, read_rows
from tests.faults.office import Office
from tests.faults.running import CONNECTIONS, IS_FULL, Installation, frozen, pytestmark
from tests.waiting import wait_for

__all__ = ["pytestmark"]
State = Delivery.State
STOPS, FAMILIES = (5, 12_000) if IS_FULL else (2, 2_000)
RESUMES_WITHIN_SECONDS = 10.0
Fault = Callable[[Installation], float]  # when all was well again, by time.monotonic()


def send_with(fault: Fault, here: Installation, dice: random.Random) -> None:
    """Send, with the fault again and again at random moments; seconds from each end of it to the next message."""
    here.relay.order("pace", 0.02)
    broadcast = here.make_broadcast(FAMILIES)
    here.start("sweep", "worker")
    resumed = []
    for stop in range(STOPS):
        part = FAMILIES * 0.8 / STOPS
        here.relay.wait_until(max(here.relay.count(), int(part * stop)) + dice.randrange(1, int(part / 2)))
        well_again = fault(here)
        wait_for(lambda: here.relay.first_after(well_again) is not None, "sending after the fault")  # noqa: B023
        resumed.append(here.relay.first_after(well_again) or 0.0)
    wait_for(lambda: is_sent(here.url, broadcast), "the end of the send")
    report(here, broadcast, resumed, most_repeated=CONNECTIONS * STOPS)


def report(here: Installation, broadcast: int, resumed: list[float], most_repeated: int) -> None:
    verdict = judge(here.relay, here.url, broadcast)
    print(f"{len(resumed)} times, resumed after {', '.join(f'{seconds:.1f}' for seconds in resumed)} s; {verdict}")
    verdict.assert_fair(most_repeated)
    assert max(resumed) <= RESUMES_WITHIN_SECONDS


def answers(url: str) -> bool:
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True


def stop_postgresql(here: Installation) -> float:
    here.postgres.stop(signal.SIGQUIT)  # PostgreSQL's "immediate": without a word, as after a crash
    here.postgres.start()
    wait_for(lambda: answers(here.url), "the end of the recovery")
    return time.monotonic()


def restart_relay(here: Installation) -> float:
    here.relay.stop()
    here.relay.start()
    here.relay.order("pace", 0.02)
    return time.monotonic()


@pytest.mark.parametrize("fault", [stop_postgresql, restart_relay])
def test_a_server_stops_at_once_and_comes_back(install: Install, dice: random.Random, fault: Fault) -> None:
    send_with(fault, install(LEASE_SECONDS=8, IN_DOUBT_GRACE_SECONDS=2), dice)


def test_postgresql_stopped_at_once_with_the_leases_of_production(install: Install, dice: random.Random) -> None:
    """Workers hold every row. Whoever lives through it gives them back instead of letting two minutes pass."""
    here = install()
    here.relay.order("pace", 0.2)
    broadcast = here.make_broadcast(400)
    here.start("sweep", "worker")
    here.relay.wait_until(dice.randrange(1, 200))
    well_again = stop_postgresql(here)
    wait_for(lambda: here.relay.first_after(well_again) is not None, "sending after the fault")
    resumed = here.relay.first_after(well_again) or 0.0

    def unsent() -> list[Row]:
        return [row for row in read_rows(here.url, broadcast) if row.is_sendable and row.result == Result.UNSENT]

    # What it was about to let leave in that very moment may wait in doubt for the grace of production.
    wait_for(lambda: all(row.state == State.IN_DOUBT for row in unsent()), "the rest of the send")
    print(f"resumed after {resumed:.1f} s, {len(unsent())} wait in doubt")
    assert resumed <= RESUMES_WITHIN_SECONDS
    assert len(unsent()) <= CONNECTIONS
    verdict = judge(here.relay, here.url, broadcast)
    assert (verdict.strangers, verdict.repeated) == ([], 0)


def stop_redis(here: Installation, office: Office, broadcast: int) -> float:
    """While somebody asks for something that needs it."""
    office.step(broadcast, "pause")
    wait_for(lambda: is_quiet(here, broadcast), "the pause")
    here.redis.stop(signal.SIGKILL)
    office.step(broadcast, "resume")
    here.redis.start()
    return time.monotonic()


def flush_redis(here: Installation, office: Office, broadcast: int) -> float:
    """With hints in it that no worker has taken yet."""
    office.step(broadcast, "pause")
    wait_for(lambda: is_quiet(here, broadcast), "the pause")
    queue = redis.Redis.from_url(here.redis.url)
    sweep, worker, _web = here.processes
    with frozen(sweep, worker):
        office.step(broadcast, "resume")
        wait_for(lambda: bool(queue.keys("dramatiq:*msgs")), "the hints")
        queue.flushall()
    return time.monotonic()


def is_quiet(here: Installation, broadcast: int) -> bool:
    return not any(row.state == State.IN_DOUBT for row in read_rows(here.url, broadcast))


@pytest.mark.parametrize("lose_hints", [stop_redis, flush_redis])
def test_redis_loses_its_hints(
    install: Install, dice: random.Random, lose_hints: Callable[[Installation, Office, int], float]
) -> None:
    here = install()
    here.relay.order("pace", 0.02)
    broadcast = here.make_broadcast(FAMILIES)
    here.start("sweep", "worker", "web")
    office = Office(here)
    resumed = []
    for point in sorted(dice.sample(range(1, FAMILIES // 2), STOPS)):
        here.relay.wait_until(point)
        well_again = lose_hints(here, office, broadcast)
        wait_for(lambda: here.relay.first_after(well_again) is not None, "sending after the fault")  # noqa: B023
        resumed.append(here.relay.first_after(well_again) or 0.0)
    wait_for(lambda: is_sent(here.url, broadcast), "the end of the send")
    report(here, broadcast, resumed, most_repeated=0)
