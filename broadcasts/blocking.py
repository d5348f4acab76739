"""The only code that touches the Blocked Email list."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.db import connection, transaction
from django.db.models import (
    BooleanField,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    TextField,
    Value,
)
from django.db.models.functions import Cast
from django.utils import timezone

from broadcasts import audit
from broadcasts.addresses import address_key
from broadcasts.gathering import Gathered
from broadcasts.models import AuditEntry, BlockedEmail, BlockLevel, User

# SQLite takes 32,766 values in one statement.
TOGETHER = 1000
DEEDS = ("blocked_email.added", "blocked_email.tightened", "blocked_email.removed")
Row = TypeVar("Row")
_TABLE = BlockedEmail._meta.db_table  # noqa: SLF001
COLUMNS = ("address", "key", "level", "reason", "source", "added_by_id", "added_at")
_STRICT = Q(level=BlockLevel.EVERYTHING)


@dataclass(frozen=True, slots=True)
class Block:
    """An address that is to be on the list."""

    address: str
    reason: str
    level: str = BlockLevel.EVERYTHING


def is_blocked(key: str = "address_key", *, emergency: bool | OuterRef) -> Exists:
    """A condition for querysets whose field `key` holds an `address_key`.

    `emergency`: whether the broadcast is one, as a value or as a field of the queryset.
    """
    entries = BlockedEmail.objects.filter(key=OuterRef(key))
    if isinstance(emergency, OuterRef):
        is_emergency = ExpressionWrapper(emergency, BooleanField())
        return Exists(entries.alias(is_emergency=is_emergency).filter(_STRICT | Q(is_emergency=False)))
    return Exists(entries.filter(_STRICT) if emergency else entries)


def is_row_blocked() -> Exists:
    """The same for deliveries, by the type of the broadcast of each."""
    return is_blocked(emergency=OuterRef("broadcast__broadcast_type__is_emergency"))


def level_of_block(key: str = "key") -> Subquery:
    """For querysets whose field `key` holds an `address_key`; null where nothing is blocked."""
    return Subquery(BlockedEmail.objects.filter(key=OuterRef(key)).values("level")[:1])


def find_block(address_or_key: str) -> BlockedEmail | None:
    return BlockedEmail.objects.select_related("added_by").filter(key=address_key(address_or_key)).first()


def find_blocks(keys: Collection[str]) -> Mapping[str, BlockedEmail]:
    return {block.key: block for block in BlockedEmail.objects.filter(key__in=keys)}


def deeds_about(key: str) -> QuerySet[AuditEntry]:
    """What was done to this address on the list, newest first."""
    named = Q(details__key=key) | Q(object_label__iexact=key)
    return AuditEntry.objects.filter(named, object_type="blockedemail", action__in=DEEDS)


def times_of_lifting(keys: Collection[str]) -> Mapping[str, datetime]:
    """When each of these was last taken off the list by a person."""
    removed = AuditEntry.objects.filter(
        object_type="blockedemail", action="blocked_email.removed", actor__isnull=False, details__key__in=list(keys)
    )
    return {details["key"]: at for details, at in removed.order_by("at").values_list("details", "at")}


def count_blocked(keys: Collection[str]) -> int:
    """How many of these address keys, each named once, are on the list."""
    return BlockedEmail.objects.filter(key__in=keys).count()


def block_addresses(
    addresses: Iterable[str],
    *,
    reason: str,
    source: BlockedEmail.Source,
    by: User | None = None,
    level: str = BlockLevel.EVERYTHING,
) -> list[BlockedEmail]:
    """Put addresses on the list, all for one reason; see `block_each`."""
    return block_each([Block(address, reason, level) for address in addresses], source=source, by=by)


@transaction.atomic
def block_each(blocks: Iterable[Block], *, source: BlockedEmail.Source, by: User | None = None) -> list[BlockedEmail]:
    """Put addresses on the list. Those that are on it stay as they are, unless this block is the stricter one.

    Returns the entries that are new or stricter now.
    """
    named = {address_key(block.address): block for block in blocks if block.address.strip()}
    # In the order of their keys: two transactions must not wait for each other in a circle.
    wanted = dict(sorted(named.items()))
    added = find_all(_insert(wanted, source, by))
    audit.record_each(by, "blocked_email.added", [(entry, _facts(entry)) for entry in added.values()])
    others = {key: block for key, block in wanted.items() if key not in added}
    changed = added | _tighten(others, source, by)
    return [changed[key] for key in named if key in changed]


def find_all(keys: Collection[str]) -> dict[str, BlockedEmail]:
    found: dict[str, BlockedEmail] = {}
    for some in _chunks(sorted(keys)):
        found |= find_blocks(some)
    return found


def _insert(wanted: Mapping[str, Block], source: BlockedEmail.Source, by: User | None) -> set[str]:
    """The keys that were not on the list before: of two complaints in the same moment, one is told so."""
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    new: set[str] = set()
    names = ", ".join(COLUMNS)
    for some in _chunks(list(wanted.items())):
        values = [
            (
                block.address.strip()[:320],
                key,
                str(block.level),
                block.reason[:500],
                source.value,
                by.pk if by else None,
                now,
            )
            for key, block in some
        ]
        places = ", ".join([f"({', '.join(['%s'] * len(COLUMNS))})"] * len(values))
        statement = f"INSERT INTO {_TABLE} ({names}) VALUES {places} ON CONFLICT (key) DO NOTHING RETURNING key"  # noqa: S608 - names of our own
        with connection.cursor() as cursor:
            cursor.execute(statement, [value for row in values for value in row])
            new.update(key for (key,) in cursor.fetchall())
    return new


def _tighten(wanted: Mapping[str, Block], source: BlockedEmail.Source, by: User | None) -> dict[str, BlockedEmail]:
    """A complaint about an address that only emergencies went to: from now on, nothing does."""
    strict = {key: block for key, block in wanted.items() if block.level == BlockLevel.EVERYTHING}
    tightened = {}
    for key, entry in find_all(strict).items():
        block, was = strict[key], entry.reason
        entry.level, entry.reason, entry.source = BlockLevel.EVERYTHING, block.reason[:500], source
        entry.added_by, entry.added_at = by, timezone.now()
        loose = BlockedEmail.objects.filter(pk=entry.pk, level=BlockLevel.EXCEPT_EMERGENCY)
        fields = ("level", "reason", "source", "added_by", "added_at")
        if loose.update(**{name: getattr(entry, name) for name in fields}):
            audit.record(by, "blocked_email.tightened", entry, **_facts(entry), was=was)
            tightened[key] = entry
    return tightened


@dataclass(frozen=True, slots=True)
class OnList:
    """Of gathered addresses."""

    addresses: int
    known: int  # are on the list
    known_loosely: int  # of them, for everything except Emergency

    @property
    def new(self) -> int:
        return self.addresses - self.known


def compare_gathered(addresses: Gathered) -> OnList:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT COUNT(*), COUNT(entry.id), COUNT(CASE WHEN entry.level = %s THEN 1 END) "  # noqa: S608
            f"FROM {addresses.table} AS named LEFT JOIN {_TABLE} AS entry ON entry.key = named.key",
            [BlockLevel.EXCEPT_EMERGENCY.value],
        )
        return OnList(*cursor.fetchone())


@transaction.atomic
def block_gathered(addresses: Gathered, *, reason: str, level: str, by: User) -> int:
    """Block these addresses as `block_each` would, in a few statements however many there are.

    Returns how many are new on the list or stricter now.
    """
    reason = reason[:500]
    added = _insert_gathered(addresses, reason, level, by)
    if level != BlockLevel.EVERYTHING:
        return added
    return added + _tighten_gathered(addresses, reason, by)


def _insert_gathered(addresses: Gathered, reason: str, level: str, by: User) -> int:
    now = timezone.now()
    same = (level, reason, BlockedEmail.Source.STAFF.value, by.pk, connection.ops.adapt_datetimefield_value(now))
    with connection.cursor() as cursor:
        # In the order of their keys, like `block_each`.
        cursor.execute(
            f"INSERT INTO {_TABLE} ({', '.join(COLUMNS)}) SELECT email, key, %s, %s, %s, %s, %s "  # noqa: S608
            f"FROM {addresses.table} WHERE true ORDER BY key ON CONFLICT (key) DO NOTHING",
            same,
        )
    added = BlockedEmail.objects.filter(added_at=now, added_by=by)
    _record_all(by, "blocked_email.added", added)
    return added.count()


def _tighten_gathered(addresses: Gathered, reason: str, by: User) -> int:
    """The old reason goes on record before the new one takes its place: whoever is marked with `now` is ours."""
    loose = BlockedEmail.objects.filter(level=BlockLevel.EXCEPT_EMERGENCY, key__in=addresses.all("key"))
    sql, params = loose.select_for_update().order_by("key").values_list("pk").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM ({sql}) AS locked", params)  # noqa: S608
    now = timezone.now() + timedelta(microseconds=1)  # not the moment of those that were added
    source = BlockedEmail.Source.STAFF
    tightened = loose.update(level=BlockLevel.EVERYTHING, source=source, added_by=by, added_at=now)
    mine = BlockedEmail.objects.filter(added_at=now, added_by=by)
    said = Cast(Value(reason), TextField())
    _record_all(by, "blocked_email.tightened", mine, reason=said, was=F("reason"))
    mine.update(reason=reason)
    return tightened


def _record_all(by: User, deed: str, entries: QuerySet[BlockedEmail], **details: Any) -> None:
    fields = ("reason", "source", "level", "key")
    audit.record_all(by, deed, entries, label="address", **{name: F(name) for name in fields} | details)


@transaction.atomic
def unblock_addresses(addresses: Iterable[str], *, reason: str = "", by: User | None = None) -> list[str]:
    """Take addresses off the list, on record. Returns those that were on it: of two at once, one does it."""
    removed = []
    for entry in find_all({address_key(address) for address in addresses}).values():
        pk = entry.pk
        if BlockedEmail.objects.filter(pk=pk).delete()[0]:
            facts = _facts(entry) | {"reason": reason, "was": entry.reason}
            audit.record(by, "blocked_email.removed", entry, **facts)
            removed.append(entry.address)
    return removed


def _facts(entry: BlockedEmail) -> dict[str, Any]:
    return {"reason": entry.reason, "source": str(entry.source), "level": str(entry.level), "key": entry.key}


def _chunks(rows: Sequence[Row]) -> Iterable[Sequence[Row]]:
    return (rows[start : start + TOGETHER] for start in range(0, len(rows), TOGETHER))
