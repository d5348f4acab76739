"""How often an email was opened, by people and by machines, apart."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from broadcasts.models import Broadcast, Delivery
from broadcasts.results import Result
from tracking.models import Event

Label = Event.Label
# What was recorded before labels were given counted as a person's.
_PEOPLE = (Label.NONE.value, Label.PERSON.value, Label.UNSURE.value)


@dataclass(frozen=True)
class Opens:
    by_people: int
    by_machines: int
    first: datetime | None
    last: datetime | None


def opens_of(delivery: Delivery) -> Opens:
    """Of one delivery; first and last are people's."""
    opened = [event for event in delivery.events.all() if event.kind in (Event.Kind.OPENED, Event.Kind.CLICKED)]
    times = sorted(event.at for event in opened if event.label in _PEOPLE)
    return Opens(len(times), len(opened) - len(times), *_ends(times))


def _ends(times: list[datetime]) -> tuple[datetime | None, datetime | None]:
    return (times[0], times[-1]) if times else (None, None)


def count_opened_by_mailbox(broadcast: Broadcast) -> int:
    """Deliveries whose mailbox loaded the pictures by itself and nobody else did: those that Opened leaves out."""
    fetched = Event.objects.filter(
        delivery__broadcast=broadcast,
        delivery__result__lt=Result.OPENED,
        kind=Event.Kind.OPENED,
        label=Label.AUTOMATIC,
    )
    return fetched.values("delivery").distinct().count()


def opened_by_mailbox(deliveries: Iterable[Delivery]) -> set[int]:
    """The numbers of those that a mailbox opened by itself, and as far as anybody knows nobody else."""
    numbers = [row.pk for row in deliveries if row.result < Result.OPENED and row.attempts]
    fetched = Event.objects.filter(delivery__in=numbers, kind=Event.Kind.OPENED, label=Label.AUTOMATIC)
    return set(fetched.order_by().values_list("delivery_id", flat=True)) if numbers else set()
