"""Which emails nobody can vouch for. One that is on the wire at this moment is none of them."""

from datetime import datetime

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from broadcasts.models import Delivery, Lease

State = Delivery.State


def doubtful(now: datetime) -> Q:
    """Of deliveries."""
    held = Lease.objects.filter(token=OuterRef("lease_token"), until__gte=now)
    return Q(state=State.UNCONFIRMED) | Q(~Exists(held), state=State.IN_DOUBT)


def is_on_the_wire(delivery: Delivery) -> bool:
    """Its worker awaits the answer and has not gone missing."""
    if delivery.state != State.IN_DOUBT or delivery.lease_token is None:
        return False
    return Lease.objects.filter(token=delivery.lease_token, until__gte=timezone.now()).exists()


def doubt_about(delivery: Delivery) -> str:
    """Two words for beside the result; empty when there is no doubt."""
    if delivery.state == State.UNCONFIRMED:
        return _("unconfirmed")
    return _("in doubt") if delivery.state == State.IN_DOUBT and not is_on_the_wire(delivery) else ""
