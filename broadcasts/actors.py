"""dramatiq's doors. The database is the queue; a message is a hint that may come twice or never.

Ids in, one call. No retries by dramatiq: the sweep asks again for whatever is due.
"""

import logging

import dramatiq
from django.db.models import Q
from django.utils import timezone
from redis.exceptions import RedisError

from broadcasts.at_work import at_work_on
from broadcasts.delivering.giving_way import waiting_emergencies
from broadcasts.delivering.settling import settle_deliveries
from broadcasts.delivering.sweeping import sweep, waiting
from broadcasts.delivering.working import shift, work_on
from broadcasts.forgetting.rounds import rounds_to_ask_for, work_on_round
from broadcasts.heartbeats import is_stopping
from broadcasts.models import Broadcast
from broadcasts.people.importing.working import imports_to_resume, work_on_import

log = logging.getLogger(__name__)
# Then the message ends and another takes its place, so that a worker can be stopped.
MOST_SHIFTS = 20
# For one broadcast; who finds nothing left to do goes on to the next one.
WORKERS = 4
RETENTION_SECONDS = 20.0


def _work(broadcast_id: int, *, is_emergency: bool) -> None:
    """A shift for this broadcast, then for whichever waits longest: hints that come too often find nothing to do.

    Whoever was asked for something else helps in an emergency; those who are there for it do nothing else.
    """
    lane = Q(broadcast_type__is_emergency=True) if is_emergency else Q()
    next_id: int | None = broadcast_id
    for _ in range(MOST_SHIFTS):
        if next_id is None:
            return
        first = None if is_emergency else waiting_emergencies(timezone.now()).values_list("pk", flat=True).first()
        with at_work_on("broadcast", first or next_id):
            work_on(first or next_id)
        next_id = waiting(timezone.now()).filter(lane).values_list("pk", flat=True).first()
        if is_stopping():
            break
    if next_id is not None:
        _ask(next_id, 1)


def _import(import_id: int) -> None:
    with at_work_on("import", import_id):
        work_on_import(import_id)


# A time limit would break off between a message and the note about it; a shift ends by itself.
NO_LIMIT = 24 * 3600 * 1000


@dramatiq.actor(queue_name="broadcast", max_retries=0, time_limit=NO_LIMIT)
def work_on_broadcast(broadcast_id: int) -> None:
    _work(broadcast_id, is_emergency=False)


@dramatiq.actor(queue_name="emergency", max_retries=0, time_limit=NO_LIMIT)
def work_on_emergency(broadcast_id: int) -> None:
    _work(broadcast_id, is_emergency=True)


@dramatiq.actor(queue_name="housekeeping", max_retries=0, time_limit=NO_LIMIT)
def stage(import_id: int) -> None:
    _import(import_id)


@dramatiq.actor(queue_name="housekeeping", max_retries=0, time_limit=NO_LIMIT)
def merge(import_id: int) -> None:
    _import(import_id)


@dramatiq.actor(queue_name="housekeeping", max_retries=0, time_limit=NO_LIMIT)
def undo(import_id: int) -> None:
    _import(import_id)


@dramatiq.actor(queue_name="housekeeping", max_retries=0, time_limit=NO_LIMIT)
def follow_retention_rules(round_id: int) -> None:
    """A shift; imports and exports wait no longer than that."""
    is_over = shift(RETENTION_SECONDS)
    with at_work_on("retention", round_id):
        is_done = work_on_round(round_id, lambda: is_stopping() or is_over())
    if not is_done:
        hint(follow_retention_rules, round_id)


def wake(broadcast_id: int) -> None:
    """Ask for several workers, who share the rows among them. Call it on commit."""
    _ask(broadcast_id, WORKERS)


def sweep_and_wake() -> int:
    """One round of the sweep; how many broadcasts and imports had something due."""
    now = timezone.now()
    due = sweep(now)
    for broadcast_id in due:
        wake(broadcast_id)
    settle_deliveries(now)
    imports = imports_to_resume(now)
    for import_id in imports:
        hint(stage, import_id)  # whatever it needs: its status says what
    for round_id in rounds_to_ask_for(now):
        hint(follow_retention_rules, round_id)
    return len(due) + len(imports)


def hint(actor: "dramatiq.Actor[[int], None]", pk: int) -> bool:
    """There may be something to do. False: the queue is away; the sweep asks again when it is back."""
    try:
        actor.send(pk)
    except (RedisError, dramatiq.ConnectionError) as error:
        log.warning("%s(%s) could not be asked for: %s", actor.actor_name, pk, error)
        return False
    return True


def _ask(broadcast_id: int, workers: int) -> None:
    is_emergency = Broadcast.objects.filter(pk=broadcast_id, broadcast_type__is_emergency=True).exists()
    actor = work_on_emergency if is_emergency else work_on_broadcast
    for _ in range(workers):
        if not hint(actor, broadcast_id):
            return
