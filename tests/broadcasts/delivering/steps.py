"""The way of a broadcast in the tests of this room: made, prepared, sent."""

from collections.abc import Sequence

from django.utils import timezone

from broadcasts.delivering.controlling import send_now
from broadcasts.delivering.working import deliver_due, shift
from broadcasts.models import Broadcast, Delivery, Person
from broadcasts.preparing.preparing import announce_preparing, prepare_deliveries
from broadcasts.results import Result
from tests import factory


def make_people(*addresses: str) -> list[Person]:
    factory.make_type()
    return [factory.make_person(factory.make_school(), addresses=[address]) for address in addresses]


def start(people: Sequence[Person], type_name: str = "General") -> Broadcast:
    """A broadcast to these people, prepared and ready to leave."""
    return start_broadcast(factory.make_broadcast(people=people, type_name=type_name))


def start_broadcast(broadcast: Broadcast) -> Broadcast:
    assert send_now(broadcast, None, undo_seconds=0)
    assert announce_preparing(broadcast.pk, timezone.now())
    assert prepare_deliveries(broadcast.pk)
    broadcast.refresh_from_db()
    return broadcast


def deliver(broadcast: Broadcast) -> bool:
    more = deliver_due(broadcast.pk, shift(30))
    broadcast.refresh_from_db()
    return more


def row_of(broadcast: Broadcast, address: str) -> Delivery:
    return broadcast.deliveries.get(email=address)


def results_of(broadcast: Broadcast) -> dict[str, str]:
    return {row.email: str(Result(row.result).label) for row in broadcast.deliveries.all()}


def make_due(broadcast: Broadcast) -> None:
    """As if the time of the next attempt had come."""
    broadcast.deliveries.filter(next_attempt_at__isnull=False).update(next_attempt_at=timezone.now())
