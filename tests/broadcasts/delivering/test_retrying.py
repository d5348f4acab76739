"""When to try again: the design's schedules, or the installation's own."""

from datetime import UTC, datetime, timedelta

import pytest
from pytest_django import Settings

from broadcasts.delivering.retrying import EMERGENCY_MINUTES, GENERAL_MINUTES, JITTER, next_attempt

NOW = datetime(2026, 1, 5, 6, 0, tzinfo=UTC)


@pytest.mark.parametrize(("is_emergency", "hours"), [(True, 24), (False, 48)])
def test_the_schedule_ends_at_its_horizon(is_emergency: bool, hours: int) -> None:
    minutes = EMERGENCY_MINUTES if is_emergency else GENERAL_MINUTES
    assert hours * 60 - 45 <= sum(minutes) <= hours * 60
    assert next_attempt(len(minutes), is_emergency=is_emergency, now=NOW) is not None
    assert next_attempt(len(minutes) + 1, is_emergency=is_emergency, now=NOW) is None


def test_others_are_tried_twelve_times() -> None:
    assert len(GENERAL_MINUTES) + 1 == 12


def test_the_wait_is_spread_around_the_schedule() -> None:
    waits = {next_attempt(1, is_emergency=False, now=NOW) for _ in range(200)}
    shortest, longest = timedelta(minutes=5 * (1 - JITTER)), timedelta(minutes=5 * (1 + JITTER))
    assert all(wait is not None and shortest <= wait - NOW <= longest for wait in waits)
    assert len(waits) > 100


def test_an_installation_may_set_its_own_schedule(settings: Settings) -> None:
    settings.RETRY_MINUTES = (0.5,)
    wait = next_attempt(1, is_emergency=False, now=NOW)
    assert wait is not None
    assert timedelta(seconds=24) <= wait - NOW <= timedelta(seconds=36)
    assert next_attempt(2, is_emergency=True, now=NOW) is None
