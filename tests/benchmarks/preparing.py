"""Writing the ledger, against Django's bulk_create of the same rows (which has not even worked out the results)."""

from django.utils import timezone

from broadcasts.models import Broadcast, Delivery
from broadcasts.preparing.preparing import prepare_deliveries
from broadcasts.preparing.reach import Reach
from tests.benchmarks.figures import Figure, timed


def measure(broadcast: Broadcast) -> list[Figure]:
    reach = Reach(broadcast)
    with timed("review page's figures") as reviewed:
        total = reach.total
    Broadcast.objects.filter(pk=broadcast.pk).update(status="preparing", send_at=timezone.now())
    with timed("preparing", total) as prepared:
        assert prepare_deliveries(broadcast.pk)
    assert broadcast.deliveries.count() == total
    peer = bulk_create_them_again(broadcast, total)
    prepared.against(peer, "faster than bulk_create")
    return [reviewed, peer, prepared]


def bulk_create_them_again(broadcast: Broadcast, total: int) -> Figure:
    """The same rows in another broadcast: building the objects and storing them; reading people is not counted."""
    again = Broadcast.objects.create(
        school=broadcast.school, broadcast_type=broadcast.broadcast_type, sender=broadcast.sender, name="Again"
    )
    fields = ("person_id", "address_id", "name", "email", "address_key", "language", "result", "note", "is_sendable")
    values = list(broadcast.deliveries.values(*fields))
    with timed("bulk_create of the same rows", total) as figure:
        Delivery.objects.bulk_create((Delivery(broadcast=again, **row) for row in values), batch_size=1000)
    again.deliveries.all().delete()
    again.delete()
    return figure
