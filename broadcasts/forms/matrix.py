"""A person's addresses by broadcast types, as boxes to tick.

The page says what it showed. Only boxes that differ from that are a wish: who saves an old page does not undo what
somebody else changed meanwhile.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from django.http import QueryDict

from broadcasts.models import BroadcastType, EmailAddress, Person
from broadcasts.people.choosing import FAMILY, NEVER, Cell, comes, known_choices

CELL = re.compile(r"(\d{1,18})-(\d{1,18})", re.ASCII)
SHOWN = re.compile(r"(\d{1,18})-(\d{1,18}):([01])", re.ASCII)


@dataclass(frozen=True, slots=True)
class Box:
    address: EmailAddress
    kind: BroadcastType
    receives: bool
    is_ticked: bool  # differs from `receives` on a page that came back
    is_by_family: bool
    is_against_family: bool  # they switched it off, and it comes all the same

    @property
    def value(self) -> str:
        return f"{self.address.pk}-{self.kind.pk}"


class Matrix:
    def __init__(self, person: Person, posted: QueryDict | None = None) -> None:
        self.person = person
        self.posted = posted

    @cached_property
    def kinds(self) -> Sequence[BroadcastType]:
        return list(BroadcastType.objects.filter(is_active=True))

    @cached_property
    def rows(self) -> list[tuple[EmailAddress, list[Box]]]:
        addresses = list(self.person.addresses.filter(is_active=True))
        known = known_choices([address.pk for address in addresses])
        wanted = self.wanted
        rows = []
        for address in addresses:
            boxes = []
            for kind in self.kinds:
                chosen, by = known.get((address.pk, kind.pk), NEVER)
                receives = comes(kind, chosen, by)
                is_ticked = wanted.get((address.pk, kind.pk), receives)
                boxes.append(Box(address, kind, receives, is_ticked, by == FAMILY, receives != chosen))
            rows.append((address, boxes))
        return rows

    @property
    def shown(self) -> str:
        """What this page shows, for the one that posts it."""
        boxes = [box for _address, row in self.rows for box in row]
        return ",".join(f"{box.value}:{int(box.receives)}" for box in boxes)

    @property
    def has_family_choices(self) -> bool:
        return any(box.is_by_family for _address, row in self.rows for box in row)

    @cached_property
    def wanted(self) -> dict[Cell, bool]:
        """The boxes that were ticked or cleared. Types that nobody can choose are no wish."""
        if self.posted is None:
            return {}
        ticked = {_cell(found) for value in self.posted.getlist("cells") if (found := CELL.fullmatch(value))}
        shown = {
            _cell(found): found[3] == "1"
            for value in self.posted.get("shown", "").split(",")
            if (found := SHOWN.fullmatch(value))
        }
        kinds = {kind.pk for kind in self.kinds}
        return {cell: cell in ticked for cell, was in shown.items() if (cell in ticked) != was and cell[1] in kinds}

    @property
    def overrules_family(self) -> bool:
        return self.posted is not None and "overrule" in self.posted


def _cell(found: re.Match[str]) -> Cell:
    return int(found[1]), int(found[2])
