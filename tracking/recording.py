"""Evidence to events and results: one transaction, safe to repeat, in any order."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from django.db import transaction
from django.utils.translation import gettext as _

from broadcasts.blocking import block_addresses
from broadcasts.delivering.evidence import apply_evidence, note_late_bounce
from broadcasts.delivering.replies import plain_words
from broadcasts.models import BlockedEmail, Delivery
from broadcasts.results import Result
from tracking.meanings import Meaning
from tracking.models import Event

LONGEST_TEXT = 2000
ARRIVED = (Result.DELIVERED, Result.OPENED)
RETURNED = (Result.BOUNCED, Result.FAILED)


def storable(text: str, length: int) -> str:
    """What a stranger wrote, as any database takes it: PostgreSQL knows neither NUL nor half characters."""
    return text.encode("utf-8", "replace").decode().replace("\0", "")[:length]


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing the outside world says about a delivery.

    `key_parts` is what makes two tellings the same event, besides delivery and kind: a report's Message-ID, a day.
    """

    delivery_id: int
    meaning: Meaning
    at: datetime
    source: Event.Source
    key_parts: tuple[str, ...]
    code: str = ""
    text: str = field(default="", repr=False)

    @property
    def key(self) -> str:
        parts = (str(self.delivery_id), self.meaning.kind.value, *self.key_parts)
        return sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()

    def as_event(self) -> Event:
        return Event(
            delivery_id=self.delivery_id,
            kind=self.meaning.kind,
            at=self.at,
            source=self.source,
            key=self.key,
            result=self.meaning.result,
            code=storable(self.code, 12),
            text=storable(self.text, LONGEST_TEXT),
            rule=self.meaning.rule,
        )


@transaction.atomic
def record_events(evidence: Iterable[Evidence]) -> int:
    """Store what is new and raise the results; how many events were new.

    What names no delivery, or one that never carried an email, is left out.
    """
    named = {one.key: one for one in evidence}
    deliveries = _lock_deliveries({one.delivery_id for one in named.values()})
    known = set(Event.objects.filter(key__in=named).values_list("key", flat=True))
    new = [one for key, one in named.items() if key not in known and one.delivery_id in deliveries]
    Event.objects.bulk_create((one.as_event() for one in new), ignore_conflicts=True)
    _raise_results(new)
    _note_late_bounces({one.delivery_id for one in new})
    _block_complainers(new, deliveries)
    return len(new)


def _lock_deliveries(ids: Collection[int]) -> Mapping[int, Delivery]:
    """In primary key order, so that two transactions never wait for each other in a circle."""
    rows = Delivery.objects.filter(pk__in=ids, is_sendable=True).select_for_update(no_key=True).order_by("pk")
    return {row.pk: row for row in rows}


def _raise_results(evidence: Iterable[Evidence]) -> None:
    by_result: dict[Result, set[int]] = defaultdict(set)
    for one in evidence:
        by_result[one.meaning.result].add(one.delivery_id)
    for result, ids in sorted(by_result.items()):
        apply_evidence(ids, result)


def _note_late_bounces(ids: Collection[int]) -> None:
    """A failure dated after the arrival is late. All events are looked at, so the order of hearing plays no part."""
    events = Event.objects.filter(delivery__in=ids, result__in=[*ARRIVED, *RETURNED])
    arrived: set[int] = set()
    noted: set[int] = set()
    rows = events.values_list("delivery_id", "at", "result", "code", "text", "rule")
    for delivery, at, result, code, text, rule in sorted(rows, key=_by_time):
        if result in ARRIVED:
            arrived.add(delivery)
        elif delivery in arrived and delivery not in noted:
            note_late_bounce(delivery, at, plain_words(rule) or text or code)
            noted.add(delivery)


def _by_time(row: tuple[int, datetime, int | None, str, str, str]) -> tuple[datetime, bool, str, str, str]:
    # Of two at the same moment, the arrival comes first: better a late bounce shown than one lost.
    _delivery, at, result, code, text, rule = row
    return at, result in RETURNED, code, text, rule


def _block_complainers(evidence: Iterable[Evidence], deliveries: Mapping[int, Delivery]) -> None:
    for one in evidence:
        if one.meaning.kind is Event.Kind.COMPLAINED:
            delivery = deliveries[one.delivery_id]
            reason = _("Reported our email “%(broadcast)s” as spam") % {"broadcast": delivery.broadcast.name}
            block_addresses([delivery.email], reason=reason, source=BlockedEmail.Source.COMPLAINT)
