"""What an upload would do: its rows compared with the people of the school. Writes nothing."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TypeVar

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from broadcasts.models import BroadcastType, ContactType, List, Person, School
from broadcasts.people.cells import Address
from broadcasts.people.directory import (
    KnownAddress,
    KnownPerson,
    KnownType,
    find_family_choices,
    find_people,
)
from broadcasts.people.reading import BadRow, Recipients, Row, bad_row

TypeSet = frozenset[int]
STAFF = ContactType.ChosenBy.STAFF.value
Item = TypeVar("Item")
Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A row with its types looked up and, for somebody new, the file's silence filled in."""

    row: Row
    types: TypeSet


@dataclass(slots=True)
class Change:
    """What becomes different about a person who is in the directory already."""

    person: KnownPerson
    wanted: Wanted
    fields: dict[str, str | bool] = field(default_factory=dict)  # of Person, with their new values
    added: list[Address] = field(default_factory=list)
    removed: list[KnownAddress] = field(default_factory=list)
    switched: list[tuple[KnownAddress, KnownType, int, bool]] = field(default_factory=list)
    switched_on_first: list[tuple[KnownAddress, int]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.fields or self.added or self.removed or self.switched or self.switched_on_first)


@dataclass(slots=True)
class Plan:
    school: School
    target: List | None
    new: list[Wanted] = field(default_factory=list)
    changed: list[Change] = field(default_factory=list)
    unchanged: list[KnownPerson] = field(default_factory=list)
    bad_rows: list[BadRow] = field(default_factory=list)
    # What families chose for addresses, whoever has them: it holds for an address that somebody new brings.
    family_choices: dict[str, dict[int, bool]] = field(default_factory=dict)
    family_kept: int = 0  # how often the file says otherwise and the family's choice stays
    type_names: dict[int, str] = field(default_factory=dict)

    @property
    def people_count(self) -> int:
        return len(self.new) + len(self.changed) + len(self.unchanged)

    @property
    def matched(self) -> list[KnownPerson]:
        return [change.person for change in self.changed] + self.unchanged

    @property
    def joining_count(self) -> int:
        """How many people the list gains."""
        return len(self.new) + sum(1 for person in self.matched if not person.in_list)

    @property
    def staying_count(self) -> int:
        """Members of the list who are not in the file: they stay."""
        if self.target is None:
            return 0
        return self.target.members.count() - sum(1 for person in self.matched if person.in_list)

    @property
    def would_change_nothing(self) -> bool:
        return not self.changed and not self.joining_count and self.target is not None


def plan_upload(school: School, recipients: Recipients, target: List | None = None) -> Plan:
    """Compare the file with the school's people. `target` is the list they are to join, if it exists."""
    plan = Plan(school, target, family_choices=find_family_choices(school))
    types = TypeNames()
    plan.type_names = types.names
    wanted = list(_look_up_types(recipients, types, plan))
    plan.bad_rows.sort(key=lambda bad: bad.number)
    known = find_people(school, {one.row.name.casefold() for one in wanted}, target)
    matches = _match(wanted, known)
    for one in wanted:
        if (person := matches.get(one.row.number)) is None:
            plan.new.append(one)
        elif change := _compare(person, one, types, plan):
            plan.changed.append(change)
        else:
            plan.unchanged.append(person)
    return plan


class TypeNames:
    """Broadcast types by name or short name, in any case."""

    def __init__(self) -> None:
        types = list(BroadcastType.objects.all())
        self.active: TypeSet = frozenset(kind.pk for kind in types if kind.is_active)
        self.names = {kind.pk: kind.name for kind in types}
        self._by_name = {kind.slug.casefold(): kind.pk for kind in types}
        self._by_name |= {kind.name.casefold(): kind.pk for kind in types}
        self.find = cache(self._find)

    def _find(self, names: tuple[str, ...] | None) -> TypeSet | str:
        """The types, or why there are none. A file without a column for them means all that are in use."""
        if names is None:
            return self.active
        if unknown := [name for name in dict.fromkeys(names) if name.casefold() not in self._by_name]:
            return self._explain(unknown)
        return frozenset(self._by_name[name.casefold()] for name in names)

    def _explain(self, unknown: list[str]) -> str:
        said = ngettext(
            "%(names)s is not a broadcast type. Use one of these: %(known)s.",
            "%(names)s are not broadcast types. Use these: %(known)s.",
            len(unknown),
        ) % {
            "names": ", ".join(f"“{name[:60]}”" for name in unknown),
            "known": ", ".join(self.names[pk] for pk in self.names if pk in self.active),
        }
        if any("," in name for name in unknown):
            said += " " + _("Put a semicolon between types.")
        return said


def _look_up_types(recipients: Recipients, types: TypeNames, plan: Plan) -> Iterable[Wanted]:
    for bad in recipients.bad_rows:
        found = types.find(bad.types)
        plan.bad_rows.append(replace(bad, reasons=(*bad.reasons, found)) if isinstance(found, str) else bad)
    for row in recipients.rows:
        found = types.find(row.types)
        if isinstance(found, str):
            plan.bad_rows.append(bad_row(row, [found]))
        else:
            yield Wanted(row, found)


def _match(wanted: list[Wanted], known: list[KnownPerson]) -> dict[int, KnownPerson]:
    """The person behind each row number. A row is one person, however many others look the same."""
    matches: dict[int, KnownPerson] = {}
    people_by_all = _grouped(known, lambda person: (person.name.casefold(), frozenset(person.addresses)))
    rows_by_all = _grouped(
        wanted, lambda one: (one.row.name.casefold(), frozenset(address.key for address in one.row.addresses))
    )
    for who, rows in rows_by_all.items():
        for one, person in zip(rows, people_by_all.get(who, []), strict=False):
            matches[one.row.number] = person

    # The same name with other addresses is the same person only when nobody else could be meant.
    taken = {person.pk for person in matches.values()}
    people_by_name = _grouped((person for person in known if person.pk not in taken), lambda p: p.name.casefold())
    rows_by_name = _grouped(
        (one for one in wanted if one.row.number not in matches), lambda one: one.row.name.casefold()
    )
    for name, rows in rows_by_name.items():
        people = people_by_name.get(name, [])
        if len(rows) == len(people) == 1:
            matches[rows[0].row.number] = people[0]
    return matches


def _grouped(items: Iterable[Item], key: Callable[[Item], Key]) -> dict[Key, list[Item]]:
    groups: dict[Key, list[Item]] = defaultdict(list)
    for item in items:
        groups[key(item)].append(item)
    return groups


def _compare(person: KnownPerson, wanted: Wanted, types: TypeNames, plan: Plan) -> Change:
    row, change = wanted.row, Change(person, wanted)
    if person.name != row.name:
        change.fields["name"] = row.name
    # An empty cell says nothing about somebody we know.
    if row.kind and person.kind != row.kind:
        change.fields["kind"] = row.kind
    if row.language and person.language.casefold() != row.language:
        change.fields["language"] = row.language
    if not person.is_active:
        change.fields["is_active"] = True
    keys = {address.key for address in row.addresses}
    change.added = [address for address in row.addresses if address.key not in person.addresses]
    for key, address in person.addresses.items():
        if key in keys:
            _compare_types(change, address, types, plan)
        else:
            change.removed.append(address)
    for key in sorted(keys & person.retired.keys()):
        _compare_types(change, person.retired[key], types, plan)  # it comes back with the types it had
    return change


def _compare_types(change: Change, address: KnownAddress, types: TypeNames, plan: Plan) -> None:
    wanted, family = change.wanted.types, plan.family_choices.get(address.key, {})
    # Without a column for types the file does not contradict what the office chose by hand.
    kept = {STAFF} if change.wanted.row.types is None else set()
    for kind in sorted(types.active | wanted):
        known = address.types.get(kind)
        receives = kind in wanted
        if kind in family:
            plan.family_kept += receives != family[kind]
        elif known is None and receives:
            change.switched_on_first.append((address, kind))
        elif known and known.receives != receives and known.chosen_by not in kept:
            change.switched.append((address, known, kind, receives))


def default_kind(row: Row) -> str:
    return row.kind or Person.Kind.GUARDIAN.value
