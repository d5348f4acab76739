"""From lists to people, in SQL, at the moment of asking: a CTE for each list, made of those of its parts.

Sets are put together by UNION ALL and one GROUP BY. An OR of several IN (SELECT ...) would make PostgreSQL look
through each set once for every person as soon as one no longer fits into its memory.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Case, IntegerField, QuerySet, Value, When
from django.db.models.expressions import RawSQL

from broadcasts.models import Guardianship, List, Person
from broadcasts.people.lists.definitions import Definition, load_definitions
from broadcasts.people.lists.rules import who_fits

SAMPLE = 10


# Of several ways to one person.
GREATEST = "SELECT person_id, MAX(standing) FROM {ways} GROUP BY person_id"
LEAVE_OUT = GREATEST + " HAVING MAX(standing) < 2"


class Standing(IntEnum):
    """Of a person on a list; of several, the greatest counts (docs/decisions/0010)."""

    HELD_BACK = 0  # only by ways on which somebody said: do not contact
    ALLOWED = 1
    EXCLUDED = 2


@dataclass(frozen=True)
class Listed:
    """`listed (person_id, standing)`, a row for each person, with all that it is made of; goes after WITH."""

    sql: str
    params: tuple[Any, ...]

    @property
    def people(self) -> QuerySet[Person]:
        """All of them, also those who are held back."""
        return Person.objects.filter(pk__in=self._select(""))

    @property
    def allowed(self) -> QuerySet[Person]:
        return Person.objects.filter(pk__in=self._select(f" WHERE standing <> {Standing.HELD_BACK:d}"))

    @property
    def held_back(self) -> QuerySet[Person]:
        return Person.objects.filter(pk__in=self._select(f" WHERE standing = {Standing.HELD_BACK:d}"))

    def _select(self, condition: str) -> RawSQL:
        return RawSQL(f"WITH {self.sql} SELECT person_id FROM listed{condition}", self.params)  # noqa: S608, S611


@dataclass(frozen=True)
class Count:
    allowed: int
    held_back: int
    sample: Sequence[int] = ()  # keys of some of those who are allowed

    @property
    def all(self) -> int:
        return self.allowed + self.held_back


def people_on(lists: Iterable[List], school_id: int) -> Listed:
    """Who is on at least one of these lists, as a broadcast of the school sees them today."""
    numbers = [one.pk for one in lists]
    known = load_definitions(numbers)
    return _Writer(known).union(number for number in numbers if known[number].is_usable_by(school_id))


def people_of(definition: Definition) -> Listed:
    """Who would be on such a list. Its number, if it has one, stands for its members only."""
    known = load_definitions(definition.parts)
    own = definition.number or 0
    return _Writer(known | {own: definition}).union([own])


def count_people(listed: Listed, sample: int = 0) -> Count:
    """How many, and the keys of some of those who are allowed: one statement, for a page that is being edited."""
    some = f"SELECT person_id FROM listed WHERE standing = {Standing.ALLOWED:d} LIMIT {sample:d}"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH {listed.sql} SELECT COUNT(*), SUM(standing) FROM listed "  # noqa: S608
            f"UNION ALL SELECT person_id, NULL FROM ({some}) AS sampled",
            listed.params,
        )
        (number, allowed), *rows = sorted(cursor.fetchall(), key=lambda row: row[1] is None)
    return Count(allowed or 0, number - (allowed or 0), [person for person, _ in rows])


def is_anybody(listed: Listed) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"WITH {listed.sql} SELECT 1 FROM listed LIMIT 1", listed.params)  # noqa: S608
        return cursor.fetchone() is not None


class _Writer:
    """Writes the CTEs of the lists that are asked for, each once, after those of its parts."""

    def __init__(self, known: Mapping[int, Definition]) -> None:
        self.known = known
        self.names: dict[int, str] = {}
        self.tables: list[str] = []
        self.params: list[Any] = []

    def union(self, numbers: Iterable[int]) -> Listed:
        tables = [table for table in map(self._table_of, numbers) if table]
        branches = [_all_of(table) for table in tables]
        self._add("listed", branches, GREATEST if len(branches) > 1 else "")
        return Listed(", ".join(self.tables), tuple(self.params))

    def _table_of(self, number: int) -> str:
        """Empty while it is being written: a list that comes to contain itself adds nothing to itself."""
        if number not in self.names:
            self.names[number] = ""
            self._write(f"list_{number}", self.known[number])
            self.names[number] = f"list_{number}"
        return self.names[number]

    def _write(self, name: str, definition: Definition) -> None:
        included = [self._table_of(number) for number in definition.included if self._counts(definition, number)]
        without = [self._table_of(number) for number in definition.excluded if number in self.known]
        branches = list(self._own_branches(definition))
        only_contacts = len(branches) == 1 and definition.target == List.Target.CONTACTS
        branches += [_all_of(table) for table in included if table]
        branches += [_all_of(table, f"{Standing.EXCLUDED:d}") for table in without if table]
        if only_contacts and len(branches) == 1:
            self._add(name, branches)
        else:
            self._add(name, branches, LEAVE_OUT if any(without) else GREATEST)

    def _add(self, name: str, branches: Sequence[str], condense: str = "") -> None:
        """A table of one row for each person, from branches that may name somebody more often."""
        union = " UNION ALL ".join(branches) or "SELECT 0, 0 WHERE 1 = 0"
        if condense:
            self.tables.append(f"{name}_ways (person_id, standing) AS ({union})")
            union = condense.format(ways=f"{name}_ways")
        self.tables.append(f"{name} (person_id, standing) AS ({union})")

    def _counts(self, definition: Definition, part: int) -> bool:
        """Another school may stop publishing a list: its people are not ours then. What it excludes stays out."""
        return part in self.known and self.known[part].is_usable_by(definition.school_id)

    def _own_branches(self, definition: Definition) -> Iterator[str]:
        for way in _own_ways(definition):
            with suppress(EmptyResultSet):  # nobody fits: the database need not be asked
                sql, params = way.query.sql_with_params()
                self.params += params
                yield sql


def _all_of(table: str, standing: str = "standing") -> str:
    return f"SELECT person_id, {standing} FROM {table}"  # noqa: S608 - names and numbers of our own


def _own_ways(definition: Definition) -> Iterator[QuerySet[Any, Any]]:
    contacts = contacts_of(definition)
    if definition.target != List.Target.GUARDIANS:
        yield contacts.annotate(standing=_as_contact()).values_list("pk", "standing")
    if definition.target != List.Target.CONTACTS:
        yield _guardians_of(contacts, definition.categories)


def contacts_of(definition: Definition) -> QuerySet[Person]:
    if definition.is_by_rules:
        return who_fits(definition)
    return Person.objects.filter(memberships__list=definition.number or 0, is_active=True).order_by()


def _as_contact() -> Case:
    """Nobody can tell about which child a list speaks that names a guardian: one mark is enough."""
    marked = Guardianship.objects.order_by().filter(do_not_contact=True, student__is_active=True).values("guardian")
    return _standing(When(pk__in=marked, then=Value(Standing.HELD_BACK.value)))


def _guardians_of(students: QuerySet[Person], categories: Sequence[str]) -> QuerySet[Any, Any]:
    ways = Guardianship.objects.order_by().filter(student__in=students.values("pk"), guardian__is_active=True)
    if categories:
        ways = ways.filter(category__in=categories)
    held_back = When(do_not_contact=True, then=Value(Standing.HELD_BACK.value))
    return ways.annotate(standing=_standing(held_back)).values_list("guardian_id", "standing")


def _standing(held_back: When) -> Case:
    return Case(held_back, default=Value(Standing.ALLOWED.value), output_field=IntegerField())
