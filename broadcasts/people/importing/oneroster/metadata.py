"""What exports say in columns of their own, like metadata.homeLanguage: OneRoster has no column for it."""

from typing import NamedTuple

from django.utils.translation import gettext as _

from broadcasts.models import Guardianship
from broadcasts.people.columns import EMAIL, plain_heading
from broadcasts.people.importing.matching import CAMEL
from broadcasts.people.importing.oneroster.roles import RELATIVE, Facts
from broadcasts.people.importing.oneroster.table import METADATA, RosterTable, Row
from broadcasts.people.importing.relations import read_category, read_yes

MEANINGS = {
    "".join(spelling.split()): meaning
    for meaning, spellings in {
        "language": "language|home language|preferred language|primary language|native language"
        "|correspondence language|family language|language code|lang",
        "category": "relationship|category|relation|relation type|relationship type|contact type|guardian type"
        "|relationship to student",
        "priority": "priority|contact order|contact priority|order|sequence",
        "do_not_contact": "do not contact|no contact|do not contact flag|dnc|court order",
    }.items()
    for spelling in spellings.split("|")
}


class Relation(NamedTuple):
    """What a guardian's own row says of their relation to each of their students."""

    category: str = ""
    priority: int | None = None
    do_not_contact: bool | None = None


NO_RELATION = Relation()


class Metadata:
    """Which columns of users.csv mean what."""

    def __init__(self, table: RosterTable) -> None:
        self._table = table
        self._columns: dict[str, str] = {}
        self.emails: list[str] = []
        for column, place in table.places.items():
            if column.startswith(METADATA):
                plain = plain_heading(CAMEL.sub(" ", table.headings[place].strip()[len(METADATA) :]))
                if meaning := MEANINGS.get("".join(plain.split())):
                    self._columns.setdefault(meaning, column)
                elif EMAIL.fullmatch(plain):
                    self.emails.append(column)
        self._has_relations = bool({"category", "priority", "do_not_contact"} & self._columns.keys())

    def language(self, row: Row) -> str:
        return self._cell(row, "language")

    def relation(self, row: Row, facts: Facts) -> Relation:
        if not self._has_relations and not facts.roles & RELATIVE:
            return NO_RELATION
        return Relation(self._category(row, facts), self._priority(row), self._do_not_contact(row))

    def _category(self, row: Row, facts: Facts) -> str:
        text = self._cell(row, "category")
        category = read_category(text)
        if category is None:
            self._warn(row, _("A relation that Messenger does not know is kept as “Other”"), text)
            return Guardianship.Category.OTHER
        return category or (Guardianship.Category.OTHER if facts.roles & RELATIVE else "")

    def _priority(self, row: Row) -> int | None:
        text = self._cell(row, "priority")
        if text.isascii() and text.isdecimal() and 1 <= int(text[:4]) <= 99:
            return int(text)
        if text:
            self._warn(row, _("An order of calling that is no number from 1 to 99 is left out"), text)
        return None

    def _do_not_contact(self, row: Row) -> bool | None:
        """What cannot be understood means silence: it may be a court's order."""
        text = self._cell(row, "do_not_contact")
        try:
            return read_yes(text)
        except ValueError:
            self._warn(row, _("A do-not-contact mark that is neither yes nor no is taken as yes"), text)
            return True

    def _cell(self, row: Row, meaning: str) -> str:
        column = self._columns.get(meaning)
        return self._table.cell(row, column) if column else ""

    def _warn(self, row: Row, words: str, text: str) -> None:
        self._table.warnings.add(words, self._table.place(row, text))
