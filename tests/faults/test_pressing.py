"""People who press too often, at the wrong moment, and while half of the installation is away."""

import random
import signal
from concurrent.futures import ThreadPoolExecutor

import psycopg

from broadcasts.results import Result
from tests.faults.conftest import Install
from tests.faults.judging import is_sent, judge, read_rows, rows_of, status_of
from tests.faults.office import Office
from tests.faults.running import Installation, pytestmark
from tests.waiting import wait_for

__all__ = ["pytestmark"]
FAMILIES = 600


def deeds(here: Installation, action: str) -> int:
    with psycopg.connect(here.url) as connection:
        row = connection.execute("SELECT count(*) FROM broadcasts_auditentry WHERE action = %s", [action]).fetchone()
        assert row is not None
        return int(row[0])


def test_send_pressed_by_many_at_once_sends_once(install: Install) -> None:
    here = install()
    broadcast = here.make_broadcast(FAMILIES, is_sent=False)
    here.start("sweep", "worker", "web")
    offices = [Office(here) for _ in range(4)]
    pages = [office.review(broadcast) for office in offices]
    with ThreadPoolExecutor(len(offices)) as hands:
        answers = hands.map(lambda one, page: one.press(f"/broadcasts/{broadcast}/send/", page), offices, pages)
        assert [answer.status_code for answer in answers] == [200] * len(offices)
    wait_for(lambda: is_sent(here.url, broadcast), "the end of the send")
    verdict = judge(here.relay, here.url, broadcast)
    print(verdict)
    verdict.assert_fair(0)
    assert rows_of(here.url, broadcast) == FAMILIES
    assert deeds(here, "broadcast.sent") == 1


def test_paused_and_resumed_in_a_loop_everybody_gets_it_once(install: Install, dice: random.Random) -> None:
    here = install()
    here.relay.order("pace", 0.05)
    broadcast = here.make_broadcast(FAMILIES)
    here.start("sweep", "worker", "web")
    office = Office(here)
    rounds = 0
    while here.relay.count() < FAMILIES // 2:
        before = here.relay.count()
        office.step(broadcast, "pause")
        office.step(broadcast, "resume")
        rounds += 1
        here.relay.wait_until(before + dice.randrange(1, 60))
        assert sum(row.result == Result.SENT for row in read_rows(here.url, broadcast)) <= here.relay.count()
    wait_for(lambda: is_sent(here.url, broadcast), "the end of the send")
    verdict = judge(here.relay, here.url, broadcast)
    print(f"{rounds} rounds; {verdict}")
    verdict.assert_fair(0)
    assert rows_of(here.url, broadcast) == FAMILIES


def test_cancelled_in_the_middle_the_rest_says_so_and_stays_unsent(install: Install, dice: random.Random) -> None:
    here = install(LEASE_SECONDS=8, IN_DOUBT_GRACE_SECONDS=2)
    here.relay.order("pace", 0.05)
    broadcast = here.make_broadcast(FAMILIES)
    here.start("sweep", "worker", "web")
    office = Office(here)
    here.relay.wait_until(dice.randrange(1, FAMILIES // 2))
    office.step(broadcast, "cancel", sure="yes")
    assert status_of(here.url, broadcast) == "cancelled"

    def is_quiet() -> bool:
        """Nobody holds a row: each was sent, or says that it was cancelled."""
        rows = [row for row in read_rows(here.url, broadcast) if row.is_sendable]
        return all(row.result == Result.SENT or row.note == "cancelled" for row in rows)

    wait_for(is_quiet, "the end of what was leaving")
    rows = [row for row in read_rows(here.url, broadcast) if row.is_sendable]
    unsent = [row for row in rows if row.note == "cancelled"]
    verdict = judge(here.relay, here.url, broadcast)
    print(f"{len(unsent)} of {len(rows)} were stopped; {verdict}")
    verdict.assert_fair(0)
    assert {row.result for row in unsent} == {Result.UNSENT}
    assert len(unsent) + here.relay.count() == len(rows)


def test_send_pressed_while_redis_is_away_begins_when_it_is_back(install: Install) -> None:
    here = install()
    broadcast = here.make_broadcast(FAMILIES, is_sent=False)
    here.start("sweep", "worker", "web")
    office = Office(here)
    page = office.review(broadcast)
    here.redis.stop(signal.SIGKILL)
    try:
        answer = office.press(f"/broadcasts/{broadcast}/send/", page)
        assert answer.status_code == 200, answer.text[:2000]
    finally:
        here.redis.start()
    wait_for(lambda: is_sent(here.url, broadcast), "the send", seconds=30)
    judge(here.relay, here.url, broadcast).assert_fair(0)
