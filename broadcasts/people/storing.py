"""Writing a plan to the directory in few and large statements. The caller holds the transaction."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import chain
from typing import TypeVar, cast

from django.db import connection
from django.db.models import Field, Model, QuerySet
from django.utils import timezone

from broadcasts.models import BroadcastType, ContactType, EmailAddress, List, ListMember, Person
from broadcasts.people.cells import Address
from broadcasts.people.directory import CHUNK, in_chunks
from broadcasts.people.planning import Change, Plan, TypeSet, default_kind

AnyRow = TypeVar("AnyRow", bound=Model)
Value = bool | int | str | datetime
Choice = tuple[TypeSet, bool, str]  # types, whether they are received, and who chose that
UPLOAD = ContactType.ChosenBy.UPLOAD.value
FAMILY = ContactType.ChosenBy.FAMILY.value


def store_people(plan: Plan) -> set[int]:
    """The keys of the new people."""
    _update_people(plan.changed)
    _remove_addresses(plan.changed)
    _return_addresses(plan.changed)
    _switch_types(plan.changed)
    brought = {change.person.pk: (_first_seen(change), change.wanted.types) for change in plan.changed}
    new = _insert_people(plan)
    brought |= {pk: (one.row.addresses, one.types) for pk, one in zip(new, plan.new, strict=True)}
    _store_addresses(plan, brought)
    return set(new)


def join_list(into: List, people: Iterable[int]) -> None:
    """Those who are members already stay members once."""
    _insert(ListMember, ("list", "person"), ((into.pk, pk) for pk in sorted(people)), "ON CONFLICT DO NOTHING")


def _insert_people(plan: Plan) -> list[int]:
    """Their keys, in the order of the plan."""
    now, school = _now(), plan.school
    rows = (
        (school.pk, row.name, default_kind(row), row.language or school.language, True, now)
        for row in (wanted.row for wanted in plan.new)
    )
    fields = ("school", "name", "kind", "language", "is_active", "created_at")
    return _insert(Person, fields, rows, "RETURNING id")


def _store_addresses(plan: Plan, brought: dict[int, tuple[tuple[Address, ...], TypeSet]]) -> None:
    for people in in_chunks(brought, 10_000):
        rows = [
            (person, address.address, address.key, not address.problem, position)
            for person in people
            for position, address in enumerate(brought[person][0])
        ]
        fields = ("person", "address", "key", "is_valid", "position")
        stored = _insert(EmailAddress, fields, rows, "RETURNING id")
        _insert_choices(
            (pk, *choice)
            for pk, (person, _address, key, _valid, _position) in zip(stored, rows, strict=True)
            for choice in _first_choices(plan, key, brought[person][1])
        )


def _first_choices(plan: Plan, key: str, receives: TypeSet) -> Iterator[Choice]:
    family = plan.family_choices.get(key, {})
    yield frozenset(receives - family.keys()), True, UPLOAD
    for wants in set(family.values()):
        yield frozenset(kind for kind in family if family[kind] == wants), wants, FAMILY


def _insert_choices(choices: Iterable[tuple[int, TypeSet, bool, str]]) -> None:
    """For each address and all the types of its choice.

    Most people choose alike: the database pairs addresses and types itself, at a tenth of the values to send.
    """
    alike: dict[Choice, list[int]] = defaultdict(list)
    for address, types, receives, by in choices:
        if types:
            alike[types, receives, by].append(address)
    now, fields = _now(), "address_id, broadcast_type_id, receives, chosen_by, changed_at"
    into, addresses, all_types = _table(ContactType), _table(EmailAddress), _table(BroadcastType)
    with connection.cursor() as cursor:
        for (types, receives, by), pks in alike.items():
            for chunk in in_chunks(pks):
                cursor.execute(
                    f"INSERT INTO {into} ({fields}) SELECT a.id, t.id, %s, %s, %s "  # noqa: S608
                    f"FROM {addresses} a CROSS JOIN {all_types} t "
                    f"WHERE a.id IN ({_places(chunk)}) AND t.id IN ({_places(types)})",
                    [receives, by, now, *chunk, *types],
                )


def _table(model: type[Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)  # noqa: SLF001


def _places(values: Collection[object]) -> str:
    return ", ".join(["%s"] * len(values))


def _insert(model: type[Model], fields: Sequence[str], rows: Iterable[tuple[Value, ...]], end: str = "") -> list[int]:
    """What bulk_create does, without an object for each row: a third of the time while others wait to write.

    With the end "RETURNING id", the keys in the order of the rows.
    """
    meta, quote = model._meta, connection.ops.quote_name  # noqa: SLF001
    columns = [quote(cast("Field[object, object]", meta.get_field(field)).column or "") for field in fields]
    places = f"({_places(columns)})"
    start = f"INSERT INTO {_table(model)} ({', '.join(columns)}) VALUES"
    pks: list[int] = []
    with connection.cursor() as cursor:
        for chunk in in_chunks(rows, CHUNK // len(columns)):
            cursor.execute(f"{start} {', '.join([places] * len(chunk))} {end}", [*chain.from_iterable(chunk)])
            if end.startswith("RETURNING"):
                pks += [pk for (pk,) in cursor.fetchall()]
    return pks


def _now() -> str | datetime:
    return cast("str | datetime", connection.ops.adapt_datetimefield_value(timezone.now()))


def _update_people(changes: list[Change]) -> None:
    same: dict[tuple[str, str | bool], list[int]] = defaultdict(list)
    for change in changes:
        for field, value in change.fields.items():
            if field != "name":
                same[field, value].append(change.person.pk)
    for (field, value), pks in same.items():
        _update_in_chunks(Person.objects.all(), pks, {field: value})
    _rename([(change.fields["name"], change.person.pk) for change in changes if "name" in change.fields])


def _rename(names: list[tuple[str | bool, int]]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(f"UPDATE {_table(Person)} SET name = %s WHERE id = %s", names)  # noqa: S608


def _remove_addresses(changes: list[Change]) -> None:
    for chunk in in_chunks(address.pk for change in changes for address in change.removed):
        EmailAddress.objects.filter(pk__in=chunk).delete()


def _return_addresses(changes: list[Change]) -> None:
    """A retired one is in use again, under its old key: the Email Log points to it."""
    back = (change.person.retired[one.key].pk for change in changes for one in change.added if _is_back(change, one))
    _update_in_chunks(EmailAddress.objects.all(), back, {"is_active": True, "replaced_by": None})


def _first_seen(change: Change) -> tuple[Address, ...]:
    return tuple(one for one in change.added if not _is_back(change, one))


def _is_back(change: Change, address: Address) -> bool:
    return address.key in change.person.retired


def _switch_types(changes: list[Change]) -> None:
    same: dict[bool, list[int]] = defaultdict(list)
    for change in changes:
        for _address, known, _kind, receives in change.switched:
            same[receives].append(known.pk)
    for receives, pks in same.items():
        values = {"receives": receives, "chosen_by": UPLOAD, "changed_at": timezone.now()}
        _update_in_chunks(ContactType.objects.all(), pks, values)
    _insert_choices(
        (address.pk, frozenset([kind]), True, UPLOAD)
        for change in changes
        for address, kind in change.switched_on_first
    )


def _update_in_chunks(rows: QuerySet[AnyRow], pks: Iterable[int], values: dict[str, object]) -> None:
    for chunk in in_chunks(pks):
        rows.filter(pk__in=chunk).update(**values)
