"""How often an email was opened, by people and by machines, apart."""

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
    """Of one delivery; first and last are people's. Fetches of one day and label are one event, which counts them."""
    opened = [event for event in delivery.events.all() if event.kind in (Event.Kind.OPENED, Event.Kind.CLICKED)]
    by_people = [event for event in opened if event.label in _PEOPLE]
    by_machines = sum(event.times for event in opened if event.label not in _PEOPLE)
    first = min((event.at for event in by_people), default=None)
    last = max((event.last_at or event.at for event in by_people), default=None)
    return Opens(sum(event.times for event in by_people), by_machines, first, last)


def count_opened_by_mailbox(broadcast: Broadcast) -> int:
    """Deliveries whose mailbox loaded the pictures by itself and nobody else did: those that Opened leaves out."""
    fetched = Event.objects.filter(
        delivery__broadcast=broadcast,
        delivery__result__lt=Result.OPENED,
        kind=Event.Kind.OPENED,
        label=Label.AUTOMATIC,
    )
    return fetched.values("delivery").distinct().count()
