"""Which worker holds which rows: a list of ids with an expiry, so that taking rows changes none of them.

Of a row that waits, exactly one open lease may let the message leave. Whoever closes a lease takes over the rows that
wait in it; those in doubt stay named in it until their doubt has ended.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from broadcasts.among import among
from broadcasts.delivering.clock import lease_clock
from broadcasts.models import Delivery, Lease

State = Delivery.State


class LeaseLost(Exception):
    """Others have our rows by now."""


def hold(token: UUID, broadcast_id: int, rows: Collection[int], now: datetime) -> None:
    """From now on this worker holds these rows and no others. Raises LeaseLost."""
    values = {"rows": list(rows), "until": lease_clock(now) + timedelta(seconds=settings.LEASE_SECONDS)}
    if Lease.objects.filter(token=token, is_open=True).update(**values):
        return
    if Lease.objects.filter(token=token).exists():
        raise LeaseLost
    Lease.objects.create(token=token, broadcast_id=broadcast_id, **values)


def renew_lease(token: UUID, now: datetime) -> bool:
    """False when the lease was lost: the messages on the wire are ours to hear of, no others."""
    until = lease_clock(now) + timedelta(seconds=settings.LEASE_SECONDS)
    return Lease.objects.filter(token=token, until__gt=lease_clock(now)).update(until=until) == 1 and is_ours(
        token, now
    )


def is_ours(token: UUID, now: datetime) -> bool:
    return Lease.objects.filter(token=token, is_open=True, until__gt=lease_clock(now)).exists()


@transaction.atomic
def release_lease(token: UUID, now: datetime) -> None:
    """Give back what this worker did not get to: the next one takes it up as it is."""
    for lease in Lease.objects.filter(token=token).select_for_update(no_key=True):
        waiting, doubtful = _look_at(lease)
        _keep(lease, waiting + doubtful, is_open=bool(waiting), until=lease_clock(now))


@transaction.atomic
def take_over(leases: QuerySet[Lease]) -> list[int]:
    """Close these leases; the rows that waited in them, which their workers can no longer send."""
    taken = []
    # The lock comes first: a mark takes it too, so that what is read here is what the worker will have done.
    for lease in leases.filter(is_open=True).order_by("pk").select_for_update(no_key=True):
        waiting, doubtful = _look_at(lease)
        _keep(lease, doubtful, is_open=False, until=lease.until)
        taken += waiting
    return taken


@transaction.atomic
def set_free(leases: QuerySet[Lease], broadcast_id: int, now: datetime) -> None:
    """Take the waiting rows from their workers, for whoever comes next."""
    if taken := take_over(leases):
        Lease.objects.create(broadcast_id=broadcast_id, rows=taken, until=lease_clock(now))


@transaction.atomic
def settle(leases: QuerySet[Lease]) -> None:
    """Forget the rows that need nothing any more, and the leases that are left with none.

    A row in doubt whose message certainly did not leave waits again: then somebody may take the lease up.
    """
    for lease in leases.select_for_update(skip_locked=True, no_key=True):
        waiting, doubtful = _look_at(lease)
        _keep(lease, waiting + doubtful, is_open=bool(waiting), until=lease.until)


def _look_at(lease: Lease) -> tuple[list[int], list[int]]:
    """Of its rows, those that wait and those in doubt."""
    rows = Delivery.objects.filter(among("pk", lease.rows), state__in=[State.WAITING, State.IN_DOUBT])
    states = list(rows.order_by("pk").values_list("pk", "state"))
    waiting = [pk for pk, state in states if state == State.WAITING]
    return waiting, [pk for pk, state in states if state == State.IN_DOUBT]


def _keep(lease: Lease, rows: list[int], *, is_open: bool, until: Any) -> None:
    if not rows:
        lease.delete()
    elif (rows, is_open, until) != (lease.rows, lease.is_open, lease.until):
        Lease.objects.filter(pk=lease.pk).update(rows=rows, is_open=is_open, until=until)
