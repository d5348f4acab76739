"""Two workers for the same rows: asked twice, or one of them taken for dead."""

import time

from tests.faults.conftest import Install
from tests.faults.judging import is_sent, judge
from tests.faults.running import CONNECTIONS, IS_FULL, frozen, kill, pytestmark
from tests.waiting import wait_for

__all__ = ["pytestmark"]
FAMILIES = 900
LEASE, GRACE = 8, 2
# Of one worker with two connections for each of its threads.
MOST_OF_ONE = 2 * 2 * 2
# The lease of the dead one, the grace of what it left in doubt, and sending the rest on a busy machine.
AFTER_A_KILL = LEASE + GRACE + 50
ASK = "from broadcasts.actors import wake; [wake({broadcast}) for _ in range(10)]"


def test_two_workers_and_forty_hints_for_the_same_broadcast_send_it_once(install: Install) -> None:
    here = install()
    here.relay.order("pace", 0.01)
    broadcast = here.make_broadcast(FAMILIES)
    here.run("manage.py", "shell", "-v0", "-c", ASK.format(broadcast=broadcast))
    here.start("worker", "worker", "sweep")
    wait_for(lambda: is_sent(here.url, broadcast), "the end of the send")
    verdict = judge(here.relay, here.url, broadcast)
    print(verdict)
    verdict.assert_fair(0)
    assert verdict.doubts == 0


def test_a_worker_frozen_for_longer_than_its_lease_writes_nothing_when_it_goes_on(install: Install) -> None:
    """Its messages on the wire were taken, and sent again by the other; nothing of what it hears late counts."""
    here = install(LEASE_SECONDS=6, IN_DOUBT_GRACE_SECONDS=2)
    here.relay.order("hold", FAMILIES // 3)
    broadcast = here.make_broadcast(FAMILIES)
    here.start("sweep")
    (old,) = here.start("worker")
    here.relay.wait_until(FAMILIES // 3)
    with frozen(old):
        here.relay.order("release")
        here.start("worker")
        wait_for(lambda: is_sent(here.url, broadcast), "the end of the send, by the other worker")
        before = judge(here.relay, here.url, broadcast)
        before.assert_fair(CONNECTIONS)
        assert before.repeated, "the frozen worker had messages on the wire"
    wait_for(lambda: here.relay.connections() == 0, "the end of the old worker's conversations")
    after = judge(here.relay, here.url, broadcast)
    print(f"{before}; when the old worker had gone on: {after}")
    # What it had marked, and not yet written when it froze, is in doubt like the rest: the other has sent it again.
    after.assert_fair(CONNECTIONS)
    assert after.doubts == before.doubts


def test_of_two_workers_one_is_killed_and_the_other_finishes_everything(install: Install) -> None:
    """The survivor is not started again, and goes on while the dead one's lease still runs."""
    here = install(LEASE_SECONDS=LEASE, IN_DOUBT_GRACE_SECONDS=GRACE, DELIVERING_CONNECTIONS=2)
    here.relay.order("pace", 0.05)
    broadcast = here.make_broadcast(20_000 if IS_FULL else 4_000)
    # Enough hints for the threads of both.
    here.run("manage.py", "shell", "-v0", "-c", ASK.format(broadcast=broadcast))
    victim, survivor = here.start("worker", "worker")
    here.start("sweep")
    # More conversations than one of them may hold, and in each a message between its final dot and the reply.
    wait_for(lambda: here.relay.connections() > MOST_OF_ONE, "both at work")
    held = here.relay.count() + MOST_OF_ONE
    here.relay.order("hold", held)
    here.relay.wait_until(held + MOST_OF_ONE)
    kill(victim)
    killed_at = time.monotonic()
    here.relay.order("pace", 0)
    here.relay.order("release")
    wait_for(lambda: is_sent(here.url, broadcast), "the end of the send, by the survivor", 120)
    took = time.monotonic() - killed_at
    assert survivor.poll() is None, "the survivor lived on"
    verdict = judge(here.relay, here.url, broadcast)
    print(f"{took:.1f} s after the kill; {verdict}")
    verdict.assert_fair(MOST_OF_ONE)
    assert 0 < verdict.repeated <= verdict.doubts <= MOST_OF_ONE
    if not IS_FULL:
        assert took < AFTER_A_KILL, "nobody had to be started again, or waited longer than lease and grace"
