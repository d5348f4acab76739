"""Rows that hardly change any more become settled: from then on the Email Log finds them by indexes of their own."""

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q

from broadcasts.models import Broadcast, Delivery
from broadcasts.results import Result

# By then most reports and openings have come. One that comes later costs more, and is written all the same.
SETTLES_AFTER = timedelta(days=2)
ROWS_A_ROUND = 2_000


def settle_deliveries(now: datetime, most: int = ROWS_A_ROUND) -> int:
    """Of those for which nothing is due, and of which nobody can say that they are in doubt; how many."""
    long_ago = now - SETTLES_AFTER
    left = Delivery.objects.filter(broadcast=OuterRef("pk"), is_settled=False)
    # Rows of newer ones are many, and this runs every second.
    ended = Broadcast.objects.filter(Exists(left), prepared_at__lt=long_ago).exclude(status=Broadcast.Status.PAUSED)
    old = ended.order_by("pk").values_list("pk", flat=True)
    quiet = Q(last_attempt_at__lt=long_ago) | Q(last_attempt_at=None)
    rows = Delivery.objects.filter(
        quiet, broadcast__in=list(old), is_settled=False, state=Delivery.State.IDLE, next_attempt_at=None
    ).exclude(result=Result.SOFT_BOUNCED)
    pks = list(rows.order_by("broadcast_id", "pk").values_list("pk", flat=True)[:most])
    return Delivery.objects.filter(pk__in=pks, next_attempt_at=None).update(is_settled=True) if pks else 0
