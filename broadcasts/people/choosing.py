"""The one place where it is written which broadcast types an address receives, and whose choice that was."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from broadcasts.models import (
    BroadcastType,
    ContactType,
    ContactTypeChange,
    EmailAddress,
    FamilyChoice,
    Person,
    School,
    User,
)

STAFF = ContactType.ChosenBy.STAFF.value
FAMILY = ContactType.ChosenBy.FAMILY.value
NEVER = (False, "")  # nobody chose
Cell = tuple[int, int]  # the keys of an address and of a broadcast type


@dataclass(frozen=True, slots=True)
class Choice:
    address: int
    kind: int
    receives: bool
    chosen_by: str

    @property
    def cell(self) -> Cell:
        return self.address, self.kind


class ChosenByFamily(Exception):
    """The family chose these itself, and nobody said that it is to be changed all the same."""

    def __init__(self, cells: set[Cell]) -> None:
        super().__init__(cells)
        self.cells = cells


@transaction.atomic
def record_family_choice(school: School, address_key: str, choices: Mapping[int, bool]) -> None:
    """`choices`: whether each type, by its key, is to come. Safe to repeat.

    Parents share an address, and a child's row may carry it too: who chooses means all of them. Kept by the
    address itself as well, for the day an upload brings it, or brings it back.
    """
    FamilyChoice.objects.bulk_create(
        [
            FamilyChoice(school=school, address_key=address_key, broadcast_type_id=kind, receives=receives)
            for kind, receives in choices.items()
        ],
        update_conflicts=True,
        unique_fields=["school", "address_key", "broadcast_type"],
        update_fields=["receives", "changed_at"],
    )
    people = Person.objects.of_schools([school]).order_by()
    held = hold(EmailAddress.objects.filter(key=address_key, person__in=people))
    store(
        [
            Choice(address.pk, kind, receives, FAMILY)
            for address in held
            for kind, receives in choices.items()
        ]
    )  # fmt: skip


@transaction.atomic
def record_staff_choice(
    person: Person, wanted: Mapping[Cell, bool], *, by: User | None, overrule_family: bool = False
) -> list[Choice]:
    """Switch these cells of a person's matrix, and only these. Returns what became different.

    Raises ChosenByFamily, and changes nothing, where the family's own choice would have to give way.
    """
    held = {address.pk: address for address in hold(person.addresses.all())}
    known = known_choices(list(held))
    kinds = BroadcastType.objects.in_bulk({kind for _address, kind in wanted})
    choices = [
        Choice(address, kind, receives, STAFF)
        for (address, kind), receives in wanted.items()
        if address in held and kind in kinds and comes(kinds[kind], *known.get((address, kind), NEVER)) != receives
    ]
    by_family = [choice for choice in choices if known.get(choice.cell, NEVER)[1] == FAMILY]
    overruled = {choice.cell for choice in by_family if known[choice.cell][0] != choice.receives}
    if overruled and not overrule_family:
        raise ChosenByFamily(overruled)
    for choice in by_family:
        forget_family_choice(person, held[choice.address].key, choice.kind)
    return store(choices, by=by)


def comes(kind: BroadcastType, receives: bool, chosen_by: str) -> bool:  # noqa: FBT001
    """As `ContactType.objects.coming()` finds it."""
    return receives or (chosen_by == FAMILY and not kind.is_families_choice)


def forget_family_choice(person: Person, address_key: str, kind: int) -> None:
    """They told the office something else since: it must not come back with the address."""
    schools = [person.school_id, *person.other_schools.values_list("pk", flat=True)]
    FamilyChoice.objects.filter(school__in=schools, address_key=address_key, broadcast_type=kind).delete()


def first_choices(address: EmailAddress) -> list[Choice]:
    """What a new address receives: what its family chose for it before, else the types' defaults."""
    chosen = family_choices(address.person, address.key)
    defaults = BroadcastType.objects.filter(is_default=True, is_active=True).exclude(pk__in=chosen)
    choices = [Choice(address.pk, kind, receives, FAMILY) for kind, receives in chosen.items()]
    return choices + [Choice(address.pk, kind.pk, receives=True, chosen_by=STAFF) for kind in defaults]


def family_choices(person: Person, address_key: str) -> dict[int, bool]:
    """By the type's key. Where two schools were told different things, the no counts."""
    schools = [person.school_id, *person.other_schools.values_list("pk", flat=True)]
    found = FamilyChoice.objects.filter(school__in=schools, address_key=address_key)
    return dict(found.order_by("-receives").values_list("broadcast_type", "receives"))


def hold(addresses: QuerySet[EmailAddress]) -> list[EmailAddress]:
    """Who else wants to change what they receive waits, in the order of their keys, so that no two wait crosswise."""
    return list(addresses.select_for_update(of=("self",)).order_by("pk"))


def known_choices(addresses: Sequence[int]) -> dict[Cell, tuple[bool, str]]:
    rows = ContactType.objects.filter(address__in=addresses)
    fields = rows.values_list("address", "broadcast_type", "receives", "chosen_by")
    return {(address, kind): (receives, chosen_by) for address, kind, receives, chosen_by in fields}


def store(choices: Sequence[Choice], *, by: User | None = None) -> list[Choice]:
    """Write what differs, and keep each change. The caller holds the addresses. Returns what differed."""
    known = known_choices([choice.address for choice in choices])
    new = [choice for choice in choices if known.get(choice.cell) != (choice.receives, choice.chosen_by)]
    ContactType.objects.bulk_create(
        [
            ContactType(
                address_id=choice.address,
                broadcast_type_id=choice.kind,
                receives=choice.receives,
                chosen_by=choice.chosen_by,
            )
            for choice in new
        ],
        update_conflicts=True,
        unique_fields=["address", "broadcast_type"],
        update_fields=["receives", "chosen_by", "changed_at"],
    )
    now = timezone.now()
    ContactTypeChange.objects.bulk_create(
        ContactTypeChange(
            address_id=choice.address,
            broadcast_type_id=choice.kind,
            receives=choice.receives,
            chosen_by=choice.chosen_by,
            changed_by=by,
            at=now,
        )
        for choice in new
    )
    return new
