"""A OneRoster zip as a source of an import. What stays in memory is a few words for each user and link."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from broadcasts.models import Import, Person, School
from broadcasts.people.columns import UnreadableFile
from broadcasts.people.importing.oneroster.enrollments import find_schools_by_enrollment
from broadcasts.people.importing.oneroster.known_people import find_known
from broadcasts.people.importing.oneroster.orgs import Orgs, read_orgs, refuse_missing
from broadcasts.people.importing.oneroster.package import Package, open_package
from broadcasts.people.importing.oneroster.roles import (
    GUARDIAN,
    STAFF,
    STUDENT,
    Facts,
    FactsReader,
    read_roles,
    warn_of_roles_without_user,
)
from broadcasts.people.importing.oneroster.table import USERS
from broadcasts.people.importing.oneroster.users import UserRows, id_of, read_users
from broadcasts.people.importing.people_rows import too_many_rows
from broadcasts.people.importing.rows import GuardianRow, PersonRow, Warnings
from broadcasts.people.importing.schools import KnownSchools
from broadcasts.people.importing.stored_file import open_stored

BITS = {Person.Kind.STUDENT: STUDENT, Person.Kind.GUARDIAN: GUARDIAN, Person.Kind.STAFF: STAFF}
NO_SCHOOL = gettext_lazy("Neither the file nor Messenger says which school this person belongs to.")


class RosterSource:
    has_ids = True

    def __init__(self, import_: Import) -> None:
        self.warnings = Warnings()
        self._import = import_
        with open_stored(import_) as file, open_package(file, Warnings()) as package:
            if import_.school is None:
                refuse_missing(list(read_orgs(package).values()))
            users = package.table(USERS)
            self.headings: Sequence[str] = users.headings
            self.total = users.total
            self.has_guardians = users.has("agentSourcedIds")

    def rows(self) -> Iterator[PersonRow | GuardianRow]:
        with open_stored(self._import) as file, open_package(file, self.warnings) as package:
            roster = _Roster(package, self._import.school)
            # An export that leaves the column empty throughout does not say that nobody has guardians.
            self.has_guardians = roster.has_guardians
            yield from roster.people()
            yield from roster.guardians()

    def records(self) -> Iterator[tuple[int, Sequence[str]]]:
        with open_stored(self._import) as file, open_package(file, Warnings()) as package:
            table = package.table(USERS)
            users = UserRows(table)
            yield from ((row.number, users.cells(row)) for row in table.rows())


class _Roster:
    """All that has to be known of everybody before anybody's row can be told."""

    def __init__(self, package: Package, own: School | None) -> None:
        self._package, self._own, self._is_delta = package, own, package.is_delta
        self._fallback = KnownSchools(own).fallback
        orgs, warnings = Orgs(package, own), package.warnings
        self._reader = FactsReader(orgs, warnings)
        roles = read_roles(package, self._reader) if package.has("roles") else None
        self._users, self._links = read_users(package, self._reader, roles)
        if roles is not None:
            warn_of_roles_without_user(roles, self._users, warnings)
        self._known = find_known(self._users.keys() | self._links.agents(), own) if self._is_delta else {}
        self._pairs = self._links.resolve(self._facts_of, warnings)
        self._give_schools(find_schools_by_enrollment(package, orgs, self._users))

    @property
    def has_guardians(self) -> bool:
        return bool(self._pairs)

    def people(self) -> Iterator[PersonRow]:
        table = self._package.table(USERS)
        rows = UserRows(table)
        says_others = self._own is None and not self._is_delta
        for count, row in enumerate(table.rows(), 1):
            if count > settings.MAX_IMPORT_ROWS:
                raise UnreadableFile(too_many_rows())
            own = id_of(table, row)
            if not self._is_included(own):
                self._package.warnings.add(_("People of other schools are left out"), table.place(row))
                continue
            facts, known = self._users[own], self._known.get(own)
            if table.is_deleted(row) and self._is_delta and known is None:
                self._package.warnings.add(_("Somebody is deleted whom Messenger does not know"), table.place(row))
                continue
            if not facts.kind and known is None:
                self._package.warnings.add(_("A user has no role that Messenger knows"), table.place(row))
            yield self._with_school(rows.read(row, facts, known, says_others=says_others), rows.cells(row))

    def guardians(self) -> Iterator[GuardianRow]:
        pairs = {pair: number for pair, number in self._pairs.items() if all(map(self._is_included, pair))}
        yield from self._links.rows(pairs)

    def _with_school(self, person: PersonRow, cells: tuple[str, ...]) -> PersonRow:
        if self._own and person.school:
            return replace(person, school=self._own.pk)  # also who is at home elsewhere and belongs here besides
        if person.school:
            return person
        reasons = (*person.reasons, str(NO_SCHOOL))
        return replace(person, school=self._fallback, reasons=reasons, cells=cells)

    def _is_included(self, user: str) -> bool:
        """An import for one school takes its people: by their orgs, their classes, or their children."""
        if self._own is None or user in self._known:
            return True
        facts = self._users.get(user)
        return facts is not None and self._own.pk in facts.schools

    def _facts_of(self, user: str) -> Facts | None:
        facts, known = self._users.get(user), self._known.get(user)
        if known is None:
            return facts
        there = Facts(BITS[Person.Kind(known.kind)], (known.school,))
        return self._reader.join(facts, there) if facts else there

    def _give_schools(self, enrolled: Mapping[str, tuple[int, ...]]) -> None:
        """By their classes to those whose row names none, to guardians by their children, else by their district."""
        for user, schools in enrolled.items():
            self._belong(user, schools)
        self._give_whole_district(but_guardians=True)
        for student, guardian in self._pairs:
            of_student = self._facts_of(student)
            if guardian in self._users and of_student:
                self._belong(guardian, of_student.schools)
        self._give_whole_district(but_guardians=False)

    def _give_whole_district(self, *, but_guardians: bool) -> None:
        """Not in an import for one school: it would take the staff of the whole district."""
        for user, facts in self._users.items():
            if self._own is None and not facts.schools and not (but_guardians and facts.is_guardian):
                self._belong(user, facts.broad)

    def _belong(self, user: str, schools: tuple[int, ...]) -> None:
        """Besides those they have. Only values change, so that it is safe while the users are gone through."""
        facts = self._users[user]
        self._users[user] = self._reader.join(facts, facts._replace(schools=schools))
