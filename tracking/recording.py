"""Evidence to events and results: one transaction, safe to repeat, in any order."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from broadcasts.among import among
from broadcasts.blocking import block_addresses, times_of_lifting
from broadcasts.blocking_failures import block_repeated_failures
from broadcasts.delivering.evidence import Standing, apply_results, lock_deliveries, note_late_bounce
from broadcasts.delivering.replies import plain_words
from broadcasts.forgetting.anonymous import as_known_today
from broadcasts.models import BlockedEmail, BlockingPolicy, Delivery
from broadcasts.results import Result
from tracking.meanings import CHANGES_NOTHING, Meaning
from tracking.models import Event
from tracking.storing import Row, store_events, without_words
from tracking.storing_at_once import ARRIVED, RETURNED, AtOnce, store_at_once

LONGEST_TEXT = 2000


def storable(text: str, length: int) -> str:
    """What a stranger wrote, as any database takes it: PostgreSQL knows neither NUL nor half characters."""
    if text.isascii() and "\0" not in text:
        return text[:length]
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
    label: str = ""
    agent: str = ""
    network: str = ""
    last_at: datetime | None = None
    times: int = 1

    @property
    def key(self) -> str:
        parts = (str(self.delivery_id), self.meaning.kind.value, *self.key_parts)
        return sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()

    def as_row(self, key: str, recorded_at: datetime) -> Row:
        meaning = self.meaning
        return (
            self.delivery_id,
            meaning.kind.value,
            self.at,
            recorded_at,
            self.source.value,
            key,
            None if meaning.result is CHANGES_NOTHING else meaning.result.value,
            storable(self.code, 12),
            storable(self.text, LONGEST_TEXT),
            meaning.rule[:60],
            self.label,
            storable(self.agent, 40),
            self.network,
            self.last_at,
            self.times,
        )


@dataclass(frozen=True, slots=True)
class Recorded:
    new: Sequence[Evidence]
    known: Collection[int]  # the deliveries that exist and may carry an email


def record_events(evidence: Iterable[Evidence]) -> int:
    """Store what is new and raise the results; how many events were new.

    What names no delivery, or one that never carried an email, is left out.
    """
    return len(record_new(evidence).new)


def record_new(evidence: Iterable[Evidence]) -> Recorded:
    """The same; says which were new, and which deliveries there are, for those who have more to do."""
    named = {one.key: one for one in evidence}
    if connection.vendor == "postgresql":
        return _record_at_once(named)
    return _record_in_steps(named)


def _record_at_once(named: Mapping[str, Evidence]) -> Recorded:
    """In one statement what can be, the rest in steps: nearly everything that is told only needs to be kept."""
    apart = {one.delivery_id for one in named.values() if one.meaning.kind is Event.Kind.COMPLAINED}
    plain = {key: one for key, one in named.items() if one.delivery_id not in apart}
    now = timezone.now()
    stored = AtOnce()
    if plain:
        rows = [one.as_row(key, now) for key, one in plain.items()]
        # Locks are taken for all, in one order: of two transactions that go on with some, none waits in a circle.
        stored = store_at_once(rows, {one.delivery_id for one in named.values()})
    new = [one for key, one in plain.items() if key not in stored.old]
    apart.update(stored.busy)
    # After the commit, and of those that were known too: who dies in between is asked to do it again.
    block_repeated_failures(_failed(one for one in plain.values() if one.delivery_id not in apart))
    if not apart:
        return Recorded(new, stored.known)
    then = _record_in_steps({key: one for key, one in named.items() if one.delivery_id in apart})
    return Recorded([*new, *then.new], {*stored.known, *then.known})


@transaction.atomic(savepoint=False)
def _record_in_steps(named: Mapping[str, Evidence]) -> Recorded:
    locked = lock_deliveries({one.delivery_id for one in named.values()})
    now = timezone.now()
    # The same event twice at once names the same delivery, whose lock we hold: the statement never waits.
    rows = [
        (one.as_row(key, now), locked[one.delivery_id]) for key, one in named.items() if one.delivery_id in locked
    ]
    stored = store_events([row if standing.keeps_words else without_words(row) for row, standing in rows])
    new = [one for key, one in named.items() if key in stored.new]
    apply_results(locked, _by_result(new))
    # What was counted again may have begun earlier than was known.
    again = [one for key, one in named.items() if key in stored.again]
    if maybe_late := _maybe_late(locked, [*new, *again]):
        _note_late_bounces(maybe_late)
    _block_complainers(new)
    block_repeated_failures(_failed(new))
    return Recorded(new, locked.keys())


def _failed(evidence: Iterable[Evidence]) -> set[int]:
    return {one.delivery_id for one in evidence if one.meaning.result is Result.FAILED}


def _by_result(evidence: Iterable[Evidence]) -> Mapping[Result, Collection[int]]:
    heard: dict[Result, set[int]] = defaultdict(set)
    for one in evidence:
        if one.meaning.result is not CHANGES_NOTHING:
            heard[one.meaning.result].add(one.delivery_id)
    return heard


def _maybe_late(locked: Mapping[int, Standing], evidence: Iterable[Evidence]) -> set[int]:
    """Deliveries that may have both come back and arrived. Nearly all do one of the two, and cost no query."""
    arrived = {pk for pk, row in locked.items() if row.result >= Result.DELIVERED}
    returned = {pk for pk, row in locked.items() if row.result >= Result.BOUNCED}
    news = {one.delivery_id for one in evidence if one.meaning.result in (*ARRIVED, *RETURNED)}
    arrived |= {one.delivery_id for one in evidence if one.meaning.result in ARRIVED}
    returned |= {one.delivery_id for one in evidence if one.meaning.result in RETURNED}
    return news & arrived & returned


def _note_late_bounces(ids: Collection[int]) -> None:
    """A failure dated after the arrival is late. All events are looked at, so the order of hearing plays no part."""
    returned = Event.objects.filter(among("delivery", ids), result__in=RETURNED)
    events = Event.objects.filter(delivery__in=set(returned.values_list("delivery", flat=True)))
    arrived: set[int] = set()
    noted: set[int] = set()
    fields = ("delivery_id", "at", "result", "code", "text", "rule")
    rows = events.filter(result__in=[*ARRIVED, *RETURNED]).values_list(*fields)
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


def _block_complainers(evidence: Iterable[Evidence]) -> None:
    complaints = [one for one in evidence if one.meaning.kind is Event.Kind.COMPLAINED]
    told = {one.delivery_id: one for one in sorted(complaints, key=lambda one: one.at)}  # the latest of each
    if not told:
        return
    rows = Delivery.objects.filter(pk__in=told).select_related("broadcast")
    # In the order of their addresses: two transactions must not wait for each other in a circle.
    complained = sorted(filter(None, map(as_known_today, rows)), key=lambda row: (row.address_key, row.pk))
    level = BlockingPolicy.in_force().complaint_level
    lifted = times_of_lifting({delivery.address_key for delivery in complained})
    for delivery in complained:
        one = told[delivery.pk]
        if delivery.address_key in lifted and lifted[delivery.address_key] > one.at:
            # Who lifted the block knew more than a complaint from before.
            Event.objects.filter(key=one.key).update(effect=Event.Effect.OLDER)
            continue
        reason = _("Reported our email “%(broadcast)s” as spam") % {"broadcast": delivery.broadcast.name}
        block_addresses([delivery.email], reason=reason, source=BlockedEmail.Source.COMPLAINT, level=level)
