"""Which emails nobody can vouch for. One that is on the wire at this moment is none of them."""

from datetime import datetime

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from broadcasts.models import Delivery

State = Delivery.State


def doubtful(now: datetime) -> Q:
    return Q(state=State.UNCONFIRMED) | Q(state=State.IN_DOUBT, lease_until__lt=now)


def is_on_the_wire(delivery: Delivery) -> bool:
    """Or about to be: a worker has taken it and has not gone missing."""
    lease = delivery.lease_until
    is_taken = delivery.state in (State.CLAIMED, State.IN_DOUBT)
    return is_taken and lease is not None and lease >= timezone.now()


def doubt_about(delivery: Delivery) -> str:
    """Two words for beside the result; empty when there is no doubt."""
    if delivery.state == State.UNCONFIRMED:
        return _("unconfirmed")
    return _("in doubt") if delivery.state == State.IN_DOUBT and not is_on_the_wire(delivery) else ""
