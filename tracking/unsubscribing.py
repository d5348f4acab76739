"""What a family chooses on the page behind the link in our emails, or with its mail program's button."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from broadcasts import audit
from broadcasts.delivering.evidence import lock_deliveries
from broadcasts.forgetting.anonymous import as_known_today, name_instead
from broadcasts.models import (
    BroadcastType,
    ContactType,
    ContactTypeChange,
    Delivery,
    EmailAddress,
    FamilyChoice,
    Person,
    School,
)
from broadcasts.people.choosing import record_family_choice
from tracking.meanings import UNSUBSCRIBED
from tracking.models import Event
from tracking.recording import Evidence, record_events


@dataclass(frozen=True, slots=True)
class Choice:
    broadcast_type: BroadcastType
    receives: bool


def find_choices(delivery: Delivery) -> list[Choice]:
    """Which types this school sends to this address. Emergencies and required types are not a choice."""
    received = _received_types(delivery)
    kinds = BroadcastType.objects.filter(is_active=True, is_emergency=False, is_required=False)
    return [Choice(kind, kind.pk in received) for kind in kinds]


def required_types() -> QuerySet[BroadcastType]:
    """Those that come whatever a family would like. Emergencies are explained apart."""
    return BroadcastType.objects.filter(is_active=True, is_emergency=False, is_required=True)


@transaction.atomic
def unsubscribe(delivery: Delivery) -> bool:
    """One click: the type of this email, at this address, in this school. Safe to repeat.

    False, and nothing changes, for a type that is no choice, also when it has become required since.
    """
    lock_deliveries({delivery.pk})  # first, as for a provider's event: two must not wait for each other in a circle
    if not stop_type(delivery):
        return False
    _record_unsubscribed(delivery)
    return True


def hear_unsubscribed(heard: Iterable[Evidence]) -> None:
    """What a provider told us of, recorded a moment ago: stop the types, and note where nothing was stopped."""
    told = {one.delivery_id: one for one in sorted(heard, key=lambda one: one.at)}  # the latest of each
    if not told:
        return
    rows = Delivery.objects.filter(pk__in=told).select_related("broadcast__school", "broadcast__broadcast_type")
    known = filter(None, map(as_known_today, rows))  # nothing comes where nobody is any more
    for delivery in sorted(known, key=lambda row: (row.broadcast.school_id, row.address_key, row.pk)):
        one, effect = told[delivery.pk], Event.Effect.USUAL
        if _was_chosen_since(delivery, one.at):
            effect = Event.Effect.OLDER
        elif not stop_type(delivery):
            effect = Event.Effect.REQUIRED
        if effect:
            Event.objects.filter(key=one.key).update(effect=effect)


def _was_chosen_since(delivery: Delivery, at: datetime) -> bool:
    """A family or its school said yes after they had unsubscribed.

    A file that brings the address says nothing, nor does whoever types it in: what it receives at first is the
    type's default.
    """
    kind, key = delivery.broadcast.broadcast_type, delivery.address_key
    schools = _schools(delivery)
    mine = {"broadcast_type": kind, "receives": True}
    if FamilyChoice.objects.filter(school__in=schools, address_key=key, changed_at__gt=at, **mine).exists():
        return True
    addresses = EmailAddress.objects.filter(key=key, person__in=Person.objects.of_schools(schools).order_by())
    last = ContactTypeChange.objects.filter(address__in=addresses, broadcast_type=kind, at__gt=at).order_by(
        "-at", "-pk"
    )
    before = ContactTypeChange.objects.filter(
        address=OuterRef("address"), broadcast_type=OuterRef("broadcast_type"), at__lt=OuterRef("at")
    )
    by_staff = Q(Exists(before), chosen_by=ContactType.ChosenBy.STAFF, changed_by__isnull=False)
    newest = last.filter(by_staff | Q(chosen_by=ContactType.ChosenBy.FAMILY)).first()
    return newest is not None and newest.receives


def stop_type(delivery: Delivery) -> bool:
    """The same, when the event is recorded already. False: the type is not one that families choose."""
    kind = delivery.broadcast.broadcast_type
    if kind is None or not kind.is_families_choice:
        return False
    _apply(delivery, start=[], stop=[kind])
    return True


def save_choices(delivery: Delivery, wanted: Collection[str]) -> None:
    """`wanted`: the keys of the types that may come, as a form sends them; every other choice stops."""
    choices = find_choices(delivery)
    start = [one.broadcast_type for one in choices if str(one.broadcast_type.pk) in wanted and not one.receives]
    stop = [one.broadcast_type for one in choices if str(one.broadcast_type.pk) not in wanted]
    with transaction.atomic():
        lock_deliveries({delivery.pk})
        _apply(delivery, start=start, stop=stop)
        if delivery.broadcast.broadcast_type in stop:
            _record_unsubscribed(delivery)


def _received_types(delivery: Delivery) -> set[int]:
    """What comes to this address; where nobody has it any more, what would if an upload brought it back."""
    school, key = delivery.broadcast.school, delivery.address_key
    people = Person.objects.of_schools([school]).order_by()
    same = EmailAddress.objects.filter(key=key, person__in=people)
    if same.exists():
        received = ContactType.objects.filter(address__in=same, receives=True)
        return set(received.values_list("broadcast_type", flat=True))
    refused = FamilyChoice.objects.filter(school=school, address_key=key, receives=False)
    kinds = BroadcastType.objects.exclude(pk__in=refused.values("broadcast_type"))
    return set(kinds.values_list("pk", flat=True))


@transaction.atomic
def _apply(delivery: Delivery, *, start: list[BroadcastType], stop: list[BroadcastType]) -> None:
    received = _received_types(delivery)
    # The no also where nothing came before: it must outlast the next upload.
    choices = {kind.pk: True for kind in start} | {kind.pk: False for kind in stop}
    for school in _schools(delivery):
        record_family_choice(school, delivery.address_key, choices)
    stopped = [kind for kind in stop if kind.pk in received]
    if start or stopped:
        audit.record(
            None,
            "contact_types.changed_by_family",
            delivery,
            school=delivery.broadcast.school,
            label=name_instead() if delivery.removed == Delivery.Removed.ADDRESSES else delivery.email,
            started=[kind.name for kind in start],
            stopped=[kind.name for kind in stopped],
        )


def _schools(delivery: Delivery) -> list[School]:
    """Whose email it was, and where its recipient is at home: a published list reaches people of other schools."""
    own = delivery.broadcast.school
    if delivery.person_id is None:
        return [own]
    return [own, *School.objects.filter(people=delivery.person_id).exclude(pk=own.pk)]


def _record_unsubscribed(delivery: Delivery) -> None:
    record_events(
        [
            Evidence(
                delivery_id=delivery.pk,
                meaning=UNSUBSCRIBED,
                at=timezone.now(),
                source=Event.Source.PAGE,
                key_parts=(),
            )
        ]
    )
