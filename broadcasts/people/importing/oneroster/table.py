"""One CSV file of a OneRoster zip: columns by name whatever their case and order, rows that are whole."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from broadcasts.people.columns import UnreadableFile
from broadcasts.people.decoding import MAX_CELL
from broadcasts.people.importing.csv_file import Opener, decoded, read_cells, survey
from broadcasts.people.importing.rows import Warnings
from broadcasts.people.importing.tabular import refuse_columns

BETWEEN_WORDS = re.compile(r"[\s_-]+")
MISSPELT = {
    "datalastmodified": "dateLastModified",
    "prefferedgivenname": "preferredGivenName",
    "prefferedfamilyname": "preferredFamilyName",
    "termsourcedid": "termSourcedIds",
    "orgsourcedid": "orgSourcedIds",
    "agentsourcedid": "agentSourcedIds",
    "agents": "agentSourcedIds",
    "grade": "grades",
    "emailaddress": "email",
    "userid": "userSourcedId",
    "firstname": "givenName",
    "lastname": "familyName",
}
METADATA = "metadata."


@dataclass(frozen=True, slots=True)
class Layout:
    """A file as OneRoster describes it."""

    file: str
    columns: tuple[str, ...]  # in their order, those of 1.2 after those of 1.1
    required: frozenset[str]  # what we cannot do without


class Row(NamedTuple):
    number: int  # as a spreadsheet program shows it
    line: int
    cells: Sequence[str]


def _layout(file: str, columns: str, required: str) -> Layout:
    return Layout(file, tuple(columns.split()), frozenset(required.split()))


MANIFEST = _layout("manifest.csv", "propertyName value", "propertyName value")
ORGS = _layout(
    "orgs.csv",
    "sourcedId status dateLastModified name type identifier parentSourcedId",
    "sourcedId name type",
)
USERS = _layout(
    "users.csv",
    "sourcedId status dateLastModified enabledUser orgSourcedIds role username userIds givenName familyName "
    "middleName identifier email sms phone agentSourcedIds grades password userMasterIdentifier preferredGivenName "
    "preferredMiddleName preferredFamilyName primaryOrgSourcedId pronouns",
    "sourcedId enabledUser givenName familyName",
)
ROLES = _layout(
    "roles.csv",
    "sourcedId status dateLastModified userSourcedId roleType role beginDate endDate orgSourcedId "
    "userProfileSourcedId",
    "userSourcedId role orgSourcedId",
)
ENROLLMENTS = _layout(
    "enrollments.csv",
    "sourcedId status dateLastModified classSourcedId schoolSourcedId userSourcedId role primary beginDate endDate",
    "classSourcedId schoolSourcedId userSourcedId",
)
CLASSES = _layout(
    "classes.csv",
    "sourcedId status dateLastModified title grades courseSourcedId classCode classType location schoolSourcedId "
    "termSourcedIds subjects subjectCodes periods",
    "sourcedId",
)
SESSIONS = _layout(
    "academicSessions.csv",
    "sourcedId status dateLastModified title type startDate endDate parentSourcedId schoolYear",
    "sourcedId",
)


class RosterTable:
    """Raises UnreadableFile with the file and the line for what would lose data."""

    def __init__(self, opener: Opener, layout: Layout, warnings: Warnings) -> None:
        self.file, self._open, self._layout, self.warnings = layout.file, opener, layout, warnings
        with opener() as file, self._naming_file():
            self._survey = survey(file)
        if self._survey.encoding == "cp1252":
            warnings.add(_("The letters are not in UTF-8 as OneRoster's are"), self.file)
        with opener() as file:
            first = next(self._read(file), None)
        if first is None:
            raise UnreadableFile(_("%(file)s is empty. Export it again.") % {"file": self.file})
        self.headings = list(first.cells)
        refuse_columns(len(self.headings))
        self.places = self._find_columns()
        self.total = max(self._survey.lines - 1, 0)

    def rows(self) -> Iterator[Row]:
        width, row = len(self.headings), None
        with self._open() as file:
            found = self._read(file)
            next(found)
            for row in found:
                if len(row.cells) != width:
                    raise UnreadableFile(self._wrong_width(row))
                yield row

    def cell(self, row: Row, column: str) -> str:
        place = self.places.get(column)
        return "" if place is None else row.cells[place].strip()

    def has(self, column: str) -> bool:
        return column in self.places

    def place(self, row: Row, text: str = "") -> str:
        where = _("%(file)s, line %(line)d") % {"file": self.file, "line": row.line}
        return f"{where}: “{text[:60]}”" if text else where

    def is_deleted(self, row: Row) -> bool:
        return self.cell(row, "status").casefold() == "tobedeleted"

    def refuse_without(self, column: str) -> UnreadableFile:
        return UnreadableFile(
            _("There is no column %(column)s in %(file)s. Export it again with all columns that OneRoster requires.")
            % {"column": column, "file": self.file}
        )

    def _read(self, file: BinaryIO) -> Iterator[Row]:
        with self._naming_file():
            for number, line, cells in read_cells(decoded(file, self._survey), ","):
                if any(map(str.strip, cells)):
                    if len(max(cells, key=len)) > MAX_CELL:
                        raise UnreadableFile(self._too_long(line))
                    yield Row(number, line, cells)

    @contextmanager
    def _naming_file(self) -> Iterator[None]:
        try:
            yield
        except UnreadableFile as reason:
            message = str(reason)
            raise UnreadableFile(message if self.file in message else f"{self.file}: {message}") from reason

    def _find_columns(self) -> dict[str, int]:
        known = {column.casefold(): column for column in self._layout.columns}
        places: dict[str, int] = {}
        for place, heading in enumerate(self.headings):
            plain = BETWEEN_WORDS.sub("", heading).casefold()
            column = known.get(plain) or self._misspelt(plain) or plain
            if column in places and heading.strip():
                raise UnreadableFile(
                    _("There are two columns called %(column)s in %(file)s. Export it again.")
                    % {"column": column[:100], "file": self.file}
                )
            if column in self._layout.columns and heading != column:
                self.warnings.add(_("A heading is not spelled as OneRoster's"), f"{self.file}: {heading[:60]}")
            places[column] = place
        self._warn_of_order(places)
        for column in sorted(self._layout.required - places.keys()):
            raise self.refuse_without(column)
        return places

    def _misspelt(self, plain: str) -> str:
        column = MISSPELT.get(plain, "")
        return column if column in self._layout.columns else ""

    def _warn_of_order(self, places: dict[str, int]) -> None:
        there = [places[column] for column in self._layout.columns if column in places]
        old = [place for place in there if self.headings[place]]
        if old != sorted(old):
            self.warnings.add(_("The columns are not in OneRoster's order"), self.file)

    def _wrong_width(self, row: Row) -> str:
        cells = ngettext("%(count)d cell", "%(count)d cells", len(row.cells)) % {"count": len(row.cells)}
        return _(
            "%(file)s, line %(line)d has %(cells)s where the headings are %(width)d. Perhaps the file was cut off, "
            "or a comma stands outside quotation marks. Nothing was imported. Export it again."
        ) % {"file": self.file, "line": row.line, "cells": cells, "width": len(self.headings)}

    def _too_long(self, line: int) -> str:
        return _(
            "%(file)s, line %(line)d has a cell of more than %(limit)d characters. Perhaps a quotation mark is never "
            "closed. Export it again."
        ) % {"file": self.file, "line": line, "limit": MAX_CELL}
