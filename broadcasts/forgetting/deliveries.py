"""Names, addresses and words out of the rows of one broadcast, some rows at a time, each time in one transaction.

Only a broadcast that has ended and settled. Who is killed in between goes on after the last row that was done.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Sum
from django.utils import timezone

from broadcasts import audit
from broadcasts.among import among
from broadcasts.forgetting.also import FIGURES_OF, WORDS_ABOUT
from broadcasts.forgetting.anonymous import anonymous, name_instead
from broadcasts.forgetting.groups import groups_to_keep
from broadcasts.forgetting.rules import Kind, Scope
from broadcasts.models import Attempt, Broadcast, Delivery, Lease, Removal, ResultCount
from broadcasts.models.retention import FEWEST_DAYS

ROWS_AT_ONCE = 1_000
ENDED = (Broadcast.Status.SENT, Broadcast.Status.CANCELLED)
State, Removed = Delivery.State, Delivery.Removed
LEVELS = {Kind.WORDS: Removed.WORDS, Kind.ADDRESSES: Removed.ADDRESSES}

_TABLE = Delivery._meta.db_table  # noqa: SLF001
# The columns of VALUES have these names in PostgreSQL and SQLite alike.
_PAIR = "(CAST(%s AS bigint), CAST(%s AS varchar(320)))"
_ANONYMISE = f"""
UPDATE {_TABLE} SET name = %s, address_key = made.column2,
    email = CASE WHEN email = '' THEN '' ELSE made.column2 END,
    person_id = NULL, address_id = NULL, late_bounce_reason = '', removed = {Removed.ADDRESSES.value}
FROM (VALUES {{pairs}}) AS made WHERE {_TABLE}.id = made.column1 AND removed < {Removed.ADDRESSES.value}
"""  # noqa: S608 - names of our own


def due_broadcasts(scope: Scope, now: datetime) -> QuerySet[Broadcast]:
    """In which there is something left to remove, the oldest first."""
    of_it = OuterRef("pk")
    lately = now - timedelta(days=FEWEST_DAYS)
    is_busy = Q(next_attempt_at__isnull=False) | Q(state__in=[State.WAITING, State.IN_DOUBT])
    moving = Delivery.objects.filter(is_busy | Q(last_attempt_at__gte=lately), broadcast=of_it, is_settled=False)
    done = Removal.objects.filter(broadcast=of_it, kind=scope.kind, ended_at__isnull=False)
    more = Removal.objects.filter(broadcast=of_it, kind=Kind.ADDRESSES, ended_at__isnull=False)
    found = Broadcast.objects.filter(
        ~Exists(done),
        ~Exists(Lease.objects.filter(broadcast=of_it)),
        ~Exists(moving),
        school=scope.school,
        status__in=ENDED,
        finished_at__lt=scope.until(now),
    )
    return (found.filter(~Exists(more)) if scope.kind == Kind.WORDS else found).order_by("finished_at", "pk")


def count_rows_left(broadcasts: QuerySet[Broadcast], kind: str) -> int:
    """By the counts that the database keeps: nothing is read for it."""
    keys = broadcasts.order_by().values("pk")
    rows = ResultCount.objects.filter(broadcast__in=keys).aggregate(rows=Sum("count", default=0))["rows"]
    done = Removal.objects.filter(broadcast__in=keys, kind=kind).aggregate(rows=Sum("rows", default=0))["rows"]
    return int(rows) - int(done)


@transaction.atomic
def begin(broadcast: Broadcast, scope: Scope, now: datetime) -> Removal | None:
    """Its removal, on record from the first row on. None: it is not due, or not any more."""
    # Under the lock: nobody else begins the same at this moment.
    still = due_broadcasts(scope, now).filter(pk=broadcast.pk)
    if not Broadcast.objects.select_for_update(no_key=True).filter(pk=broadcast.pk) or not still.exists():
        return None
    removal = Removal.objects.filter(broadcast=broadcast, kind=scope.kind).first()
    if removal is None:
        groups = groups_to_keep(broadcast) if scope.kind == Kind.ADDRESSES else {}
        removal = Removal.objects.create(
            broadcast=broadcast, kind=scope.kind, days=scope.days, groups=groups, begun_at=now
        )
        rows = count_rows_left(still, scope.kind)
        audit.record(None, f"{scope.kind}.removal_begun", broadcast, school=scope.school, rows=rows, days=scope.days)
    return removal


@transaction.atomic
def remove_some(removal_id: int, domains: Collection[str], most: int = ROWS_AT_ONCE) -> bool:
    """Of its next rows. False: nothing is left to do here, or somebody else is at it."""
    free = Removal.objects.select_for_update(skip_locked=True, no_key=True, of=("self",))
    removal = free.select_related("broadcast__school").filter(pk=removal_id, ended_at=None).first()
    if removal is None:
        return False
    rows = removal.broadcast.deliveries.filter(pk__gt=removal.last_row).order_by("pk").select_for_update()
    # In the order of their keys, as those do who record what is reported: nobody waits in a circle.
    found = list(rows.values_list("pk", "address_key")[:most])
    pks = [pk for pk, _key in found]
    if removal.kind == Kind.ADDRESSES:
        _anonymise([(pk, anonymous(removal.broadcast_id, key, domains)) for pk, key in found])
    else:
        _drop_words(pks)
    _drop_words_about(pks)
    removal.rows += len(pks)
    removal.last_row = max(pks, default=removal.last_row)
    if len(pks) < most:
        _end(removal)
    removal.save(update_fields=["rows", "last_row", "ended_at"])
    return removal.ended_at is None


def _anonymise(pairs: Sequence[tuple[int, str]]) -> None:
    if pairs:
        statement = _ANONYMISE.format(pairs=", ".join([_PAIR] * len(pairs)))
        with connection.cursor() as cursor:
            cursor.execute(statement, [name_instead(), *(value for pair in pairs for value in pair)])


def _drop_words(pks: Collection[int]) -> None:
    rows = Delivery.objects.filter(among("pk", pks), removed__lt=Removed.WORDS)
    rows.update(late_bounce_reason="", removed=Removed.WORDS)


def _drop_words_about(pks: Collection[int]) -> None:
    """What a server says often names the address."""
    Attempt.objects.filter(among("delivery", pks)).exclude(text="").update(text="")
    for drop in WORDS_ABOUT:
        drop(pks)


def _end(removal: Removal) -> None:
    broadcast = removal.broadcast
    Broadcast.objects.filter(pk=broadcast.pk).exclude(last_refusal="").update(last_refusal="")
    for forget in FIGURES_OF:
        forget(broadcast.pk)
    removal.ended_at = timezone.now()
    audit.record(
        None,
        f"{removal.kind}.removed",
        broadcast,
        school=broadcast.school,
        rows=removal.rows,
        days=removal.days,
    )
