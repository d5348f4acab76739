"""When to try again after a temporary failure, and when to stop."""

import random
from datetime import datetime, timedelta

from django.conf import settings

# Minutes between attempts. Emergencies: up to 24 hours. Others: 12 attempts in 48 hours
# (RFC 5321 section 4.5.4.1 asks for retries over days; behind a queueing relay these cover the hand-over only).
EMERGENCY_MINUTES = (1, 2, 5, 10, 20, 30, *([30] * 45))
GENERAL_MINUTES = (5, 15, 30, 60, 120, 240, 480, 480, 480, 480, 480)
JITTER = 0.2


def next_attempt(attempts: int, *, is_emergency: bool, now: datetime) -> datetime | None:
    """When to try again after this many attempts; None: we tried for as long as we try."""
    schedule = settings.RETRY_MINUTES or (EMERGENCY_MINUTES if is_emergency else GENERAL_MINUTES)
    if attempts > len(schedule):
        return None
    # Spread, so that a thousand deferred emails do not come back in the same second.
    spread = random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311
    return now + timedelta(minutes=schedule[attempts - 1] * spread)
