"""What any reader of an import's file yields, and what staging takes in."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from broadcasts.people.cells import Address

EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class PersonRow:
    """One person. None: the file does not say, so the directory's value stays."""

    number: int  # as a spreadsheet program shows it; the headings are row 1
    school: int  # key of the home school
    name: str = ""
    sis_id: str = ""
    kind: str = ""  # of Person.Kind; empty: not said
    language: str = ""  # empty: not said
    grade: str | None = None
    other_schools: tuple[int, ...] | None = None
    is_active: bool = True
    addresses: tuple[Address, ...] | None = ()
    types: frozenset[int] | None = None  # keys of broadcast types
    file: str = ""  # inside a zip
    reasons: tuple[str, ...] = ()  # not empty: the row is rejected
    cells: tuple[str, ...] = ()  # a rejected row as it was


@dataclass(frozen=True, slots=True)
class GuardianRow:
    """That one person is another one's guardian, by the ids of the student information system."""

    student_sis_id: str
    guardian_sis_id: str
    number: int = 0
    category: str = ""  # of Guardianship.Category; empty: not said
    priority: int | None = None
    do_not_contact: bool | None = None


@dataclass(slots=True)
class Warnings:
    """What was tolerated, by its words, with how often and the first places."""

    counts: Counter[str] = field(default_factory=Counter)
    places: dict[str, list[str]] = field(default_factory=dict)

    def add(self, words: str, place: str) -> None:
        self.counts[words] += 1
        known = self.places.setdefault(words, [])
        if len(known) < EXAMPLES:
            known.append(place)

    def as_json(self) -> list[dict[str, object]]:
        return [
            {"kind": words, "count": count, "examples": self.places[words]} for words, count in self.counts.items()
        ]


class Source(Protocol):
    """An opened file. Reading it again is not needed and may not be possible."""

    headings: Sequence[str]  # of the rejected rows' file
    warnings: Warnings  # filled while reading
    total: int  # rows to come, as far as one can tell beforehand; for the progress bar
    has_ids: bool  # people are matched by the ids of the student information system
    has_guardians: bool  # it says who is whose guardian: those it no longer names are none

    def rows(self) -> Iterator[PersonRow | GuardianRow]:
        """In any order. Raises UnreadableFile for what would lose data, with the file and the line."""
        ...

    def records(self) -> Iterator[tuple[int, Sequence[str]]]:
        """The numbers of the people's rows and their cells as they are, in the order of the file."""
        ...
