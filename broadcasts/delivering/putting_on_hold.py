"""Pausing a broadcast without anybody's word: whoever resumes or cancels it decides with the reason on the page.

Too late: what was to leave long ago and did not (a restored backup, a long outage) may be last week's news.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Case, Q, Value, When

from broadcasts import audit
from broadcasts.delivering.claiming import SENDING, has_rows_to_send
from broadcasts.delivering.leasing import set_free
from broadcasts.models import Broadcast

Status, Hold = Broadcast.Status, Broadcast.Hold
NOT_STARTED = (Status.SCHEDULED, Status.PREPARING)


@transaction.atomic
def hold(broadcast_id: int, reason: Broadcast.Hold, now: datetime, *, only_if: Q) -> bool:
    """Scheduled or under way → paused, if it still is as the caller saw it. Nothing more leaves."""
    allowed = Broadcast.objects.filter(only_if, pk=broadcast_id, status__in=(*NOT_STARTED, *SENDING))
    if not allowed.update(status=Status.PAUSED, held_for=reason, held_at=now):
        return False
    broadcast = Broadcast.objects.select_related("school").get(pk=broadcast_id)
    set_free(broadcast.leases.all(), broadcast.pk, now)
    audit.record(None, "broadcast.held", broadcast, school=broadcast.school, reason=str(reason))
    return True


def hold_if_late(broadcast_id: int, now: datetime) -> bool:
    """Call it before preparing and before sending: True when it was put on hold, because its time has passed."""
    reasons = _latenesses(now)
    first = Case(*[When(found, then=Value(reason)) for reason, found in reasons.items()], default=Value(Hold.NONE))
    seen = Broadcast.objects.filter(pk=broadcast_id).annotate(lateness=first).values_list("lateness", flat=True)
    reason = Hold(seen.first() or "")
    return bool(reason) and hold(broadcast_id, reason, now, only_if=reasons[reason])


def _latenesses(now: datetime) -> dict[Broadcast.Hold, Q]:
    is_emergency = Q(broadcast_type__is_emergency=True)
    alarm, other = (
        now - timedelta(hours=hours) for hours in (settings.MAX_LATENESS_EMERGENCY, settings.MAX_LATENESS)
    )
    found = {
        reason: (is_emergency & _is_late(reason, alarm)) | (~is_emergency & _is_late(reason, other))
        for reason in (Hold.LATE, Hold.ABANDONED)
    }
    # Who pressed the button in an emergency watches it: a mail server that comes back must not wait for a press.
    return found | {Hold.IN_TROUBLE: ~is_emergency & Q(status__in=SENDING, trouble_since__lt=other)}


def _is_late(reason: Broadcast.Hold, limit: datetime) -> Q:
    """Due since before `limit`, and nobody saw to it since. Waiting until a time that was set is seeing to it."""
    if reason == Hold.LATE:
        return Q(status__in=NOT_STARTED, send_at__lt=limit)
    nothing_planned = Q(next_try_at__isnull=True) | Q(next_try_at__lt=limit)
    return Q(has_rows_to_send(limit), nothing_planned, status__in=SENDING, tended_at__lt=limit)
