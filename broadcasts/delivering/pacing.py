"""Not more than so many emails a minute, of all workers on all machines together.

A limit is one row with a clock (GCRA, ITU-T I.371): each email moves it on by its share of a minute, and nobody gets
ahead of the real time by more than a burst. Workers take emails in chunks, before they claim rows for them.
"""

from datetime import datetime, timedelta

from django.db import transaction

from broadcasts.models import Allowance

MINUTE = timedelta(minutes=1)
# How much may leave at once, in seconds' worth: so that a worker has something to do when it comes.
BURST_SECONDS = 5
MOST_AT_ONCE = 200


def burst_of(per_minute: int) -> int:
    """So that no minute has more emails than `per_minute` and this."""
    return max(1, min(MOST_AT_ONCE, per_minute * BURST_SECONDS // 60))


@transaction.atomic
def take(key: str, per_minute: int, wanted: int, now: datetime, *, is_emergency: bool = False) -> int:
    """How many of `wanted` emails may leave now; they count as sent. An emergency may borrow a second burst."""
    share, burst = MINUTE / per_minute, burst_of(per_minute)
    Allowance.objects.get_or_create(key=key, defaults={"next_at": now})
    allowance = Allowance.objects.select_for_update(no_key=True).get(key=key)
    begin = max(allowance.next_at, now)
    ahead = share * burst * (2 if is_emergency else 1)
    granted = max(0, min(wanted, burst, (now + ahead - begin) // share))
    if granted:
        Allowance.objects.filter(pk=allowance.pk).update(next_at=begin + share * granted)
    return granted


@transaction.atomic
def give_back(key: str, per_minute: int, count: int) -> None:
    """What was taken and did not leave."""
    for allowance in Allowance.objects.select_for_update(no_key=True).filter(key=key) if count else ():
        Allowance.objects.filter(pk=allowance.pk).update(next_at=allowance.next_at - MINUTE / per_minute * count)


def free_at(key: str, per_minute: int, now: datetime) -> datetime:
    """When half a burst, at least one email, may leave: coming for less costs more than it brings."""
    next_at = Allowance.objects.filter(key=key).values_list("next_at", flat=True).first() or now
    worth = max(1, burst_of(per_minute) // 2)
    return max(now, next_at - MINUTE / per_minute * (burst_of(per_minute) - worth))
