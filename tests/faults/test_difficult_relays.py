"""Relays that stall, hang up, answer garbage, or have no time just now, and what the ledger says of it."""

import time
from collections import defaultdict

import pytest

from broadcasts.models import Attempt
from broadcasts.results import Result
from tests.faults.conftest import Install
from tests.faults.judging import Row, is_sent, is_settled, judge, read_rows, trouble_of
from tests.faults.relay import MISHAP, MISHAPS
from tests.faults.running import CONNECTIONS, pytestmark
from tests.waiting import wait_for

__all__ = ["pytestmark"]
DEFERRED, IN_DOUBT = Attempt.Outcome.DEFERRED, Attempt.Outcome.IN_DOUBT
# What the first try comes to, and whether people see Soft Bounced from then on.
MEANINGS = {
    "rcpt-later": (DEFERRED, True),
    "rcpt-garbage": (DEFERRED, False),
    "rcpt-drop": (DEFERRED, False),
    "data-silent": (DEFERRED, False),
    "data-drop": (DEFERRED, False),
    "dot-later": (DEFERRED, True),
    "dot-garbage": (IN_DOUBT, False),
    "dot-drop": (IN_DOUBT, False),
    "dot-slow": (None, False),
    "dot-stall": (IN_DOUBT, False),
}


def kind_of(row: Row) -> str:
    found = MISHAP.match(row.email.encode())
    return found[0].decode() if found else ""


def test_each_mishap_means_what_the_design_says_and_everybody_gets_it(install: Install) -> None:
    assert set(MEANINGS) == {kind.decode() for kind in MISHAPS}
    here = install(LEASE_SECONDS=8, IN_DOUBT_GRACE_SECONDS=2, RETRY_MINUTES="0.05,0.05,0.05")
    here.relay.order("pace", 0.02)
    broadcast = here.make_broadcast(200, mishaps=2)
    here.start("sweep", "worker")
    seen: dict[str, set[Result]] = defaultdict(set)

    def look() -> bool:
        for row in read_rows(here.url, broadcast):
            if row.is_sendable:
                seen[kind_of(row)].add(row.result)
        return is_settled(here.url, broadcast)

    wait_for(look, "the end of the send", seconds=150)
    unlucky = [row for row in read_rows(here.url, broadcast) if kind_of(row)]
    assert [row for row in unlucky if row.tries[-1] != Attempt.Outcome.ACCEPTED] == []
    for kind, (first, _) in MEANINGS.items():
        rows = [row for row in unlucky if kind_of(row) == kind]
        # The first connection that is lost ends the shift for the others: whoever has its mishap then is not marked.
        marked = any if kind.endswith(("silent", "drop")) else all
        assert first is None or marked(first.value in row.tries for row in rows), rows
    for kind, results in seen.items():
        is_soft = MEANINGS.get(kind, (None, False))[1]
        assert results <= {Result.UNSENT, Result.SOFT_BOUNCED if is_soft else Result.SENT}, f"{kind}: {results}"
    verdict = judge(here.relay, here.url, broadcast)
    print(verdict)
    # A connection that ends over one message may take the reply to the one before along.
    verdict.assert_fair(2 * len(MISHAPS) + CONNECTIONS)


# The first one ends the conversations that there are, and begins no other.
@pytest.mark.parametrize(
    ("phases", "refusal"), [("connect mail", "421 4.3.2 too busy"), ("mail", "451 4.3.0 no disk")]
)
def test_a_relay_that_has_no_time_for_us_marks_nobody(install: Install, phases: str, refusal: str) -> None:
    here = install(LEASE_SECONDS=8, IN_DOUBT_GRACE_SECONDS=2)
    here.relay.order("pace", 0.05)
    broadcast = here.make_broadcast(600)
    here.start("sweep", "worker")
    here.relay.wait_until(50)
    for phase in phases.split():
        here.relay.order("say", f"{phase} {refusal}")
    wait_for(lambda: refusal[-8:] in trouble_of(here.url, broadcast), "the trouble's words on the page")
    assert {row.result for row in read_rows(here.url, broadcast) if row.is_sendable} == {Result.UNSENT, Result.SENT}
    for phase in phases.split():
        here.relay.order("say", phase)
    well_again = time.monotonic()
    wait_for(lambda: is_sent(here.url, broadcast), "the end of the send")
    verdict = judge(here.relay, here.url, broadcast)
    resumed = here.relay.first_after(well_again) or 0.0
    print(f"resumed after {resumed:.1f} s; {verdict}")
    assert resumed <= 10
    verdict.assert_fair(0)
    assert trouble_of(here.url, broadcast) == ""
