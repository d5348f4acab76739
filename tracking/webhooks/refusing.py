"""What was refused at the doors, so that an administrator can see it: counted, never kept."""

import logging
import time
from collections import Counter
from datetime import timedelta
from threading import Lock

from django.db import DatabaseError
from django.db.models import F
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tracking.models import RefusedPost

Reason = RefusedPost.Reason
# Whoever posts nonsense as fast as they can costs one small write in so many seconds, of each process.
SECONDS_BETWEEN = 10.0
# 13 providers, 7 reasons: a few thousand rows at the most.
DAYS_KEPT = 30
MOST_TIMES = 2_000_000_000
log = logging.getLogger(__name__)

_counted: Counter[tuple[str, str]] = Counter()
_written_at: dict[tuple[str, str], float] = {}
_lock = Lock()

WHAT_TO_DO: dict[str, Promise] = {
    Reason.NOT_SET_UP: _(
        "If this is your provider, set its key or ANYMAIL_WEBHOOK_SECRET (for Amazon AMAZON_SNS_TOPICS) as "
        ".env.example says, and restart. If it is not, somebody is only trying doors."
    ),
    Reason.PASSWORD: _(
        "The user and password in the address that you gave to the provider are not those of ANYMAIL_WEBHOOK_SECRET. "
        "The address is https://USER:PASSWORD@this-site/anymail/...; put the same pair into both."
    ),
    Reason.SIGNATURE: _(
        "The key for this provider (ANYMAIL_..., see .env.example) is not the one on the provider's pages, or a "
        "stranger posts. Copy the key anew, and set SITE_URL to the address that the provider calls."
    ),
    Reason.TOPIC: _("The topic is not one of AMAZON_SNS_TOPICS. Add its ARN there if it is yours."),
    Reason.MALFORMED: _(
        "It was no JSON, or cut off on the way. If it comes from your provider, look at the proxy in front of "
        "Messenger."
    ),
    Reason.TOO_LONG: _(
        "It was longer, or had more parts, than anything this provider is known to send. Choose smaller batches on "
        "its pages if that is possible, and tell who looks after Messenger."
    ),
    Reason.TOO_SLOW: _(
        "Its sender took more than a minute. If it comes from your provider, look at the proxy in front of "
        "Messenger: it should take in the whole of a POST before it passes it on."
    ),
}


class Refused(Exception):
    """`words` are for the log; the answer does not say why."""

    def __init__(self, reason: RefusedPost.Reason, words: str) -> None:
        super().__init__(words)
        self.reason = reason


def note_refused(provider: str, reason: RefusedPost.Reason) -> None:
    """Count it. The first is written at once; of a flood the last few seconds may be missing when a process ends."""
    key, now = (provider, reason.value), time.monotonic()
    with _lock:
        _counted[key] += 1
        if now - _written_at.get(key, -SECONDS_BETWEEN) < SECONDS_BETWEEN:
            return
        _written_at[key] = now
        times = _counted.pop(key)
    try:
        _write(provider, reason.value, times)
    except DatabaseError:
        log.exception("A refused POST could not be counted")


def _write(provider: str, reason: str, times: int) -> None:
    now = timezone.now()
    day = {"provider": provider, "reason": reason, "day": now.date()}
    today = RefusedPost.objects.filter(**day)
    if today.filter(times__lt=MOST_TIMES).update(times=F("times") + times, last_at=now) or today.exists():
        return
    # Of two at once one writes the row, and the other's few are missing.
    RefusedPost.objects.bulk_create(
        [RefusedPost(**day, first_at=now, last_at=now, times=times)], ignore_conflicts=True
    )
    RefusedPost.objects.filter(day__lt=now.date() - timedelta(days=DAYS_KEPT)).delete()
