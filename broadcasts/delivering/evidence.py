"""What others report about a delivery, applied to its row. Downstream's only way to change a result."""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from broadcasts.delivering.doubts import doubtful
from broadcasts.models import Attempt, Delivery
from broadcasts.results import STILL_TRYING, Result, raise_results

State = Delivery.State


@transaction.atomic
def apply_evidence(delivery_ids: Collection[int], result: Result) -> int:
    """Raise these deliveries to `result`; how many moved forward.

    Whatever is reported proves that the server has the message, so a doubt that nobody is working on ends too;
    a final result also ends our own retries.
    """
    rows = Delivery.objects.filter(pk__in=delivery_ids, is_sendable=True)
    changed = raise_results(rows, result)
    rows.filter(doubtful(timezone.now())).update(
        state=State.IDLE, lease_token=None, lease_until=None, next_attempt_at=None
    )
    repeated = Attempt.objects.filter(
        delivery=OuterRef("pk"), number=OuterRef("attempts"), outcome=Attempt.Outcome.IN_DOUBT
    )
    rows.filter(Exists(repeated), state=State.IDLE).update(next_attempt_at=None)
    if result not in STILL_TRYING:
        # Also of rows that a worker holds: it will find that they need no email any more.
        rows.filter(next_attempt_at__isnull=False).update(next_attempt_at=None)
    return changed


def note_late_bounce(delivery_id: int, at: datetime, reason: str) -> None:
    """A failure after Delivered or Opened: the result stays, the page shows both.

    The caller names the first one of all it knows; what it says last counts.
    """
    Delivery.objects.filter(pk=delivery_id).update(late_bounce_at=at, late_bounce_reason=reason[:500])
