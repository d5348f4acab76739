"""Taking rows for one worker: a lease with token and expiry, no lock held across the network."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from django.db import models, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from broadcasts.among import among
from broadcasts.blocking import is_row_blocked
from broadcasts.composing.headers import Recipient
from broadcasts.delivering.clock import lease_clock
from broadcasts.delivering.leasing import hold, is_ours, take_over
from broadcasts.models import Attempt, Broadcast, Delivery, Guardianship, Lease
from broadcasts.people.lists.resolving import people_on
from broadcasts.results import Result, raised_to

State = Delivery.State
# Retries go on after a broadcast counts as sent.
SENDING = (Broadcast.Status.SENDING, Broadcast.Status.SENT)


@dataclass(slots=True)
class Job:
    """One row in a worker's hands."""

    pk: int
    name: str
    email: str
    language: str
    attempts: int

    @property
    def recipient(self) -> Recipient:
        return Recipient(self.pk, self.name, self.email, self.language)


@dataclass(frozen=True)
class Batch:
    token: UUID
    jobs: list[Job]


def has_rows_to_send(now: datetime) -> Q:
    """Of broadcasts: first attempts to begin, others that are due, or rows that no worker holds any more."""
    of_it = OuterRef("pk")
    due = Delivery.objects.filter(broadcast=of_it).due(now)
    left = Lease.objects.filter(broadcast=of_it, is_open=True, until__lte=lease_clock(now))
    return Q(next_row__isnull=False) | Q(Exists(due)) | Q(Exists(left))


def claim_batch(
    broadcast_id: int, size: int, now: datetime, token: UUID | None = None, held: Collection[int] = ()
) -> Batch:
    """About `size` rows of this broadcast, ours until the lease ends. Empty: nothing to send, or not sending.

    `token` and `held`: of the lease and the rows that we hold already, so that one lease covers them all.
    Raises LeaseLost when others have taken these.
    """
    token = token or uuid4()
    with transaction.atomic():
        # Also the lock that makes workers of one broadcast claim one after the other.
        sending = Broadcast.objects.filter(pk=broadcast_id, status__in=SENDING)
        if not sending.update(worked_on_at=now, tended_at=now):
            return Batch(token, [])
        ids = _left_behind(broadcast_id, size, now, token)
        ids += _next_first_attempts(broadcast_id, size - len(ids))
        ids += _due_again(broadcast_id, size - len(ids), now)
        jobs = _check(broadcast_id, ids) if ids else []
        if jobs:
            hold(token, broadcast_id, [*held, *(job.pk for job in jobs)], now)
        return Batch(token, jobs)


def _left_behind(broadcast_id: int, size: int, now: datetime, token: UUID) -> list[int]:
    """What a worker that died or stopped had taken and not begun: of one at a time, for others want some too."""
    ended = Lease.objects.filter(broadcast=broadcast_id, is_open=True, until__lte=lease_clock(now)).exclude(pk=token)
    first = ended.order_by("until").first()
    if first is None:
        return []
    waiting = take_over(Lease.objects.filter(pk=first.pk))
    # A pause may have put the rows of many workers into one.
    if rest := waiting[size:]:
        Lease.objects.create(broadcast_id=broadcast_id, rows=rest, until=first.until)
    return waiting[:size]


def _next_first_attempts(broadcast_id: int, size: int) -> list[int]:
    (start,) = Broadcast.objects.filter(pk=broadcast_id).values_list("next_row", flat=True)
    if start is None or size <= 0:
        return []
    # A row that was added by hand has its date, and may be waiting in a lease already.
    rows = Delivery.objects.filter(
        broadcast=broadcast_id, pk__gte=start, state=State.WAITING, sent_again_for__isnull=True
    )
    ids = list(rows.order_by("pk").values_list("pk", flat=True)[: size + 1])
    Broadcast.objects.filter(pk=broadcast_id).update(next_row=ids[size] if len(ids) > size else None)
    return ids[:size]


def _due_again(broadcast_id: int, size: int, now: datetime) -> list[int]:
    if size <= 0:
        return []
    due = Delivery.objects.filter(broadcast=broadcast_id).due(now).order_by("next_attempt_at", "pk")
    ids = list(due.select_for_update(skip_locked=True, no_key=True).values_list("pk", flat=True)[:size])
    if ids:
        Delivery.objects.filter(among("pk", ids)).update(state=State.WAITING, next_attempt_at=None)
    return ids


def _check(broadcast_id: int, ids: Sequence[int]) -> list[Job]:
    """Without those that must not be written to, by what was said after preparing."""
    rows = Delivery.objects.filter(among("pk", ids))
    _drop(rows.filter(is_row_blocked()), Delivery.Note.BLOCKED, Result.BLOCKED)
    marked = Delivery.objects.filter(pk__in=_marked_since(broadcast_id, rows))
    _drop(marked, Delivery.Note.DO_NOT_CONTACT, Result.NO_EMAIL_SELECTED)
    waiting = rows.filter(state=State.WAITING).order_by("pk")
    return [Job(*values) for values in waiting.values_list("pk", "name", "email", "language", "attempts")]


def _marked_since(broadcast_id: int, rows: models.QuerySet[Delivery]) -> list[int]:
    """Whose guardian somebody marked “do not contact” after preparing, so that the lists no longer lead to them.

    A row that carries the email for others at its address stays: the mark is of a person, not of an address.
    """
    marks = Guardianship.objects.filter(guardian=OuterRef("person"), do_not_contact=True, student__is_active=True)
    carries = Exists(Delivery.objects.filter(duplicate_of=OuterRef("pk"), broadcast=broadcast_id))
    marked = rows.filter(Exists(marks), ~carries, state=State.WAITING).order_by()
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
    rows.update(state=State.IDLE, next_attempt_at=None, note=note)
    doubted = Exists(Attempt.objects.filter(delivery=OuterRef("pk"), outcome=Attempt.Outcome.IN_DOUBT))
    # The server may have it already: a result that absorbs every report would be a lie.
    rows.filter(doubted).update(state=State.UNCONFIRMED)
    rows.filter(result=Result.SOFT_BOUNCED).update(result=raised_to(Result.BOUNCED))
    rows.filter(~doubted, result=Result.UNSENT).update(result=raised_to(result))


def put_off_claims(token: UUID, ids: Collection[int], until: datetime) -> None:
    """Rows of this worker that nobody is to try before then."""
    if is_ours(token, timezone.now()):
        rows = Delivery.objects.filter(among("pk", ids), state=State.WAITING)
        rows.update(state=State.IDLE, next_attempt_at=until)
