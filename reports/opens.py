"""How often an email was opened, by people and by machines, apart."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Exists, OuterRef, Q

from broadcasts.models import Broadcast, Delivery
from broadcasts.results import Result
from tracking.models import Event

Label = Event.Label
# What was recorded before labels were given counted as a person's.
_PEOPLE = (Label.NONE.value, Label.PERSON.value, Label.UNSURE.value)
_MACHINES = (Label.AUTOMATIC.value, Label.SCANNER.value)
_OPENINGS = (Event.Kind.OPENED.value, Event.Kind.CLICKED.value)


@dataclass(frozen=True)
class Opens:
    by_people: int
    by_machines: int
    first: datetime | None
    last: datetime | None


def opens_of(delivery: Delivery) -> Opens:
    """Of one delivery; first and last are people's. Fetches of one day and label are one event, which counts them."""
    opened = [event for event in delivery.events.all() if event.kind in _OPENINGS]
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


@dataclass(frozen=True)
class OpenNumbers:
    """Emails of a broadcast that were opened: by people, and counted as others count, machines included.

    Opened is the first of them, or the second where a setting says so (COUNT_MACHINE_OPENS).
    """

    by_people: int
    with_machines: int

    @property
    def differ(self) -> bool:
        return self.by_people != self.with_machines


def count_opens(opened: Mapping[int, int]) -> Mapping[int, OpenNumbers]:
    """`opened`: how many rows of each of these broadcasts say Opened."""
    machines = _opened_by_machines_alone(opened)
    return {
        broadcast: OpenNumbers(count - machines.get(broadcast, (0, 0))[0], count + machines.get(broadcast, (0, 0))[1])
        for broadcast, count in opened.items()
    }


def _opened_by_machines_alone(broadcasts: Collection[int]) -> Mapping[int, tuple[int, int]]:
    """Broadcast → those that say Opened all the same, and those that do not."""
    openings = Event.objects.filter(kind__in=_OPENINGS)
    by_machines = openings.filter(label__in=_MACHINES).order_by().values("delivery")
    by_people = Exists(openings.filter(delivery=OuterRef("pk"), label__in=_PEOPLE))
    rows = Delivery.objects.filter(~by_people, broadcast__in=broadcasts, pk__in=by_machines).order_by()
    says_opened = Q(result=Result.OPENED)
    counts = rows.values_list("broadcast").annotate(
        counted=Count("pk", filter=says_opened), beside=Count("pk", filter=~says_opened)
    )
    return {broadcast: (counted, beside) for broadcast, counted, beside in counts}


def opened_by_mailbox(deliveries: Iterable[Delivery]) -> set[int]:
    """The numbers of those that a mailbox opened by itself, and as far as anybody knows nobody else."""
    numbers = [row.pk for row in deliveries if row.result < Result.OPENED and row.attempts]
    fetched = Event.objects.filter(delivery__in=numbers, kind=Event.Kind.OPENED, label=Label.AUTOMATIC)
    return set(fetched.order_by().values_list("delivery_id", flat=True)) if numbers else set()
