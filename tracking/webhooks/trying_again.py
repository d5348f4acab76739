"""Events that could not be used, once more: after a fix, or when the email they are about has become known."""

import json
from collections.abc import Iterable

from django.db import transaction

from broadcasts import audit
from broadcasts.models import User
from tracking.models import UnusedEvent
from tracking.recording import storable
from tracking.webhooks.providers import PROVIDERS
from tracking.webhooks.taking_in import take_in


@transaction.atomic
def try_again(unused: Iterable[UnusedEvent], by: User | None) -> int:
    """How many could be used this time, and are gone from the list. The others say anew why not."""
    used = 0
    for row in unused:
        provider = PROVIDERS.get(row.provider)
        if provider is None or not row.is_whole:
            continue
        still = take_in(provider, [json.loads(row.raw)])
        if still:
            row.reason = storable(still[0].reason, 200)
            row.save(update_fields=["reason"])
        else:
            audit.record(by, "unused_event.used", row, label=str(row))
            row.delete()
            used += 1
    return used
