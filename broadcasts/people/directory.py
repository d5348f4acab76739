"""The people of a school as an upload compares them with its rows."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

from django.db.models import Q

from broadcasts.models import ContactType, EmailAddress, FamilyChoice, List, Person, School

Item = TypeVar("Item")
# SQLite as Django uses it takes 999 variables in one statement.
CHUNK = 900
# From here on it is quicker to read the whole school's addresses than to name their owners.
MANY = 5_000


@dataclass(slots=True)
class KnownType:
    pk: int
    receives: bool
    chosen_by: str


@dataclass(slots=True)
class KnownAddress:
    pk: int
    address: str
    key: str
    types: dict[int, KnownType] = field(default_factory=dict)


@dataclass(slots=True)
class KnownPerson:
    pk: int
    name: str
    kind: str
    language: str
    is_active: bool
    in_list: bool
    addresses: dict[str, KnownAddress] = field(default_factory=dict)
    retired: dict[str, KnownAddress] = field(default_factory=dict)  # not in use: nobody is matched by them


def in_chunks(items: Iterable[Item], size: int = CHUNK) -> Iterator[list[Item]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk


def find_people(school: School, names: set[str], target: List | None) -> list[KnownPerson]:
    """Everybody in the school with one of these (casefolded) names, members of the target list first.

    That order decides who of several people with equal name and addresses a row means.
    """
    members = set(target.members.values_list("person", flat=True)) if target else set()
    fields = Person.objects.filter(school=school).values_list("pk", "name", "kind", "language", "is_active")
    people = {
        pk: KnownPerson(pk, name, kind, language, is_active, pk in members)
        for pk, name, kind, language, is_active in fields.iterator()
        if name.casefold() in names
    }
    _add_addresses(people, school)
    return sorted(people.values(), key=lambda person: (not person.in_list, not person.is_active, person.pk))


def _add_addresses(people: dict[int, KnownPerson], school: School) -> None:
    if len(people) > MANY:
        _add_addresses_of(people, Q(school=school))
        return
    for chunk in in_chunks(sorted(people)):
        _add_addresses_of(people, Q(pk__in=chunk))


def _add_addresses_of(people: dict[int, KnownPerson], some: Q) -> None:
    owners = Person.objects.filter(some).order_by()
    addresses = EmailAddress.objects.filter(person__in=owners).order_by("person_id", "position", "pk")
    by_pk: dict[int, KnownAddress] = {}
    values = addresses.values_list("pk", "person_id", "address", "key", "is_active")
    for pk, person, text, key, is_active in values.iterator():
        if person in people:
            owner = people[person]
            known = owner.addresses if is_active else owner.retired
            by_pk[pk] = known[key] = KnownAddress(pk, text, key)
    choices = ContactType.objects.filter(address__person__in=owners)
    fields = choices.values_list("pk", "address_id", "broadcast_type_id", "receives", "chosen_by")
    for pk, address, kind, receives, by in fields.iterator():
        if address in by_pk:
            by_pk[address].types[kind] = KnownType(pk, receives, by)


def find_family_choices(school: School) -> dict[str, dict[int, bool]]:
    """By address key and type: what families of the school chose for an address, whoever has it now or will."""
    chosen: dict[str, dict[int, bool]] = defaultdict(dict)
    made = FamilyChoice.objects.filter(school=school)
    for key, kind, receives in made.values_list("address_key", "broadcast_type_id", "receives").iterator():
        chosen[key][kind] = receives
    return chosen
