"""Write the ledger: one row per recipient with its first result, before the first email leaves."""

from datetime import datetime

from django.db import connection, transaction
from django.db.models import OuterRef, Subquery
from django.utils import timezone

from broadcasts.models import Broadcast, Delivery
from broadcasts.preparing.reach import Reach
from broadcasts.results import Result

INSERT = """
INSERT INTO broadcasts_delivery
    (broadcast_id, person_id, address_id, name, email, address_key, language, result, note, is_sendable,
     state)
{reach}
SELECT %s, person_id, address_id, name, email, address_key, language, result, note, result = 0,
    CASE WHEN result = 0 THEN {waiting} ELSE {idle} END
FROM reach WHERE true ORDER BY person_id, address_id
ON CONFLICT DO NOTHING
"""


def announce_preparing(broadcast_id: int, now: datetime) -> bool:
    """Scheduled → preparing, in a transaction of its own so that pages show it. False: not due, or too late."""
    due = Broadcast.objects.filter(pk=broadcast_id, status=Broadcast.Status.SCHEDULED, send_at__lte=now)
    return due.update(status=Broadcast.Status.PREPARING, worked_on_at=now) == 1


def prepare_deliveries(broadcast_id: int) -> bool:
    """Preparing → sending with every row written: all or nothing, and safe to repeat.

    False when this broadcast is not being prepared, also because somebody else has just done it.
    """
    now = timezone.now()
    with transaction.atomic():
        preparing = Broadcast.objects.filter(pk=broadcast_id, status=Broadcast.Status.PREPARING)
        # Whoever comes second has other things to do than to wait until a million rows are written.
        if not preparing.select_for_update(skip_locked=True, no_key=True):
            return False
        begun = {"prepared_at": now, "tended_at": now, "worked_on_at": None, "next_row": 0}
        if not preparing.update(status=Broadcast.Status.SENDING, **begun):
            return False
        _insert_rows(Broadcast.objects.get(pk=broadcast_id))
        _link_duplicates(broadcast_id)
        return True


def _insert_rows(broadcast: Broadcast) -> None:
    reach, params = Reach(broadcast).sql
    waiting, idle = Delivery.State.WAITING.value, Delivery.State.IDLE.value
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL work_mem = '64MB'")  # two sorts of all rows, which would else go to the disk
        cursor.execute(INSERT.format(reach=reach, waiting=waiting, idle=idle), (*params, broadcast.pk))


def _link_duplicates(broadcast_id: int) -> None:
    """Each Duplicate says which row carries the email."""
    rows = Delivery.objects.filter(broadcast=broadcast_id)
    carrier = rows.filter(address_key=OuterRef("address_key"), is_sendable=True)
    rows.filter(result=Result.DUPLICATE).update(duplicate_of=Subquery(carrier.values("pk")[:1]))
