"""Taking due rows for one worker: a lease with token and expiry, no lock held across the network."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.conf import settings
from django.db import models, transaction
from django.db.models import Exists, OuterRef

from broadcasts.blocking import is_blocked
from broadcasts.models import Attempt, Broadcast, Delivery, Guardianship
from broadcasts.people.lists.resolving import people_on
from broadcasts.results import Result, raised_to

State = Delivery.State
# Retries go on after a broadcast counts as sent.
SENDING = (Broadcast.Status.SENDING, Broadcast.Status.SENT)


@dataclass(frozen=True)
class Batch:
    token: UUID
    deliveries: list[Delivery]


def claim_batch(broadcast_id: int, size: int, now: datetime, token: UUID | None = None) -> Batch:
    """Up to `size` due rows of this broadcast, ours until the lease ends. Empty: nothing due, or not sending.

    `token`: of the rows that we hold already, so that one lease covers them all.
    """
    token = token or uuid4()
    with transaction.atomic():
        sending = Broadcast.objects.filter(pk=broadcast_id, status__in=SENDING)
        if not sending.update(worked_on_at=now, tended_at=now):
            return Batch(token, [])
        due = Delivery.objects.filter(broadcast=broadcast_id).due(now).order_by("next_attempt_at", "pk")
        ids = list(due.select_for_update(skip_locked=True, no_key=True).values_list("pk", flat=True)[:size])
        rows = Delivery.objects.filter(pk__in=ids)
        _drop(rows.filter(is_blocked()), Delivery.Note.BLOCKED, Result.BLOCKED)
        _drop(
            rows.filter(pk__in=_marked_since(broadcast_id, rows)),
            Delivery.Note.DO_NOT_CONTACT,
            Result.NO_EMAIL_SELECTED,
        )
        rows.filter(next_attempt_at__isnull=False).update(
            state=State.CLAIMED, lease_token=token, lease_until=now + timedelta(seconds=settings.LEASE_SECONDS)
        )
        return Batch(token, list(rows.filter(lease_token=token).order_by("pk")) if ids else [])


def _marked_since(broadcast_id: int, rows: models.QuerySet[Delivery]) -> list[int]:
    """Whose guardian somebody marked “do not contact” after preparing, so that the lists no longer lead to them.

    A row that carries the email for others at its address stays: the mark is of a person, not of an address.
    """
    marks = Guardianship.objects.filter(guardian=OuterRef("person"), do_not_contact=True, student__is_active=True)
    carries = Exists(Delivery.objects.filter(duplicate_of=OuterRef("pk"), broadcast=broadcast_id))
    marked = rows.filter(Exists(marks), ~carries, next_attempt_at__isnull=False).order_by()
    people = dict(marked.values_list("pk", "person_id"))
    if not people:
        return []
    broadcast = Broadcast.objects.get(pk=broadcast_id)
    allowed = people_on(broadcast.lists.all(), broadcast.school_id).allowed.filter(pk__in=people.values())
    still = set(allowed.order_by().values_list("pk", flat=True))
    return [row for row, person in people.items() if person not in still]


def _drop(rows: models.QuerySet[Delivery], note: Delivery.Note, result: Result) -> None:
    """What was said after preparing counts too. What must not leave any more never falls due again."""
    pks = list(rows.values_list("pk", flat=True))
    if not pks:
        return
    rows = Delivery.objects.filter(pk__in=pks)
    rows.update(next_attempt_at=None, note=note)
    doubted = Exists(Attempt.objects.filter(delivery=OuterRef("pk"), outcome=Attempt.Outcome.IN_DOUBT))
    # The server may have it already: a result that absorbs every report would be a lie.
    rows.filter(doubted).update(state=State.UNCONFIRMED)
    rows.filter(result=Result.SOFT_BOUNCED).update(result=raised_to(Result.BOUNCED))
    rows.filter(~doubted, result=Result.UNSENT).update(result=raised_to(result))


def release_claims(token: UUID) -> None:
    """Give back what this worker did not get to."""
    take_back_claims(Delivery.objects.filter(lease_token=token))


def put_off_claims(token: UUID, ids: Collection[int], until: datetime) -> None:
    """Rows of this worker that nobody is to try before then."""
    rows = Delivery.objects.filter(lease_token=token, pk__in=ids, state=State.CLAIMED, next_attempt_at__isnull=False)
    rows.update(state=State.IDLE, lease_token=None, lease_until=None, next_attempt_at=until)


def take_back_claims(rows: models.QuerySet[Delivery]) -> int:
    """Rows whose message has not begun to leave are free again; the marks of a worker that holds them are refused."""
    return rows.filter(state=State.CLAIMED).update(state=State.IDLE, lease_token=None, lease_until=None)


def renew_lease(token: UUID, broadcast_id: int, now: datetime) -> int:
    """Still at it: for the lease, and for the sweep. How many rows are ours; 0 when the lease was lost."""
    Broadcast.objects.filter(pk=broadcast_id).update(worked_on_at=now)
    until = now + timedelta(seconds=settings.LEASE_SECONDS)
    return Delivery.objects.filter(lease_token=token, lease_until__gt=now).update(lease_until=until)
