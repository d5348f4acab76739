"""What a family chooses on the page behind the link in our emails, or with its mail program's button."""

from collections.abc import Collection
from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from broadcasts import audit
from broadcasts.models import BroadcastType, ContactType, Delivery, EmailAddress
from tracking.meanings import UNSUBSCRIBED
from tracking.models import Event
from tracking.recording import Evidence, record_events


@dataclass(frozen=True, slots=True)
class Choice:
    broadcast_type: BroadcastType
    receives: bool


def find_choices(delivery: Delivery) -> list[Choice]:
    """Which types this school sends to this address. Emergencies are not a choice."""
    received = _received_types(delivery)
    kinds = BroadcastType.objects.filter(is_active=True, is_emergency=False)
    return [Choice(kind, kind.pk in received) for kind in kinds]


def unsubscribe(delivery: Delivery) -> None:
    """One click: the type of this email, at this address, in this school. Safe to repeat."""
    kind = delivery.broadcast.broadcast_type
    if kind and not kind.is_emergency:
        _apply(delivery, start=[], stop=[kind])


def save_choices(delivery: Delivery, wanted: Collection[int]) -> None:
    """`wanted`: the primary keys of the types that may come; every other choice stops."""
    choices = find_choices(delivery)
    _apply(
        delivery,
        start=[one.broadcast_type for one in choices if one.broadcast_type.pk in wanted and not one.receives],
        stop=[one.broadcast_type for one in choices if one.broadcast_type.pk not in wanted],
    )


def _same_addresses(delivery: Delivery) -> QuerySet[EmailAddress]:
    """Parents share an address, and a child's row may carry it too: who unsubscribes means all of them."""
    return EmailAddress.objects.filter(
        key=delivery.address_key, person__school=delivery.broadcast.school_id
    ).order_by("pk")


def _received_types(delivery: Delivery) -> set[int]:
    received = ContactType.objects.filter(address__in=_same_addresses(delivery), receives=True)
    return set(received.values_list("broadcast_type", flat=True))


@transaction.atomic
def _apply(delivery: Delivery, *, start: list[BroadcastType], stop: list[BroadcastType]) -> None:
    received = _received_types(delivery)
    _write_choices(delivery, start, receives=True)
    # Also where nothing came before: the family's no must outlast the next upload.
    _write_choices(delivery, stop, receives=False)
    stopped = [kind for kind in stop if kind.pk in received]
    if start or stopped:
        audit.record(
            None,
            "contact_types.changed_by_family",
            delivery,
            school=delivery.broadcast.school,
            label=delivery.email,
            started=[kind.name for kind in start],
            stopped=[kind.name for kind in stopped],
        )
    if delivery.broadcast.broadcast_type in stop:
        _record_unsubscribed(delivery)


def _write_choices(delivery: Delivery, kinds: list[BroadcastType], *, receives: bool) -> None:
    addresses = list(_same_addresses(delivery))
    ContactType.objects.bulk_create(
        [
            ContactType(
                address=address, broadcast_type=kind, receives=receives, chosen_by=ContactType.ChosenBy.FAMILY
            )
            for address in addresses
            for kind in kinds
        ],
        update_conflicts=True,
        unique_fields=["address", "broadcast_type"],
        update_fields=["receives", "chosen_by", "changed_at"],
    )


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
