"""Workers that are killed, at any moment, also between the final dot and its reply."""

import random

from tests.faults.conftest import Install
from tests.faults.judging import is_sent, judge
from tests.faults.running import CONNECTIONS, IS_FULL, kill, pytestmark
from tests.waiting import wait_for

__all__ = ["pytestmark"]
KILLS, FAMILIES = (20, 12_000) if IS_FULL else (3, 1_600)


def test_killed_again_and_again_nobody_is_lost_and_every_copy_was_marked(
    install: Install, dice: random.Random
) -> None:
    here = install(LEASE_SECONDS=8, IN_DOUBT_GRACE_SECONDS=2)
    here.relay.order("pace", 0.01)
    broadcast = here.make_broadcast(FAMILIES)
    here.start("sweep")
    held = 0
    for point in sorted(dice.sample(range(1, int(FAMILIES * 0.8)), KILLS)):
        (worker,) = here.start("worker")
        if dice.random() < 0.5:
            held += 1
            here.relay.order("hold", point)
        here.relay.wait_until(point)
        kill(worker)
        here.relay.order("release")
    here.start("worker")
    wait_for(lambda: is_sent(here.url, broadcast), "the end of the send")
    verdict = judge(here.relay, here.url, broadcast)
    print(f"{KILLS} kills, {held} of them before replies; {verdict}")
    verdict.assert_fair(CONNECTIONS * KILLS)
    if held:
        assert verdict.repeated, "a kill before the replies repeats what the relay had taken"
