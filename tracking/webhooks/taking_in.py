"""The events of one POST, in one transaction: what can be used is recorded, the rest is kept for a person."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from broadcasts.forgetting.anonymous import as_known_today
from broadcasts.models import Delivery
from tracking.models import Event, UnusedEvent
from tracking.recording import record_new, storable
from tracking.unsubscribing import stop_type
from tracking.webhooks.providers import Provider
from tracking.webhooks.understanding import Said, UnusableEvent, find_deliveries, to_evidence, understand

# No provider sends more at once (SendGrid and Mandrill: 1,000; SparkPost: 10,000).
MOST_EVENTS = 20_000
# Of what cannot be used, this much of a POST, of a text, and of everything is kept.
MOST_UNUSED_OF_ONE = 1_000
LONGEST_RAW = 64_000
MOST_UNUSED = 5_000
# Where somebody read the email; also where JSON stands within JSON (Amazon). Nothing that we read needs it.
_READERS_ADDRESS = re.compile(
    r'(\\{0,8}"(?:ip|ip[_-]?address|(?:client|source|remote|user)[_-]?ip)\\{0,8}"\s*:\s*\\{0,8}")[^"\\]*',
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Unused:
    raw: Any
    reason: str


def take_in(provider: Provider, raws: Sequence[Any]) -> list[Unused]:
    """Record what these events say; returns those that cannot be used. Safe to repeat."""
    unused: list[Unused] = []
    said: list[tuple[Any, Said]] = []
    for raw in raws[:MOST_EVENTS]:
        try:
            said += [(raw, understand(provider.name, event)) for event in provider.read_events(raw)]
        except UnusableEvent as reason:
            unused.append(Unused(raw, str(reason)))
        except Exception as error:  # noqa: BLE001 - Anymail's parsers take well-formed events only
            unused.append(Unused(raw, _could_not_read(error)))
    if len(raws) > MOST_EVENTS:
        rest = _("%(count)s more events came in the same message.") % {"count": len(raws) - MOST_EVENTS}
        unused.append(Unused(None, rest))
    return unused + _record(said)


def _could_not_read(error: Exception) -> str:
    return _("It could not be read: %(error)s") % {"error": f"{type(error).__name__}: {error}"}


def _record(said: Sequence[tuple[Any, Said]]) -> list[Unused]:
    if not said:
        return []
    # Who unsubscribed is heard once: what follows from it must not be lost between.
    if any(one.meaning.kind is Event.Kind.UNSUBSCRIBED for _raw, one in said):
        with transaction.atomic():
            return _record_said(said)
    return _record_said(said)


def _record_said(said: Sequence[tuple[Any, Said]]) -> list[Unused]:
    ids = find_deliveries({one.name for _raw, one in said if one.name})
    found = [(raw, one, one.delivery_id or ids.get(one.name or ("", ""))) for raw, one in said]
    named = [(one, delivery_id) for _raw, one, delivery_id in found if delivery_id]
    recorded = record_new(to_evidence(named, timezone.now()))
    stopped = {one.delivery_id for one in recorded.new if one.meaning.kind is Event.Kind.UNSUBSCRIBED}
    if stopped:
        _stop_types(stopped)
    strange = _("No email of this Messenger has that name and address.")
    return [Unused(raw, strange) for raw, _one, delivery_id in found if delivery_id not in recorded.known]


def _stop_types(ids: set[int]) -> None:
    rows = Delivery.objects.filter(pk__in=ids).select_related("broadcast__school", "broadcast__broadcast_type")
    known = filter(None, map(as_known_today, rows))  # nothing comes to an address that nobody has any more
    for delivery in sorted(known, key=lambda row: (row.broadcast.school_id, row.address_key, row.pk)):
        stop_type(delivery)


def keep_unused(provider: Provider, unused: Sequence[Unused]) -> None:
    """The newest of what could not be used, of all providers: enough to see what is wrong, never a flood."""
    if not unused:
        return
    UnusedEvent.objects.bulk_create(_as_row(provider, one) for one in unused[:MOST_UNUSED_OF_ONE])
    oldest = UnusedEvent.objects.values_list("pk", flat=True)[MOST_UNUSED : MOST_UNUSED + 1]
    UnusedEvent.objects.filter(pk__lte=max(oldest, default=0)).delete()


def _as_row(provider: Provider, unused: Unused) -> UnusedEvent:
    raw = unused.raw if isinstance(unused.raw, str) else _as_json(unused.raw)
    return UnusedEvent(
        provider=provider.slug,
        reason=storable(unused.reason, 200),
        raw=_READERS_ADDRESS.sub(r"\1", storable(raw, LONGEST_RAW)),
        is_whole=not isinstance(unused.raw, str) and unused.raw is not None and len(raw) <= LONGEST_RAW,
    )


def _as_json(raw: Any) -> str:
    try:
        return json.dumps(raw)
    except (ValueError, RecursionError):
        return ""
