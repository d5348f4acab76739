"""Lines that somebody pasted, each with the people whom it may mean: by address, SIS id or name."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import QuerySet

from broadcasts.addresses import address_key
from broadcasts.models import EmailAddress, Person
from broadcasts.people.cells import read_name
from broadcasts.people.directory import in_chunks

MOST_LINES = 5_000
ADDRESS = re.compile(r"[^\s<>,;\"']+@[^\s<>,;\"']+")
Matches = dict[str, set[int]]


class TooManyLines(Exception):
    """Nothing was looked up."""


@dataclass
class Pasted:
    """Every line is in one of the three."""

    found: set[int] = field(default_factory=set)
    ambiguous: list[tuple[str, list[Person]]] = field(default_factory=list)  # a line, and whom it may mean
    unknown: list[str] = field(default_factory=list)

    @property
    def left(self) -> str:
        """The lines that still mean nobody, to be corrected and pasted again."""
        return "\n".join([*(line for line, _people in self.ambiguous), *self.unknown])


def match_lines(text: str, among: QuerySet[Person]) -> Pasted:
    """`among`: the people who may be meant."""
    people = among.filter(is_active=True).order_by()
    lines = list(dict.fromkeys(line for line in map(read_name, text.splitlines()) if line))
    if len(lines) > MOST_LINES:
        raise TooManyLines
    matches: Matches = {}
    for means in (_by_address, _by_sis_id, _by_name):
        matches |= means([line for line in lines if line not in matches], people)
    return _sort(lines, matches)


def _sort(lines: Iterable[str], matches: Matches) -> Pasted:
    pasted = Pasted()
    several: list[tuple[str, set[int]]] = []
    for line in lines:
        numbers = matches.get(line, set())
        if len(numbers) > 1:
            several.append((line, numbers))
        elif numbers:
            pasted.found |= numbers
        else:
            pasted.unknown.append(line)
    known: dict[int, Person] = {}
    for chunk in in_chunks({number for _line, numbers in several for number in numbers}):
        known |= Person.objects.select_related("school").prefetch_related("addresses").in_bulk(chunk)
    pasted.ambiguous = [(line, [known[number] for number in sorted(numbers)]) for line, numbers in several]
    return pasted


def _by_address(lines: list[str], people: QuerySet[Person]) -> Matches:
    """Also out of `Ann Lee <ann@home.example>`."""
    wanted: dict[str, list[str]] = defaultdict(list)
    for line in lines:
        if given := ADDRESS.search(line):
            wanted[address_key(given[0])].append(line)
    found: Matches = defaultdict(set)
    for chunk in in_chunks(wanted):
        addresses = EmailAddress.objects.order_by().filter(
            key__in=chunk, is_active=True, person__in=people.values("pk")
        )
        for key, person in addresses.values_list("key", "person_id"):
            for line in wanted[key]:
                found[line].add(person)
    return dict(found)


def _by_sis_id(lines: list[str], people: QuerySet[Person]) -> Matches:
    found: Matches = defaultdict(set)
    for chunk in in_chunks(lines):
        for sis_id, person in people.filter(sis_id__in=chunk).values_list("sis_id", "pk"):
            found[sis_id].add(person)
    return dict(found)


def _by_name(lines: list[str], people: QuerySet[Person]) -> Matches:
    """Whatever their capitals, which SQLite tells apart outside ASCII; also as `Lee, Ann`."""
    wanted: dict[str, list[str]] = defaultdict(list)
    for line in lines:
        last, comma, first = line.partition(",")
        for name in {line, read_name(f"{first} {last}")} if comma else {line}:
            wanted[name.casefold()].append(line)
    found: Matches = defaultdict(set)
    for person, name in people.values_list("pk", "name").iterator() if wanted else ():
        for line in wanted.get(name.casefold(), ()):
            found[line].add(person)
    return dict(found)
