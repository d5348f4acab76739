"""What the check page says about an upload before anything is stored."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from broadcasts.blocking import count_blocked
from broadcasts.models import Person
from broadcasts.people.cells import Address
from broadcasts.people.directory import KnownAddress, in_chunks
from broadcasts.people.planning import Change, Plan, TypeSet, Wanted, default_kind
from broadcasts.people.reading import BadRow, Recipients, Row

MOST_SHOWN = 200
EXAMPLES = 10
FIELD_NAMES: dict[str, str | Promise] = {
    "name": gettext_lazy("name"),
    "kind": gettext_lazy("kind"),
    "language": gettext_lazy("language"),
}


@dataclass(frozen=True, slots=True)
class Difference:
    what: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class NewPerson:
    number: int
    name: str
    addresses: str
    types: str
    kind: str
    language: str


@dataclass(frozen=True, slots=True)
class Changed:
    number: int
    name: str
    differences: list[Difference]


@dataclass(frozen=True, slots=True)
class Flagged:
    number: int
    name: str
    address: Address


class Check:
    def __init__(self, recipients: Recipients, plan: Plan) -> None:
        self.recipients, self.plan = recipients, plan

    @cached_property
    def _rows(self) -> list[Row]:
        unusable = {bad.number for bad in self.plan.bad_rows}
        return [row for row in self.recipients.rows if row.number not in unusable]

    @property
    def bad_rows(self) -> list[BadRow]:
        return self.plan.bad_rows[:MOST_SHOWN]

    @property
    def new_people(self) -> list[NewPerson]:
        return [self._new_person(wanted) for wanted in self.plan.new[:EXAMPLES]]

    @property
    def changed_people(self) -> list[Changed]:
        return [
            Changed(change.wanted.row.number, change.person.name, list(self._differences(change)))
            for change in self.plan.changed[:MOST_SHOWN]
        ]

    @cached_property
    def flagged(self) -> list[Flagged]:
        """Addresses that no email can be sent to."""
        return [Flagged(row.number, row.name, one) for row in self._rows for one in row.addresses if one.problem]

    @cached_property
    def typing_errors(self) -> list[Flagged]:
        return [
            Flagged(row.number, row.name, one)
            for row in self._rows
            for one in row.addresses
            if one.likely and not one.problem
        ]

    @cached_property
    def shared_count(self) -> int:
        """How many addresses stand on more than one row."""
        times = Counter(address.key for row in self._rows for address in row.addresses)
        return sum(1 for count in times.values() if count > 1)

    @cached_property
    def blocked_count(self) -> int:
        """How many addresses of the file are on the Blocked Email list."""
        keys = {address.key for row in self._rows for address in row.addresses}
        return sum(map(count_blocked, in_chunks(keys)))

    @cached_property
    def without_address_count(self) -> int:
        return sum(1 for row in self._rows if not row.addresses)

    @cached_property
    def without_types_count(self) -> int:
        return sum(1 for row in self._rows if row.addresses and row.types == ())

    @cached_property
    def returning_count(self) -> int:
        return sum(1 for change in self.plan.changed if "is_active" in change.fields)

    def _new_person(self, wanted: Wanted) -> NewPerson:
        row = wanted.row
        return NewPerson(
            number=row.number,
            name=row.name,
            addresses=", ".join(address.address for address in row.addresses),
            types=self._names(wanted.types),
            kind=_kind_name(default_kind(row)),
            language=row.language or self.plan.school.language,
        )

    def _names(self, types: Iterable[int] | TypeSet) -> str:
        chosen = set(types)
        return ", ".join(name for pk, name in self.plan.type_names.items() if pk in chosen) or _("none")

    def _differences(self, change: Change) -> Iterable[Difference]:
        person = change.person
        for field, value in change.fields.items():
            if field == "is_active":
                yield Difference(_("in the directory"), _("no longer"), _("again"))
            elif field == "kind":
                yield Difference(_("kind"), _kind_name(person.kind), _kind_name(str(value)))
            else:
                yield Difference(str(FIELD_NAMES[field]), str(getattr(person, field)), str(value))
        if change.added or change.removed:
            old = ", ".join(address.address for address in person.addresses.values())
            new = ", ".join(address.address for address in change.wanted.row.addresses)
            yield Difference(_("addresses"), old or _("none"), new or _("none"))
        for address in person.addresses.values():
            yield from self._type_difference(change, address)

    def _type_difference(self, change: Change, address: KnownAddress) -> Iterable[Difference]:
        old = {kind for kind, choice in address.types.items() if choice.receives}
        on = {kind for one, _known, kind, receives in change.switched if one is address and receives}
        on |= {kind for one, kind in change.switched_on_first if one is address}
        off = {kind for one, _known, kind, receives in change.switched if one is address and not receives}
        if on or off:
            what = _("types at %(address)s") % {"address": address.address}
            yield Difference(what, self._names(old), self._names((old | on) - off))


def _kind_name(kind: str) -> str:
    return str(Person.Kind(kind).label) if kind in Person.Kind.values else kind
