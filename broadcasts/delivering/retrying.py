"""When to try again after a temporary failure, and when to stop; and for whom we are at it."""

import random
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F, Q, QuerySet

from broadcasts.among import among
from broadcasts.models import Delivery, Lease
from broadcasts.results import Result

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


# Two querysets, since each has an index: of many rows these are few, and a page asks every other second.


def planned_again(broadcast_id: int) -> QuerySet[Delivery]:
    """Soft Bounced, and another attempt has its time."""
    again = Delivery.objects.filter(broadcast=broadcast_id, next_attempt_at__isnull=False)
    return again.filter(state=Delivery.State.IDLE, result=Result.SOFT_BOUNCED)


def in_hand_again(broadcast_id: int) -> QuerySet[Delivery]:
    """Soft Bounced, and a worker is just trying again."""
    leases = Lease.objects.filter(broadcast=broadcast_id).values_list("rows", flat=True)
    held = Delivery.objects.filter(among("pk", [pk for rows in leases for pk in rows]), result=Result.SOFT_BOUNCED)
    return held.filter(state__in=[Delivery.State.WAITING, Delivery.State.IN_DOUBT])


def is_stopped() -> Q:
    """Of deliveries: that somebody stopped their further attempts. What was sent again since is none of them."""
    return Q(broadcast__retries_stopped_to__gte=F("pk"))


def count_retried(broadcast_id: int) -> int:
    return planned_again(broadcast_id).count() + in_hand_again(broadcast_id).count()


def can_be_stopped(broadcast_id: int) -> bool:
    rows = planned_again(broadcast_id), in_hand_again(broadcast_id)
    return any(each.exclude(is_stopped()).exists() for each in rows)
