"""Servers that stop in the middle of a send: it goes on by itself, soon after they are back."""

import random
import signal
import time
from collections.abc import Callable

import psycopg
import redis

from tests.faults.conftest import Install
from tests.faults.judging import is_sent, judge
from tests.faults.running import CONNECTIONS, IS_FULL, Installation, pytestmark
from tests.waiting import wait_for

__all__ = ["pytestmark"]
STOPS, FAMILIES = (5, 12_000) if IS_FULL else (2, 4_000)
RESUMES_WITHIN_SECONDS = 10.0
Fault = Callable[[Installation], float]  # when all was well again, by time.monotonic()


def send_with(fault: Fault, here: Installation, dice: random.Random) -> list[float]:
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
    verdict = judge(here.relay, here.url, broadcast)
    print(f"{STOPS} stops, resumed after {', '.join(f'{seconds:.1f}' for seconds in resumed)} s; {verdict}")
    verdict.assert_fair(CONNECTIONS * STOPS)
    assert max(resumed) <= RESUMES_WITHIN_SECONDS
    return resumed


def answers(url: str) -> bool:
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True


def test_postgresql_stopped_at_once(install: Install, dice: random.Random) -> None:
    def stop(here: Installation) -> float:
        here.postgres.stop(signal.SIGQUIT)  # PostgreSQL's "immediate": without a word, as after a crash
        here.postgres.start()
        wait_for(lambda: answers(here.url), "the end of the recovery")
        return time.monotonic()

    send_with(stop, install(LEASE_SECONDS=8, IN_DOUBT_GRACE_SECONDS=2), dice)


def test_redis_stopped(install: Install, dice: random.Random) -> None:
    def stop(here: Installation) -> float:
        here.redis.stop(signal.SIGKILL)
        here.redis.start()
        return time.monotonic()

    send_with(stop, install(LEASE_SECONDS=8, IN_DOUBT_GRACE_SECONDS=2), dice)


def test_redis_flushed(install: Install, dice: random.Random) -> None:
    def flush(here: Installation) -> float:
        redis.Redis.from_url(here.redis.url).flushall()
        return time.monotonic()

    send_with(flush, install(LEASE_SECONDS=8, IN_DOUBT_GRACE_SECONDS=2), dice)


def test_the_relay_restarted(install: Install, dice: random.Random) -> None:
    def restart(here: Installation) -> float:
        here.relay.stop()
        here.relay.start()
        here.relay.order("pace", 0.02)
        return time.monotonic()

    send_with(restart, install(LEASE_SECONDS=8, IN_DOUBT_GRACE_SECONDS=2), dice)
