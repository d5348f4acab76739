"""Events that could not be used, once more: after a fix, or when the email they are about has become known."""

import json
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from broadcasts import audit
from broadcasts.models import Delivery, User
from tracking.models import UnusedEvent
from tracking.recording import storable
from tracking.webhooks.forgetting import forget_in_text
from tracking.webhooks.providers import PROVIDERS, Provider
from tracking.webhooks.using import use_all

# Events that are told before we have noted the provider's id of the email are minutes old, not days.
YOUNG = timedelta(hours=6)
TOGETHER = 500
log = logging.getLogger(__name__)


@transaction.atomic
def try_again(unused: QuerySet[UnusedEvent], by: User | None) -> int:
    """How many could be used this time, and are gone from the list. The others say anew why not."""
    used = 0
    # Before the deliveries, as `use_what_became_known` does: of two, none waits in a circle.
    for row in list(unused.order_by("pk").select_for_update(of=("self",))):
        provider = PROVIDERS.get(row.provider)
        if provider is None or not row.is_whole:
            continue
        still = use_all(provider, [json.loads(row.raw)])
        if still:
            row.reason = storable(forget_in_text(still[0].reason[:1000]), 200)
            row.save(update_fields=["reason"])
        else:
            audit.record(by, "unused_event.used", row, label=str(row))
            row.delete()
            used += 1
    return used


def use_what_became_known(now: datetime) -> int:
    """Events that overtook our own commit: now that we know the provider's id of the email, use them.

    How many. One query where there are none. Two at once take different ones, and an event is never recorded twice.
    """
    used = 0
    while _young(now).exists() and (some := _use_some(now)):
        used += some
    if used:
        log.info("%s events of email providers came before their emails were known, and are used now", used)
    return used


def _young(now: datetime) -> QuerySet[UnusedEvent]:
    return UnusedEvent.objects.filter(is_whole=True, received_at__gt=now - YOUNG).exclude(message_id="")


@transaction.atomic
def _use_some(now: datetime) -> int:
    emails = Delivery.objects.filter(provider_message_id=OuterRef("message_id"), address_key=OuterRef("address_key"))
    # A row that carries no email is not meant by any event.
    known = Exists(emails.filter(is_sendable=True))
    rows = list(
        _young(now)
        .filter(known)
        .order_by("provider", "pk")
        .select_for_update(skip_locked=True, of=("self",))[:TOGETHER]
    )
    for slug, some in groupby(rows, lambda row: row.provider):
        if provider := PROVIDERS.get(slug):
            _use(provider, list(some))
    return len(rows)


def _use(provider: Provider, rows: Sequence[UnusedEvent]) -> None:
    raws: list[Any] = [json.loads(row.raw) for row in rows]
    still = {(id(one.raw), one.name): one.reason for one in use_all(provider, raws)}
    used: list[int] = []
    for row, raw in zip(rows, raws, strict=True):
        # Amazon tells of several recipients at once, and each waits by itself.
        reason = still.get((id(raw), (row.message_id, row.address_key)), still.get((id(raw), None)))
        if reason is None:
            used.append(row.pk)
        else:
            # What cannot be used now will not be by itself: a person may look.
            row.reason, row.message_id = storable(forget_in_text(reason[:1000]), 200), ""
            row.save(update_fields=["reason", "message_id"])
    UnusedEvent.objects.filter(pk__in=used).delete()
