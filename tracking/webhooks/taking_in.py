"""The events of one POST: what can be used is recorded, the rest is kept for a person."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from tracking.models import Event, UnusedEvent
from tracking.recording import record_new, storable
from tracking.unsubscribing import hear_unsubscribed
from tracking.webhooks.forgetting import forget_in_text, forget_readers
from tracking.webhooks.providers import Provider
from tracking.webhooks.understanding import Name, Said, UnusableEvent, find_deliveries, to_evidence, understand

# No provider sends more at once (SendGrid and Mandrill: 1,000; SparkPost: 10,000).
MOST_EVENTS = 20_000
# Of what cannot be used, this much of a POST, of a text, and of everything is kept.
MOST_UNUSED_OF_ONE = 1_000
LONGEST_RAW = 64_000
MOST_UNUSED = 5_000
# Recorded in one transaction. A POST of more is taken apart as it is read: each part needs its memory only.
TOGETHER = 1_000


@dataclass(frozen=True, slots=True)
class Unused:
    raw: Any
    reason: str
    name: Name | None = None  # of an email that may become known in a moment


def take_in(provider: Provider, raws: Iterable[Any]) -> Iterator[list[Unused]]:
    """Record what these events say, part by part; after each part those of it that cannot be used, as far as kept.

    Safe to repeat: who is told that half of them failed posts all of them once more.
    """
    waiting, kept = iter(raws), 0
    for some in _parts(islice(waiting, MOST_EVENTS)):
        unused = take_in_together(provider, some)[: MOST_UNUSED_OF_ONE - kept]
        kept += len(unused)
        yield unused
    if rest := sum(1 for _raw in waiting):
        yield [Unused(None, _("%(count)s more events came in the same message.") % {"count": rest})]


def _parts(raws: Iterator[Any]) -> Iterator[list[Any]]:
    """Where the list cannot be read any further, that is raised after what came before it was taken in."""
    while True:
        some: list[Any] = []
        broken: Exception | None = None
        try:
            for raw in islice(raws, TOGETHER):
                some.append(raw)  # noqa: PERF402 - a list made at once would be lost with what stands before the break
        except Exception as error:  # noqa: BLE001 - raised below
            broken = error
        if some:
            yield some
        if broken:
            raise broken
        if not some:
            return


def take_in_together(provider: Provider, raws: Sequence[Any]) -> list[Unused]:
    """The same, in one transaction."""
    unused: list[Unused] = []
    said: list[tuple[Any, Said]] = []
    for raw in raws:
        try:
            said += [(raw, understand(provider.name, event)) for event in provider.read_events(raw)]
        except UnusableEvent as reason:
            unused.append(Unused(raw, str(reason)))
        except Exception as error:  # noqa: BLE001 - Anymail's parsers take well-formed events only
            unused.append(Unused(raw, could_not_read(error)))
    return unused + _record(said)


def could_not_read(error: Exception) -> str:
    return _("It could not be read: %(error)s") % {"error": f"{type(error).__name__}: {error}"[:1000]}


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
    hear_unsubscribed([one for one in recorded.new if one.meaning.kind is Event.Kind.UNSUBSCRIBED])
    strange = _("No email of this Messenger has that name and address.")
    return [Unused(raw, strange, one.name) for raw, one, delivery_id in found if delivery_id not in recorded.known]


def keep_unused(provider: Provider, unused: Sequence[Unused]) -> None:
    """The newest of what could not be used, of all providers: enough to see what is wrong, never a flood.

    What is told once more, since its POST failed in the middle, is kept once.
    """
    rows = _new_ones(provider, [_as_row(provider, one) for one in unused[:MOST_UNUSED_OF_ONE]])
    if not rows:
        return
    UnusedEvent.objects.bulk_create(rows)
    oldest = UnusedEvent.objects.values_list("pk", flat=True)[MOST_UNUSED : MOST_UNUSED + 1]
    UnusedEvent.objects.filter(pk__lte=max(oldest, default=0)).delete()


def _new_ones(provider: Provider, rows: Sequence[UnusedEvent]) -> list[UnusedEvent]:
    """Of a text that was cut nobody knows whether it is the same."""
    whole = {(row.raw, row.address_key): row for row in rows if row.is_whole}
    if whole:
        same = UnusedEvent.objects.filter(provider=provider.slug, is_whole=True, raw__in={raw for raw, _key in whole})
        for known in same.order_by().values_list("raw", "address_key"):
            whole.pop(known, None)
    return [row for row in rows if not row.is_whole or whole.get((row.raw, row.address_key)) is row]


def _as_row(provider: Provider, unused: Unused) -> UnusedEvent:
    # A text is what could not be taken apart.
    is_text = isinstance(unused.raw, str)
    raw = forget_in_text(unused.raw[: 2 * LONGEST_RAW]) if is_text else _as_json(unused.raw)
    message_id, address_key = unused.name or ("", "")
    return UnusedEvent(
        provider=provider.slug,
        reason=storable(forget_in_text(unused.reason[:1000]), 200),
        raw=storable(raw, LONGEST_RAW),
        is_whole=not is_text and unused.raw is not None and len(raw) <= LONGEST_RAW,
        message_id=message_id,
        address_key=address_key,
    )


def _as_json(raw: Any) -> str:
    try:
        return json.dumps(forget_readers(raw))
    except (ValueError, RecursionError):
        return ""
