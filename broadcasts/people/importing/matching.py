"""Which column of an import means what: guessed, chosen by the user, and remembered for each school."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from broadcasts.models import Import, RememberedColumn, School
from broadcasts.people.columns import EMAIL, SPELLINGS, UnreadableFile, plain_heading
from broadcasts.people.importing.tables import open_table
from broadcasts.people.importing.tabular import MAX_HEADING, name_headings

SAMPLES = 5
LEFT_OUT = ""

# In the order in which a form offers them.
MEANINGS: dict[str, str | Promise] = {
    LEFT_OUT: gettext_lazy("(leave out)"),
    "sis_id": gettext_lazy("SIS id"),
    "name": gettext_lazy("Name"),
    "first_name": gettext_lazy("First name"),
    "last_name": gettext_lazy("Last name"),
    "email": gettext_lazy("Email address"),
    "kind": gettext_lazy("Kind of person"),
    "school": gettext_lazy("School"),
    "grade": gettext_lazy("Grade"),
    "language": gettext_lazy("Language"),
    "types": gettext_lazy("Broadcast types"),
    "active": gettext_lazy("Active"),
    "guardian_ids": gettext_lazy("SIS ids of the guardians"),
    "student_ids": gettext_lazy("SIS ids of the students"),
    "category": gettext_lazy("Relation to the student"),
    "priority": gettext_lazy("Order of calling"),
    "do_not_contact": gettext_lazy("Do not contact"),
}
MANY = frozenset({"email", "guardian_ids", "student_ids"})
LINKS = ("guardian_ids", "student_ids")

# The better ones first: of two columns that could mean the same, the better is taken.
IMPORT_SPELLINGS = {
    **SPELLINGS,
    "sis_id": "sis id|sourced id|sourcedid|user sourced id|person id|local id|local student id|user id|contact id|id"
    "|unique id|external id|id number|student id|student number|student no|staff id|employee id|employee number"
    "|teacher id|guardian id|parent id|member id|state id|state student id|ssid",
    "grade": "grade|grade level|grades|current grade|year group|year level|class grade|student grade",
    "school": "school|school name|school id|school code|school number|campus|building|site|home school"
    "|org sourced ids|school sourced id",
    "types": "types|type|broadcast types|broadcast type|contact types|receives",
    "language": f"{SPELLINGS['language']}|language of correspondence|correspondence language|family language"
    "|primary language|native language|spoken language|contact language",
    "kind": f"{SPELLINGS['kind']}|kind of contact|user type|user role|account type",
    "guardian_ids": "guardian ids|guardian id|parent ids|parent id|contact ids|guardian sis id"
    "|guardian sis ids|parent sis id|parent sis ids|agent sourced ids|guardian 1 id|guardian 2 id|guardian 3 id"
    "|parent 1 id|parent 2 id|mother id|father id",
    "student_ids": "student ids|student id|child ids|child id|student sis id|student sis ids"
    "|student number|student numbers|pupil id|pupil ids|ward ids",
    "category": "category|relationship|relation|contact type|relationship to student|relation to student"
    "|relationship type|guardian type|contact relationship",
    "priority": "priority|order|contact order|contact priority|calling order|call order|sequence|contact sequence",
    "do_not_contact": "do not contact|no contact|do not contact flag|dnc",
    "active": "active|is active|enabled|enabled user|status|enrollment status|enrolment status|enroll status",
}
BLANKS = re.compile(r"\s+")
AGAIN = re.compile(r" \(\d+\)$")  # by which two columns of one name are told apart
CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
RANKS: dict[str, dict[str, int]] = {
    meaning: {BLANKS.sub("", spelling): rank for rank, spelling in enumerate(spellings.split("|"))}
    for meaning, spellings in IMPORT_SPELLINGS.items()
}


@dataclass(slots=True)
class Preview:
    headings: list[str]
    samples: list[list[str]] = field(default_factory=list)
    guessed: dict[str, str] = field(default_factory=dict)


def preview(import_: Import) -> Preview:
    """What the page of columns shows. Raises UnreadableFile."""
    table = open_table(import_)
    headings = name_headings(table.headings)
    width = len(headings)
    samples = [
        [*record.cells[:width], *[""] * (width - len(record.cells))] for record in islice(table.records(), SAMPLES)
    ]
    return Preview(headings, samples, guess_columns(headings, import_.school))


def guess_columns(headings: Sequence[str], school: School | None) -> dict[str, str]:
    """By what the school chose last time, then by the usual spellings."""
    remembered = _remembered(headings, school)
    chosen = {heading: remembered[_key(heading)] for heading in headings if _key(heading) in remembered}
    taken = {meaning for meaning in chosen.values() if meaning not in MANY}
    for meaning in filter(None, MEANINGS):
        candidates = [heading for heading in _candidates(headings, meaning) if heading not in chosen]
        if meaning in MANY:
            chosen |= dict.fromkeys(candidates, meaning)
        elif meaning not in taken and candidates:
            chosen[min(candidates, key=lambda heading: _rank(heading, meaning) or 0)] = meaning
    return {heading: chosen.get(heading, LEFT_OUT) for heading in headings}


def remembered_headings(headings: Sequence[str], school: School | None) -> set[str]:
    """Those whose meaning the school chose last time, also that of being left out."""
    known = _remembered(headings, school)
    return {heading for heading in headings if _key(heading) in known}


def remember_columns(school: School | None, columns: Mapping[str, str]) -> None:
    """For the school's next import. An import of the whole district has no school to remember it for."""
    if school is None:
        return
    with transaction.atomic():
        for heading, meaning in columns.items():
            RememberedColumn.objects.update_or_create(
                school=school, heading=_key(heading), defaults={"meaning": meaning}
            )


def check_columns(columns: Mapping[str, str], *, is_district: bool = False) -> list[str]:
    """What is wrong with a choice, in plain words; empty when it can be used."""
    return list(_problems(columns, is_district=is_district))


def columns_of(import_: Import, headings: Sequence[str]) -> dict[str, str]:
    """The user's choice, or our guess where nobody was asked. Raises UnreadableFile for what cannot be used."""
    columns = dict(import_.columns) or guess_columns(headings, import_.school)
    columns = {heading: columns.get(heading, LEFT_OUT) for heading in headings}
    if problems := check_columns(columns, is_district=import_.school_id is None):
        raise UnreadableFile(" ".join(problems))
    return columns


def _problems(columns: Mapping[str, str], *, is_district: bool) -> Iterable[str]:
    chosen = list(columns.values())
    if unknown := sorted(set(chosen) - MEANINGS.keys()):
        yield _("There is no meaning called “%(meaning)s”.") % {"meaning": unknown[0]}
    if not {"name", "first_name", "last_name", "email"} & set(chosen):
        yield _("Say which column holds the name, or which the email address.")
    for meaning, label in MEANINGS.items():
        if meaning and meaning not in MANY and chosen.count(meaning) > 1:
            names = ", ".join(f"“{heading}”" for heading, one in columns.items() if one == meaning)
            yield _("More than one column is “%(meaning)s”: %(names)s. Choose one of them.") % {
                "meaning": label,
                "names": names,
            }
    if set(LINKS) & set(chosen) and "sis_id" not in chosen:
        yield _("Guardians are found by SIS ids: say which column holds each person's own id.")
    if "do_not_contact" in chosen and not set(LINKS) & set(chosen):
        yield _(
            "“Do not contact” is about a guardian and a student. Say too which column holds the SIS ids of the "
            "students, or of the guardians; otherwise leave it out."
        )
    if is_district and "school" not in chosen:
        yield _("This import is for the whole district: say which column names everybody's school.")


def _remembered(headings: Sequence[str], school: School | None) -> dict[str, str]:
    known = RememberedColumn.objects.filter(school=school, heading__in={_key(heading) for heading in headings})
    return {heading: meaning for heading, meaning in known.values_list("heading", "meaning") if meaning in MEANINGS}


def _key(heading: str) -> str:
    return " ".join(heading.casefold().split())[:MAX_HEADING]


def _candidates(headings: Sequence[str], meaning: str) -> list[str]:
    found = [heading for heading in headings if _rank(heading, meaning) is not None]
    if meaning == "student_ids" and not _are_guardians(headings):
        # In a file of students, a second number of their own is nobody else's id.
        return [heading for heading in found if _plain(heading).endswith("s")]
    return found


def _are_guardians(headings: Sequence[str]) -> bool:
    return any(_rank(heading, meaning) is not None for heading in headings for meaning in ("category", "kind"))


def _rank(heading: str, meaning: str) -> int | None:
    heading = AGAIN.sub("", heading)
    plain = plain_heading(CAMEL.sub(" ", heading))
    if meaning == "email":
        return 0 if EMAIL.fullmatch(plain) or EMAIL.fullmatch(plain_heading(heading)) else None
    return RANKS[meaning].get(BLANKS.sub("", plain))


def _plain(heading: str) -> str:
    return BLANKS.sub("", plain_heading(heading))
