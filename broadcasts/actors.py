"""dramatiq's doors. The database is the queue; a message is a hint that may come twice or never.

Ids in, one call. No retries by dramatiq: the sweep asks again for whatever is due.
"""

import dramatiq
from django.conf import settings
from django.utils import timezone

from broadcasts.delivering.sweeping import sweep
from broadcasts.delivering.working import work_on
from broadcasts.models import Broadcast


def _work(broadcast_id: int) -> None:
    if work_on(broadcast_id):
        _ask(broadcast_id, 1)


@dramatiq.actor(queue_name="broadcast", max_retries=0)
def work_on_broadcast(broadcast_id: int) -> None:
    _work(broadcast_id)


@dramatiq.actor(queue_name="emergency", max_retries=0)
def work_on_emergency(broadcast_id: int) -> None:
    _work(broadcast_id)


def wake(broadcast_id: int) -> None:
    """Ask for as many workers as we may open connections. Call it on commit."""
    _ask(broadcast_id, settings.DELIVERING_CONNECTIONS)


def sweep_and_wake() -> int:
    """One round of the sweep; how many broadcasts had something due."""
    due = sweep(timezone.now())
    for broadcast_id in due:
        wake(broadcast_id)
    return len(due)


def _ask(broadcast_id: int, workers: int) -> None:
    is_emergency = Broadcast.objects.filter(pk=broadcast_id, broadcast_type__is_emergency=True).exists()
    actor = work_on_emergency if is_emergency else work_on_broadcast
    for _ in range(workers):
        actor.send(broadcast_id)
