"""What a list says, apart from the database: also that of a form that is not saved yet."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from broadcasts.models import List, ListPart, ListRule


@dataclass(frozen=True)
class Rule:
    field: str
    values: tuple[str, ...]
    is_not: bool = False


@dataclass(frozen=True)
class Definition:
    school_id: int
    number: int | None = None  # of the list whose members they are; None: it is not stored yet
    is_by_rules: bool = False
    target: str = List.Target.CONTACTS.value
    categories: tuple[str, ...] = ()
    is_published: bool = False
    rules: tuple[Rule, ...] = ()
    included: tuple[int, ...] = ()
    excluded: tuple[int, ...] = ()

    @property
    def parts(self) -> tuple[int, ...]:
        return self.included + self.excluded

    def is_usable_by(self, school_id: int) -> bool:
        return self.is_published or self.school_id == school_id


def load_definitions(numbers: Iterable[int]) -> dict[int, Definition]:
    """These lists and all that they are made of, level by level; each once, so that a circle ends."""
    known: dict[int, Definition] = {}
    wanted = set(numbers)
    while wanted:
        found = _load(wanted)
        known |= found
        wanted = {part for one in found.values() for part in one.parts} - known.keys()
    return known


def _load(numbers: Collection[int]) -> dict[int, Definition]:
    rules: dict[int, list[Rule]] = defaultdict(list)
    for rule in ListRule.objects.filter(of_list__in=numbers):
        rules[rule.of_list_id].append(Rule(rule.field, tuple(rule.values), rule.is_not))
    parts: dict[tuple[int, bool], list[int]] = defaultdict(list)
    for part in ListPart.objects.filter(list__in=numbers):
        parts[part.list_id, part.is_excluded].append(part.part_id)
    return {
        one.pk: Definition(
            school_id=one.school_id,
            number=one.pk,
            is_by_rules=one.is_by_rules,
            target=one.target,
            categories=tuple(one.guardian_categories),
            is_published=one.is_published,
            rules=tuple(rules[one.pk]),
            included=tuple(sorted(parts[one.pk, False])),
            excluded=tuple(sorted(parts[one.pk, True])),
        )
        for one in List.objects.filter(pk__in=numbers).order_by()
    }
