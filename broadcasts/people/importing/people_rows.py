"""The rows of a CSV file or a workbook as people and their guardians."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from django.conf import settings
from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.translation import gettext as _

from broadcasts.models import Guardianship, Import, Person
from broadcasts.people.cells import Address, read_addresses, read_kind, read_language, read_name
from broadcasts.people.columns import UnreadableFile
from broadcasts.people.importing.relations import read_active, read_category, read_yes
from broadcasts.people.importing.rows import GuardianRow, PersonRow, Warnings
from broadcasts.people.importing.schools import KnownSchools
from broadcasts.people.importing.tabular import Record, Table, name_headings
from broadcasts.people.planning import TypeNames
from broadcasts.people.reading import (
    MAX_LANGUAGE,
    MAX_NAME,
    find_name_faults,
    has_more_cells,
    more_cells,
    short,
    unknown_kind,
    unknown_language,
)

MAX_ID = 100
MAX_GRADE = 20
LAST_PRIORITY = 99
BETWEEN_IDS = re.compile(r"[;,|\n]")


class TabularSource:
    def __init__(self, table: Table, columns: Mapping[str, str], import_: Import, warnings: Warnings) -> None:
        self.headings: Sequence[str] = name_headings(table.headings)
        self.warnings, self.total = warnings, table.total
        self._table = table
        self._reader = _RowReader(self.headings, columns, KnownSchools(import_.school), warnings)
        self.has_ids = "sis_id" in self._reader.places
        self.has_guardians = self._reader.has_links

    def rows(self) -> Iterator[PersonRow | GuardianRow]:
        count, links = 0, 0
        for count, record in enumerate(self._table.records(), 1):
            if count > settings.MAX_IMPORT_ROWS:
                raise UnreadableFile(too_many_rows())
            for row in self._reader.read(record):
                links += isinstance(row, GuardianRow)
                yield row
        # A column that is empty throughout does not say that nobody has guardians.
        self.has_guardians = self.has_guardians and links > 0
        if not count:
            raise UnreadableFile(
                _("The file has headings but no people. Add one row for each person and import it again.")
            )

    def records(self) -> Iterator[tuple[int, Sequence[str]]]:
        return ((record.number, record.cells) for record in self._table.records())


class _RowReader:
    def __init__(
        self, headings: Sequence[str], columns: Mapping[str, str], schools: KnownSchools, warnings: Warnings
    ) -> None:
        self._width, self._schools, self._warnings = len(headings), schools, warnings
        self._types = TypeNames()
        self.places: dict[str, list[int]] = defaultdict(list)
        for place, heading in enumerate(headings):
            if meaning := columns.get(heading):
                self.places[meaning].append(place)
        self._used = {place for places in self.places.values() for place in places}
        self.has_links = bool({"guardian_ids", "student_ids"} & self.places.keys())

    def read(self, record: Record) -> Iterator[PersonRow | GuardianRow]:
        if has_more_cells(record.cells, self._width):
            # Its cells are not where they belong; what else looks wrong comes of that.
            yield self._reject(record, [more_cells(self._width)], self._who(_Cells(record, self.places)))
            return
        cells = _Cells(record, self.places)
        faults = [fault for place, fault in record.faults.items() if place in self._used]
        person = self._read_person(cells, faults)
        links = list(self._read_links(cells, person.sis_id, faults)) if self.has_links else []
        if faults:
            yield self._reject(record, faults, person)
        else:
            yield person
        # Of a rejected person too: a guardian whom the file names must not seem to be gone.
        yield from links

    def _who(self, cells: "_Cells") -> PersonRow:
        """As far as one can tell, so that they do not seem to be missing."""
        name = _name(cells, None)
        return PersonRow(
            number=cells.number, school=self._schools.fallback, name=name, sis_id=self._read_id(cells, [])
        )

    def _read_person(self, cells: "_Cells", faults: list[str]) -> PersonRow:
        addresses = read_addresses(cells.all("email")) if "email" in self.places else None
        name = _name(cells, addresses)
        faults.extend(find_name_faults(name))
        home, others, fault = self._schools.read(cells.one("school"))
        faults.extend([fault] if fault else [])
        return PersonRow(
            number=cells.number,
            school=home,
            name=name,
            sis_id=self._read_id(cells, faults),
            kind=_read_kind(cells, faults),
            language=_read_language(cells, faults),
            grade=_read_grade(cells, faults) if "grade" in self.places else None,
            other_schools=others,
            is_active=_read_active(cells, faults),
            addresses=addresses,
            types=self._read_types(cells, faults) if "types" in self.places else None,
        )

    def _read_id(self, cells: "_Cells", faults: list[str]) -> str:
        if "sis_id" not in self.places:
            return ""
        sis_id = cells.one("sis_id")
        if not sis_id:
            faults.append(_("The SIS id is missing, and people of this file are found by it."))
        elif len(sis_id) > MAX_ID:
            faults.append(_("The SIS id is longer than %(limit)d characters.") % {"limit": MAX_ID})
        return sis_id[:MAX_ID]

    def _read_types(self, cells: "_Cells", faults: list[str]) -> frozenset[int] | None:
        names = tuple(name for name in map(read_name, cells.one("types").split(";")) if name)
        found = self._types.find(names)
        if isinstance(found, str):
            faults.append(found)
            return None
        return found

    def _read_links(self, cells: "_Cells", own: str, faults: list[str]) -> Iterator[GuardianRow]:
        category = self._read_category(cells)
        priority = _read_priority(cells, faults)
        try:
            silenced = read_yes(cells.one("do_not_contact"))
        except ValueError:
            # No link at all: somebody whom a court order silences must not be linked without the mark.
            faults.append(_unknown_mark(cells.one("do_not_contact")))
            return
        for meaning in ("guardian_ids", "student_ids"):
            for other in dict.fromkeys(_split_ids(cells.all(meaning))):
                if len(other) > MAX_ID:
                    faults.append(_("“%(text)s” is too long for a SIS id.") % {"text": short(other)})
                elif other == own:
                    self._warnings.add(_("Somebody is named as their own guardian"), self._place(cells, other))
                elif own:
                    student, guardian = (own, other) if meaning == "guardian_ids" else (other, own)
                    yield GuardianRow(student, guardian, cells.number, category, priority, silenced)

    def _read_category(self, cells: "_Cells") -> str:
        category = read_category(cells.one("category"))
        if category is None:
            self._warnings.add(
                _("A relation that Messenger does not know is kept as “Other”"),
                self._place(cells, cells.one("category")),
            )
            return Guardianship.Category.OTHER
        return category

    def _place(self, cells: "_Cells", text: str) -> str:
        return _("row %(number)d: “%(text)s”") % {"number": cells.number, "text": short(text)}

    def _reject(self, record: Record, faults: list[str], person: PersonRow | None = None) -> PersonRow:
        """With its id, so that whom it names does not seem to be missing."""
        return PersonRow(
            number=record.number,
            school=person.school if person else self._schools.fallback,
            name=person.name[:MAX_NAME] if person else "",
            sis_id=person.sis_id if person else "",
            addresses=person.addresses if person else None,
            reasons=tuple(dict.fromkeys(faults)),
            cells=tuple(record.cells),
        )


class _Cells:
    """The cells of one row by what they mean."""

    def __init__(self, record: Record, places: Mapping[str, list[int]]) -> None:
        self.number, self._cells, self._places = record.number, record.cells, places

    def one(self, meaning: str) -> str:
        return next(iter(self.all(meaning)), "").strip()

    def all(self, meaning: str) -> list[str]:
        cells = self._cells
        return [cells[place] for place in self._places.get(meaning, ()) if place < len(cells)]


def _name(cells: _Cells, addresses: tuple[Address, ...] | None) -> str:
    written = read_name(cells.one("name")) or read_name(f"{cells.one('first_name')} {cells.one('last_name')}")
    return written or (addresses[0].address[:MAX_NAME] if addresses else "")


def _read_kind(cells: _Cells, faults: list[str]) -> str:
    """Where the file has no word for it, whom the row names tells it: a student has guardians."""
    kind = read_kind(cells.one("kind"))
    if kind is None:
        faults.append(unknown_kind(cells.one("kind")))
    if kind:
        return kind
    if any(_split_ids(cells.all("student_ids"))):
        return Person.Kind.GUARDIAN
    if any(_split_ids(cells.all("guardian_ids"))) or cells.one("grade"):
        return Person.Kind.STUDENT
    return ""


def _read_language(cells: _Cells, faults: list[str]) -> str:
    language = read_language(cells.one("language"))
    if language is None or len(language) > MAX_LANGUAGE:
        faults.append(unknown_language(cells.one("language")))
        return ""
    return language


def _read_grade(cells: _Cells, faults: list[str]) -> str:
    grade = read_name(cells.one("grade"))
    if len(grade) > MAX_GRADE:
        faults.append(_("The grade is longer than %(limit)d characters. Shorten it.") % {"limit": MAX_GRADE})
    return grade[:MAX_GRADE]


def _read_active(cells: _Cells, faults: list[str]) -> bool:
    try:
        return read_active(cells.one("active")) is not False
    except ValueError:
        faults.append(
            _("“%(text)s” does not say whether this person is active. Use yes or no.")
            % {"text": short(cells.one("active"))}
        )
        return True


def _unknown_mark(text: str) -> str:
    return _("“%(text)s” does not say whether this person must not be contacted. Use yes or no.") % {
        "text": short(text)
    }


def _read_priority(cells: _Cells, faults: list[str]) -> int | None:
    text = cells.one("priority")
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:9]) <= LAST_PRIORITY):
        faults.append(
            _("“%(text)s” is no order of calling. Use a number from 1 to %(last)d.")
            % {"text": short(text), "last": LAST_PRIORITY}
        )
        return None
    return int(text)


def _split_ids(cells: list[str]) -> Iterator[str]:
    for cell in cells:
        yield from (piece for piece in map(str.strip, BETWEEN_IDS.split(cell)) if piece)


def too_many_rows() -> str:
    return _(
        "The file has more than %(limit)s rows. Split it into smaller files that hold changes only, and import them "
        "one after the other."
    ) % {"limit": intcomma(settings.MAX_IMPORT_ROWS)}
