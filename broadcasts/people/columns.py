"""Which column of a file of recipients is which, whatever its order, case and usual spelling."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

MAX_COLUMNS = 50

SPELLINGS = {
    "name": "name|full name|fullname|display name|person|contact|contact name|recipient|recipient name"
    "|parent name|guardian name",
    "first_name": "first name|firstname|first|given name|givenname|forename",
    "last_name": "last name|lastname|last|surname|family name|familyname",
    "types": "types|type|broadcast types|broadcast type|contact types|contact type|receives",
    "language": "language|lang|language code|preferred language|home language",
    "kind": "kind|role|type of person|person type|kind of person",
}
MEANINGS = {spelling: meaning for meaning, spellings in SPELLINGS.items() for spelling in spellings.split("|")}
# "Email", "E-mail address 2", "Parent 1 email", "Mother's mail": but not "Wants email", which holds yes or no.
EMAIL = re.compile(
    r"((primary|secondary|first|second|other|alternate|alternative|home|work|personal|private|school|parent|guardian"
    r"|mother|mothers|mom|father|fathers|dad|family|contact|student|staff|teacher|recipient)s? ?\d* )*"
    r"(e ?mails?|mails?)( ?address(es)?)?( ?\d+)?"
)
TITLES = {
    "name": gettext_lazy("name"),
    "first_name": gettext_lazy("first name"),
    "last_name": gettext_lazy("last name"),
    "types": gettext_lazy("broadcast types"),
    "language": gettext_lazy("language"),
    "kind": gettext_lazy("kind of person"),
}


class UnreadableFile(Exception):
    """The whole file is of no use. The message says why and what to do, for the person who uploaded it."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Places of the recognised columns in a row; `unknown` are the headings nobody could place."""

    width: int
    places: dict[str, int]
    emails: tuple[int, ...]
    unknown: list[str] = field(default_factory=list)

    def cell(self, cells: Sequence[str], meaning: str) -> str:
        place = self.places.get(meaning, -1)
        return cells[place].strip() if 0 <= place < len(cells) else ""

    def email_cells(self, cells: Sequence[str]) -> list[str]:
        return [cells[place] for place in self.emails if place < len(cells)]


def meaning_of(heading: str) -> str:
    """`email`, one of SPELLINGS, or empty when nobody could tell."""
    plain = plain_heading(heading)
    if EMAIL.fullmatch(plain):
        return "email"
    return MEANINGS.get(plain, "")


def plain_heading(heading: str) -> str:
    return " ".join(re.sub(r"[\s_.:*-]+", " ", re.sub("['\u2019]", "", heading)).casefold().split())


def count_recognised(headings: Sequence[str]) -> int:
    return sum(1 for heading in headings if meaning_of(heading))


def recognise_columns(headings: Sequence[str]) -> Columns:
    _refuse_too_many(headings)
    places: dict[str, int] = {}
    emails: list[int] = []
    unknown: list[str] = []
    for place, heading in enumerate(headings):
        meaning = meaning_of(heading)
        if meaning == "email":
            emails.append(place)
        elif meaning in places:
            raise UnreadableFile(_two_columns(meaning, headings[places[meaning]], heading))
        elif meaning:
            places[meaning] = place
        elif heading.strip():
            unknown.append(_short(heading))
    if not emails:
        raise UnreadableFile(_no_email_column(headings))
    return Columns(width=len(headings), places=places, emails=tuple(emails), unknown=unknown)


def _refuse_too_many(headings: Sequence[str]) -> None:
    if len(headings) > MAX_COLUMNS:
        raise UnreadableFile(
            ngettext(
                "The file has %(count)d column, but at most %(limit)d can be read.",
                "The file has %(count)d columns, but at most %(limit)d can be read. Delete the columns that are not "
                "needed and upload the file again.",
                len(headings),
            )
            % {"count": len(headings), "limit": MAX_COLUMNS}
        )


def _two_columns(meaning: str, one: str, other: str) -> str:
    return _(
        "Two columns both look like the %(meaning)s: “%(one)s” and “%(other)s”. Rename or delete one of them and "
        "upload the file again."
    ) % {"meaning": TITLES[meaning], "one": _short(one), "other": _short(other)}


def _no_email_column(headings: Sequence[str]) -> str:
    found = ", ".join(f"“{_short(heading)}”" for heading in headings[:8] if heading.strip())
    return _(
        "There is no email column. The first row of the file must name the columns, and at least one must be "
        "called “email”. We found: %(found)s."
    ) % {"found": found}


def _short(heading: str) -> str:
    plain = " ".join(heading.split())
    return plain if len(plain) <= 60 else plain[:59] + "…"
