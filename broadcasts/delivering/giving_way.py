"""An emergency overtakes everything: whoever sends something else stops within a batch and helps."""

import time
from collections.abc import Callable
from datetime import datetime

from django.db.models import F, Q, QuerySet
from django.utils import timezone

from broadcasts.delivering.claiming import has_rows_to_send
from broadcasts.models import Broadcast

LOOK_EVERY_SECONDS = 0.25
Status = Broadcast.Status


def waiting_emergencies(now: datetime) -> QuerySet[Broadcast]:
    """With something to do at this moment; one that waits for its mail server or a limit holds up nobody."""
    begins = Q(status__in=[Status.SCHEDULED, Status.PREPARING], send_at__lte=now)
    ready = Q(next_try_at__isnull=True) | Q(next_try_at__lte=now)
    emergencies = Broadcast.objects.filter(ready, broadcast_type__is_emergency=True)
    busy = Q(has_rows_to_send(now), status=Status.SENDING)
    return emergencies.filter(begins | busy).order_by(F("worked_on_at").asc(nulls_first=True), "pk")


def or_emergency(is_over: Callable[[], bool]) -> Callable[[], bool]:
    """The end of a shift of something else: also when an emergency waits."""
    emergency_waits = now_and_then(lambda: waiting_emergencies(timezone.now()).exists())
    return lambda: emergency_waits() or is_over()


def now_and_then(ask: Callable[[], bool], every: float = LOOK_EVERY_SECONDS) -> Callable[[], bool]:
    """A question that is asked often, until the answer is yes: it looks only now and then."""
    looked_at, found = 0.0, False

    def is_so() -> bool:
        nonlocal looked_at, found
        now = time.monotonic()
        if not found and now - looked_at >= every:
            looked_at, found = now, ask()
        return found

    return is_so
