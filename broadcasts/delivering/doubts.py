"""Which emails nobody can vouch for. One that is on the wire at this moment is none of them."""

from collections import Counter
from collections.abc import Collection
from datetime import datetime

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from broadcasts.among import among
from broadcasts.delivering.clock import lease_clock
from broadcasts.models import Attempt, Delivery, Lease

State = Delivery.State


def doubtful(now: datetime) -> Q:
    """Of deliveries. The state is asked first: of most rows no lease needs to be looked for."""
    held = Lease.objects.filter(token=OuterRef("lease_token"), until__gte=lease_clock(now))
    return Q(state=State.UNCONFIRMED) | Q(Q(state=State.IN_DOUBT), ~Exists(held))


def count_doubts(broadcast_ids: Collection[int], now: datetime) -> Counter[int]:
    """The same, counted by broadcast without reading all its rows: by leases, and by the few attempts in doubt."""
    gone = Lease.objects.filter(broadcast__in=broadcast_ids, until__lt=lease_clock(now)).values_list(
        "rows", flat=True
    )
    held = [pk for rows in gone for pk in rows]
    doubted = Attempt.objects.filter(outcome=Attempt.Outcome.IN_DOUBT).values("delivery")
    left = Delivery.objects.filter(pk__in=doubted, broadcast__in=broadcast_ids, state=State.UNCONFIRMED)
    found = Counter(left.values_list("broadcast_id", flat=True))
    if held:
        found.update(
            Delivery.objects.filter(among("pk", held), state=State.IN_DOUBT).values_list("broadcast_id", flat=True)
        )
    return found


def is_on_the_wire(delivery: Delivery) -> bool:
    """Its worker awaits the answer and has not gone missing."""
    if delivery.state != State.IN_DOUBT or delivery.lease_token is None:
        return False
    return Lease.objects.filter(token=delivery.lease_token, until__gte=lease_clock(timezone.now())).exists()


def doubt_about(delivery: Delivery) -> str:
    """Two words for beside the result; empty when there is no doubt."""
    if delivery.state == State.UNCONFIRMED:
        return _("unconfirmed")
    return _("in doubt") if delivery.state == State.IN_DOUBT and not is_on_the_wire(delivery) else ""
