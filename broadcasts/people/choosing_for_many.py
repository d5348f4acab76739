"""Switching broadcast types on or off for the addresses of many people, as a fixed number of statements."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import connection, models, transaction
from django.db.models import (
    BooleanField,
    Count,
    DateTimeField,
    Exists,
    FilteredRelation,
    OuterRef,
    Q,
    QuerySet,
    Value,
)
from django.utils import timezone

from broadcasts.models import BroadcastType, ContactType, ContactTypeChange, EmailAddress, Person, User
from broadcasts.people.choosing import FAMILY, STAFF


@dataclass(frozen=True, slots=True)
class Switch:
    """What switching one type does, or did, to the addresses."""

    broadcast_type: BroadcastType
    receives: bool
    changed: int
    kept_by_family: int
    already: int


def addresses_of(people: QuerySet[Person], *, only_valid: bool = False) -> QuerySet[EmailAddress]:
    """Those in use."""
    addresses = EmailAddress.objects.order_by().filter(is_active=True, person__in=people.order_by().values("pk"))
    return addresses.filter(is_valid=True) if only_valid else addresses


def foresee_switches(addresses: QuerySet[EmailAddress], wanted: Mapping[BroadcastType, bool]) -> list[Switch]:
    """What `switch_for_many` would do now."""
    return [_foresee(addresses, kind, receives) for kind, receives in wanted.items()]


@transaction.atomic
def switch_for_many(
    addresses: QuerySet[EmailAddress], wanted: Mapping[BroadcastType, bool], *, by: User | None
) -> list[Switch]:
    """A family's own choice stays. Safe to repeat: what is so already is not written again."""
    switches = []
    for kind, receives in wanted.items():
        foreseen = _foresee(addresses, kind, receives)
        changed = _switch(addresses, kind, receives, by)
        switches.append(Switch(kind, receives, changed, foreseen.kept_by_family, foreseen.already))
    return switches


def _foresee(addresses: QuerySet[EmailAddress], kind: BroadcastType, receives: bool) -> Switch:  # noqa: FBT001
    choice = FilteredRelation("contact_types", condition=Q(contact_types__broadcast_type=kind))
    by_family = Q(choice__chosen_by=FAMILY)
    against_family = by_family & Q(choice__receives=False) if not kind.is_families_choice else Q(pk__in=[])
    comes = Q(choice__receives=True) | against_family
    # who has no choice gets nothing
    is_so = comes if receives else (Q(choice__receives=False) & ~against_family) | Q(choice__isnull=True)
    counts = addresses.annotate(choice=choice).aggregate(
        all=Count("pk"),
        already=Count("pk", filter=is_so),
        family=Count("pk", filter=by_family & Q(choice__receives=not receives) & ~against_family),
    )
    changed = counts["all"] - counts["already"] - counts["family"]
    return Switch(kind, receives, changed, counts["family"], counts["already"])


def _switch(addresses: QuerySet[EmailAddress], kind: BroadcastType, receives: bool, by: User | None) -> int:  # noqa: FBT001
    """How many addresses changed. What this moment changed is found again by the moment."""
    now = timezone.now()
    mine = ContactType.objects.filter(broadcast_type=kind, address__in=addresses.values("pk"))
    changed = mine.filter(~Q(chosen_by=FAMILY), receives=not receives)
    if not receives and not kind.is_families_choice:
        changed |= mine.filter(chosen_by=FAMILY, receives=False)  # it came against their will: now it does not
    count = changed.update(receives=receives, chosen_by=STAFF, changed_at=now)
    moment = Value(now, DateTimeField())
    if receives:
        without = addresses.exclude(Exists(ContactType.objects.filter(address=OuterRef("pk"), broadcast_type=kind)))
        rows = without.values_list("pk", Value(kind.pk), Value(True, BooleanField()), Value(STAFF), moment)
        count += _insert(ContactType, ("address", "broadcast_type", "receives", "chosen_by", "changed_at"), rows)
    kept = mine.filter(changed_at=now, chosen_by=STAFF).order_by()
    history = kept.values_list(
        "address_id",
        "broadcast_type_id",
        "receives",
        "chosen_by",
        Value(by.pk if by else None, models.BigIntegerField()),
        moment,
    )
    fields = ("address", "broadcast_type", "receives", "chosen_by", "changed_by", "at")
    _insert(ContactTypeChange, fields, history)
    return count


def _insert(model: type[models.Model], fields: tuple[str, ...], rows: QuerySet[models.Model, object]) -> int:
    """INSERT ... SELECT; somebody else's row of the same moment stays. How many were written."""
    meta, quote = model._meta, connection.ops.quote_name  # noqa: SLF001
    columns = ", ".join(quote(str(meta.get_field(field).column)) for field in fields)  # type: ignore[union-attr]
    sql, params = rows.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {quote(meta.db_table)} ({columns}) {sql} ON CONFLICT DO NOTHING", params)
        return int(cursor.rowcount)
