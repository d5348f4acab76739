"""What must happen though nobody asks: the database is the queue, and this finds what is due in it.

Run every second or so by one process or several. Steps only; the caller wakes the workers.
"""

import logging
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from broadcasts.among import among
from broadcasts.counting import count_broadcast
from broadcasts.delivering.claiming import SENDING, has_rows_to_send
from broadcasts.delivering.clock import lease_clock
from broadcasts.delivering.leasing import settle
from broadcasts.delivering.retrying import in_hand_again, is_stopped, planned_again
from broadcasts.keeping_counts import fold_counts
from broadcasts.models import UNDER_WAY, Attempt, Broadcast, Delivery, Lease
from broadcasts.results import STILL_TRYING, Result, raised_to

State, Status = Delivery.State, Broadcast.Status
# A worker that was asked, or took rows, this recently is still at it. Whatever failed meanwhile (the database, the
# queue, the worker), sending goes on by itself so soon after.
PATIENCE = timedelta(seconds=5)
# For reports about what was in doubt when this machine went down.
PATIENCE_WITH_REPORTS = timedelta(seconds=10)
# A server that stays silent about one message again and again would else deliver it for ever.
MOST_REPEATS = 2
# Nothing heard for this long about an email that somebody else was still trying to deliver.
SOFT_BOUNCE_HORIZON = timedelta(hours=72)
log = logging.getLogger(__name__)


def sweep(now: datetime) -> list[int]:
    """Put right what was left behind; returns the broadcasts that workers should be woken for."""
    end_doubts(now)
    settle(Lease.objects.filter(until__lt=lease_clock(now)))
    close_cancelled()
    close_stopped()
    close_soft_bounced(now)
    for broadcast_id in Broadcast.objects.filter(status=Status.SENDING).values_list("pk", flat=True):
        finish_broadcast(broadcast_id)
    fold_counts()
    return wake_list(now)


def wake_list(now: datetime) -> list[int]:
    """Broadcasts with something due that nobody has been asked about lately. Being asked is noted."""
    idle = Q(worked_on_at__isnull=True) | Q(worked_on_at__lt=now - PATIENCE)
    waiting_ids = list(waiting(now).filter(idle).values_list("pk", flat=True))
    return [pk for pk in waiting_ids if _note_asked(pk, idle, now)]


def _note_asked(broadcast_id: int, idle: Q, now: datetime) -> bool:
    """Of several sweepers one asks; and none waits for a worker that is preparing a million rows."""
    with transaction.atomic():
        row = Broadcast.objects.filter(idle, pk=broadcast_id).select_for_update(skip_locked=True, no_key=True)
        return bool(row) and Broadcast.objects.filter(pk=broadcast_id).update(worked_on_at=now) == 1


def waiting(now: datetime) -> QuerySet[Broadcast]:
    """Broadcasts with something to do, the one that waits longest first."""
    has_work = Q(status__in=[Status.SCHEDULED, Status.PREPARING], send_at__lte=now) | Q(
        has_rows_to_send(now), status__in=SENDING
    )
    ready = Q(next_try_at__isnull=True) | Q(next_try_at__lte=now)
    return Broadcast.objects.filter(has_work, ready).order_by(F("worked_on_at").asc(nulls_first=True), "pk")


def end_doubts(now: datetime) -> int:
    """No reply and no report for long enough: send again with the same Message-ID, or leave it as its type says."""
    grace = timedelta(seconds=settings.IN_DOUBT_GRACE_SECONDS)
    over = Lease.objects.filter(until__lt=lease_clock(now) - grace)
    with transaction.atomic():
        leases = over.select_for_update(skip_locked=True, no_key=True)
        ids = [pk for rows in leases.values_list("rows", flat=True) for pk in rows]
        doubtful = Delivery.objects.filter(among("pk", ids), state=State.IN_DOUBT).order_by("pk")
        # Locked, and in the order of everybody: what is read here is what is changed.
        found = dict(doubtful.select_for_update(no_key=True).values_list("pk", "broadcast_id")) if ids else {}
        if found:
            _note_doubts(found, now)
            _end_doubts(found, now)
    return len(found)


def _note_doubts(found: Collection[int], now: datetime) -> None:
    """An attempt that nobody answered, unless its answer came and was written after all."""
    rows = Delivery.objects.filter(among("pk", found)).values_list("pk", "attempts", "last_attempt_at")
    doubt = {"outcome": Attempt.Outcome.IN_DOUBT, "phase": "body"}
    Attempt.objects.bulk_create(
        [Attempt(delivery_id=pk, number=number, at=at or now, **doubt) for pk, number, at in rows],
        ignore_conflicts=True,
    )


def _end_doubts(found: Mapping[int, int], now: datetime) -> None:
    """`found`: row → broadcast."""
    # Where a report came while the lease still ran, nothing is open.
    _let_rest(found, ~Q(result__in=STILL_TRYING), State.IDLE, None)
    wanted = _may_repeat(Broadcast.objects.filter(pk__in=set(found.values())))
    repeated = Attempt.objects.filter(among("delivery_id", found), outcome=Attempt.Outcome.IN_DOUBT)
    often = repeated.values("delivery").annotate(doubts=Count("pk")).filter(doubts__gt=MOST_REPEATS)
    too_often = set(often.values_list("delivery", flat=True))
    again = [pk for pk, broadcast in found.items() if broadcast in wanted and pk not in too_often]
    stopped = Delivery.objects.filter(is_stopped(), among("pk", again), result=Result.SOFT_BOUNCED)
    stops = set(stopped.values_list("pk", flat=True))
    _let_rest([pk for pk in again if pk not in stops], Q(), State.IDLE, now)
    _let_rest(found, Q(), State.UNCONFIRMED, None)


def _may_repeat(broadcasts: QuerySet[Broadcast]) -> set[int]:
    sending = broadcasts.filter(status__in=(*SENDING, Status.PAUSED), broadcast_type__repeat_when_in_doubt=True)
    return set(sending.values_list("pk", flat=True))


def _let_rest(ids: Collection[int], which: Q, state: Delivery.State, again_at: datetime | None) -> None:
    """Of those that are in doubt still."""
    rows = Delivery.objects.filter(which, among("pk", ids), state=State.IN_DOUBT)
    rows.update(state=state, next_attempt_at=again_at, lease_token=None)


def close_cancelled() -> int:
    """Rows that a worker was just hearing of when their broadcast was cancelled, and that are to be tried again."""
    leases = Lease.objects.filter(broadcast__status=Status.CANCELLED).values_list("rows", flat=True)
    held = Delivery.objects.filter(among("pk", [pk for rows in leases for pk in rows]), state=State.WAITING)
    again = Delivery.objects.filter(broadcast__status=Status.CANCELLED, next_attempt_at__isnull=False)
    return cancel_rows(held) + cancel_rows(again)


def close_stopped() -> int:
    """The same of those whose further attempts somebody stopped."""
    of_then = {"broadcast": OuterRef("pk"), "pk__lte": OuterRef("retries_stopped_to")}
    planned = Delivery.objects.filter(**of_then, next_attempt_at__isnull=False)
    in_hand = Lease.objects.filter(broadcast=OuterRef("pk"))
    open_still = Q(Exists(planned)) | Q(Exists(in_hand))
    stopped = Broadcast.objects.filter(open_still, status=Status.SENT, retries_stopped_to__isnull=False)
    return sum(stop_rows(pk) for pk in stopped.values_list("pk", flat=True))


def stop_rows(broadcast_id: int) -> int:
    """Bounced, for nobody tries any more; who is tried for the first time (an address was corrected) goes on."""
    ended = {"state": State.IDLE, "next_attempt_at": None, "note": Delivery.Note.STOPPED}
    rows = planned_again(broadcast_id), in_hand_again(broadcast_id).filter(state=State.WAITING)
    return sum(each.filter(is_stopped()).update(**ended, result=raised_to(Result.BOUNCED)) for each in rows)


def waits_or_is_due() -> Q:
    """Of deliveries: those about which nobody is just talking to a mail server."""
    return Q(state=State.WAITING) | Q(state=State.IDLE, next_attempt_at__isnull=False)


def cancel_rows(rows: QuerySet[Delivery]) -> int:
    """Unsent stays Unsent for good; what we were trying again is Bounced, for nobody tries any more."""
    ended = {"state": State.IDLE, "next_attempt_at": None, "note": Delivery.Note.CANCELLED}
    tried = rows.filter(result=Result.SOFT_BOUNCED).update(**ended, result=raised_to(Result.BOUNCED))
    return tried + rows.update(**ended)


def close_soft_bounced(now: datetime) -> int:
    """Still trying must be true: with nothing due and nothing heard for the horizon, nobody is."""
    silent = Delivery.objects.filter(
        is_settled=False,
        broadcast__prepared_at__lt=now - SOFT_BOUNCE_HORIZON,  # the log of the last days need not be looked at
        result=Result.SOFT_BOUNCED,
        state__in=[State.IDLE, State.UNCONFIRMED],
        next_attempt_at__isnull=True,
        last_attempt_at__lt=now - SOFT_BOUNCE_HORIZON,
    )
    tries = Attempt.objects.filter(delivery=OuterRef("pk"))
    accepted = tries.filter(number=OuterRef("attempts"), outcome=Attempt.Outcome.ACCEPTED)
    # Deferred by the server first and then taken: nobody gave up, and a failure would have been reported.
    taken = Exists(accepted) & Exists(tries.filter(result=Result.SOFT_BOUNCED))
    return silent.filter(~taken).update(result=raised_to(Result.BOUNCED), note=Delivery.Note.GAVE_UP)


def finish_broadcast(broadcast_id: int) -> bool:
    """Sending → sent when every email was handed over; soft bounced ones are tried again all the same."""
    of_it = OuterRef("pk")
    held = Lease.objects.filter(broadcast=of_it)
    planned = Delivery.objects.filter(broadcast=of_it, next_attempt_at__isnull=False, result=Result.UNSENT)
    sending = Broadcast.objects.filter(pk=broadcast_id, status=Status.SENDING, next_row__isnull=True)
    done = sending.filter(~Exists(held), ~Exists(planned))
    if not done.exists() or _find_strays(broadcast_id):
        return False
    if not done.update(status=Status.SENT, finished_at=timezone.now(), trouble="", trouble_since=None):
        return False
    counted = count_broadcast(Broadcast(pk=broadcast_id))
    counts = {label: count for label, count in counted.items() if count}
    said = {"broadcast": broadcast_id, "counts": counts}
    log.info("Broadcast %s: sent: %s", broadcast_id, counts, extra=said)
    return True


def _find_strays(broadcast_id: int) -> bool:
    """Rows that wait or are in doubt and that nobody names: there should be none, and nobody may be lost for it."""
    rows = Delivery.objects.filter(
        broadcast=broadcast_id, is_settled=False, state__in=[State.WAITING, State.IN_DOUBT]
    )
    found = list(rows.values_list("pk", flat=True))
    if found:
        log.error(
            "Broadcast %s: %s rows were in no lease", broadcast_id, len(found), extra={"broadcast": broadcast_id}
        )
        Lease.objects.create(broadcast_id=broadcast_id, rows=found, until=lease_clock(timezone.now()))
    return bool(found)


def recover_after_restart(now: datetime) -> None:
    """Only where this process is the only worker there can be: nobody else holds the rows of the one that died.

    Rows in doubt get a few seconds for reports to come in instead of the grace that a living socket would need.
    """
    grace = timedelta(seconds=settings.IN_DOUBT_GRACE_SECONDS)
    Lease.objects.update(until=lease_clock(now) - grace + PATIENCE_WITH_REPORTS)
    Broadcast.objects.filter(status__in=UNDER_WAY).update(worked_on_at=None)
