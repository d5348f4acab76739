"""users.csv: first who everybody is, then each as a row of the import."""

from collections.abc import Iterator, Mapping

from django.utils.translation import gettext as _

from broadcasts.models import Person
from broadcasts.people.cells import read_addresses, read_language, read_name
from broadcasts.people.columns import UnreadableFile
from broadcasts.people.importing.oneroster.known_people import KnownUser
from broadcasts.people.importing.oneroster.links import Links
from broadcasts.people.importing.oneroster.metadata import NO_RELATION, Metadata
from broadcasts.people.importing.oneroster.package import Package
from broadcasts.people.importing.oneroster.roles import NOTHING, Facts, FactsReader
from broadcasts.people.importing.oneroster.table import USERS, RosterTable, Row
from broadcasts.people.importing.people_rows import MAX_GRADE, MAX_ID
from broadcasts.people.importing.relations import read_active
from broadcasts.people.importing.rows import PersonRow
from broadcasts.people.reading import MAX_LANGUAGE, MAX_NAME, find_name_faults

SECRET = "password"  # noqa: S105  # the column's name


def read_users(
    package: Package, reader: FactsReader, roles: Mapping[str, Facts] | None
) -> tuple[dict[str, Facts], Links]:
    """What users are and whom they name. `roles`: of roles.csv; None: the users' rows say it."""
    table = package.table(USERS)
    if roles is None and (missing := [one for one in ("role", "orgSourcedIds") if not table.has(one)]):
        raise table.refuse_without(missing[0])
    metadata, users, links = Metadata(table), dict[str, Facts](), Links()
    for row in table.rows():
        own = id_of(table, row)
        facts = _facts(table, row, reader, None if roles is None else roles.get(own, NOTHING))
        users[own] = facts
        if table.is_deleted(row):
            continue
        for agent in split_ids(table.cell(row, "agentSourcedIds")):
            links.state(own, agent, row.number)
        if facts.is_guardian and (relation := metadata.relation(row, facts)) != NO_RELATION:
            links.relations[own] = relation
    return users, links


def id_of(table: RosterTable, row: Row) -> str:
    own = table.cell(row, "sourcedId")
    if not own:
        raise UnreadableFile(
            _("%(place)s has no sourcedId, so nobody can tell who that is. Nothing was imported. Export it again.")
            % {"place": table.place(row)}
        )
    return own


def split_ids(cell: str) -> Iterator[str]:
    if cell:
        yield from (piece for piece in (part.strip() for part in cell.replace(";", ",").split(",")) if piece)


def _facts(table: RosterTable, row: Row, reader: FactsReader, known: Facts | None) -> Facts:
    if known is None:
        return reader.read(table.cell(row, "role"), split_ids(table.cell(row, "orgSourcedIds")), table.place(row))
    if primary := table.cell(row, "primaryOrgSourcedId"):
        return reader.join(known, reader.read("", [primary], table.place(row)), other_first=True)
    return known


class UserRows:
    """Each user as a PersonRow. What OneRoster cannot say stays unsaid: broadcast types."""

    def __init__(self, table: RosterTable) -> None:
        self._table, self._metadata = table, Metadata(table)
        self._secrets = {place for column, place in table.places.items() if SECRET in column.casefold()}

    def read(self, row: Row, facts: Facts, known: KnownUser | None, *, says_others: bool) -> PersonRow:
        is_active, faults = self._read_active(row)
        name = self._name(row) or (known.name if known and not is_active else "")
        addresses = read_addresses(self._emails(row))
        name = name or (addresses[0].address[:MAX_NAME] if addresses else "")
        faults += [*find_name_faults(name), *self._find_faults(row)]
        home = _home(facts, known)
        others = tuple(school for school in facts.schools if school != home)
        return PersonRow(
            number=row.number,
            school=home,
            name=name[:MAX_NAME],
            sis_id=id_of(self._table, row)[:MAX_ID],
            kind=_kind(facts, known),
            language=self._language(row),
            grade=self._grade(row, facts) if self._table.has("grades") else None,
            other_schools=others if says_others else None,
            is_active=is_active,
            addresses=addresses if self._table.has("email") or self._metadata.emails else None,
            file=self._table.file,
            reasons=tuple(faults),
            cells=self.cells(row) if faults else (),
        )

    def cells(self, row: Row) -> tuple[str, ...]:
        """A rejected row, to be looked at. Some systems put passwords in: they stay out of it."""
        return tuple("" if place in self._secrets else cell for place, cell in enumerate(row.cells))

    def _name(self, row: Row) -> str:
        cell = self._table.cell
        given = cell(row, "preferredGivenName") or cell(row, "givenName")
        return read_name(f"{given} {cell(row, 'preferredFamilyName') or cell(row, 'familyName')}")

    def _emails(self, row: Row) -> list[str]:
        return [self._table.cell(row, column) for column in ("email", *self._metadata.emails)]

    def _read_active(self, row: Row) -> tuple[bool, list[str]]:
        text = self._table.cell(row, "enabledUser")
        if self._table.is_deleted(row):
            return False, []
        try:
            is_active = read_active(text)
        except ValueError:
            return True, [_("enabledUser says “%(text)s”, which is neither true nor false.") % {"text": text[:60]}]
        if text not in {"true", "false"}:
            words = (
                _("enabledUser is not written as true or false") if text else _("enabledUser is empty: taken as true")
            )
            self._table.warnings.add(words, self._table.place(row, text))
        return is_active is not False, []

    def _find_faults(self, row: Row) -> Iterator[str]:
        if len(self._table.cell(row, "sourcedId")) > MAX_ID:
            yield _("The sourcedId is longer than %(limit)d characters.") % {"limit": MAX_ID}

    def _language(self, row: Row) -> str:
        text = self._metadata.language(row)
        language = read_language(text)
        if language is None or len(language) > MAX_LANGUAGE:
            self._table.warnings.add(
                _("A language that Messenger does not know is left out"), self._table.place(row, text)
            )
            return ""
        return language

    def _grade(self, row: Row, facts: Facts) -> str:
        """The first one, as the export writes it, except that 09 is 9."""
        if not facts.is_student and facts.kind:
            return ""
        grade = next(split_ids(self._table.cell(row, "grades")), "")
        return grade[1:MAX_GRADE] if len(grade) > 1 and grade[0] == "0" and grade[1].isdigit() else grade[:MAX_GRADE]


def _home(facts: Facts, known: KnownUser | None) -> int:
    if known and (not facts.schools or not facts.moves_home):
        return known.school
    return next(iter(facts.schools), 0)


def _kind(facts: Facts, known: KnownUser | None) -> str:
    """A file of changes may tell one role of several: who is staff here stays staff."""
    if known and known.kind == Person.Kind.STAFF and facts.kind == Person.Kind.GUARDIAN:
        return known.kind
    return facts.kind or (known.kind if known else "")
