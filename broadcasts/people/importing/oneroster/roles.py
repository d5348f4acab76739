"""What people are, and to which schools they belong: roles.csv of 1.2, the users' own columns of 1.1."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import NamedTuple

from django.utils import timezone
from django.utils.translation import gettext as _

from broadcasts.models import Person
from broadcasts.people.importing.oneroster.orgs import Orgs
from broadcasts.people.importing.oneroster.package import Package
from broadcasts.people.importing.oneroster.table import ROLES, RosterTable, Row
from broadcasts.people.importing.rows import Warnings

STUDENT, STAFF, GUARDIAN, RELATIVE = 1, 2, 4, 8
IS_GUARDIAN = GUARDIAN | RELATIVE
ROLE_BITS = {
    word: bit
    for bit, words in {
        STUDENT: "student pupil",
        GUARDIAN: "guardian parent",
        RELATIVE: "relative",
        STAFF: "teacher aide administrator proctor counselor counsellor principal districtadministrator "
        "siteadministrator systemadministrator staff employee",
    }.items()
    for word in words.split()
}
KINDS = ((STUDENT, Person.Kind.STUDENT), (STAFF, Person.Kind.STAFF), (IS_GUARDIAN, Person.Kind.GUARDIAN))
DATES = ("%Y-%m-%d", "%m/%d/%Y", "%d/%m/%Y", "%m-%d-%Y", "%d.%m.%Y", "%Y/%m/%d", "%Y%m%d")


class Facts(NamedTuple):
    """What the file says of one user. Most users' are equal, and are kept once."""

    roles: int = 0
    schools: tuple[int, ...] = ()  # the home school first
    broad: tuple[int, ...] = ()  # all schools of a district or department they were given to
    moves_home: bool = True  # False: only secondary roles were told

    @property
    def kind(self) -> str:
        """Staff who are parents too are staff, whom rules choose as such; as guardians their children find them."""
        return next((str(kind) for bits, kind in KINDS if self.roles & bits), "")

    @property
    def is_guardian(self) -> bool:
        return bool(self.roles & IS_GUARDIAN)

    @property
    def is_student(self) -> bool:
        return bool(self.roles & STUDENT)


NOTHING = Facts()


class FactsReader:
    """Turns roles and orgs into facts, and counts what it does not know."""

    def __init__(self, orgs: Orgs, warnings: Warnings) -> None:
        self._orgs, self._warnings = orgs, warnings
        self._known: dict[Facts, Facts] = {}

    def keep(self, facts: Facts) -> Facts:
        return self._known.setdefault(facts, facts)

    def read(self, role: str, org_ids: Iterable[str], place: str) -> Facts:
        bits = self._role(role, place)
        schools: list[int] = []
        broad: list[int] = []
        for org in org_ids:
            belonging = self._orgs.belonging(org)
            if belonging is None:
                self._warnings.add(_("An org is named that orgs.csv does not have"), f"{place}: “{org[:60]}”")
            else:
                (broad if belonging.is_broad else schools).extend(belonging.schools)
        return self.keep(Facts(bits, _unique(schools), _unique(broad)))

    def join(self, one: Facts, other: Facts, *, other_first: bool = False) -> Facts:
        first, second = (other, one) if other_first else (one, other)
        return self.keep(
            Facts(
                one.roles | other.roles,
                _unique([*first.schools, *second.schools]),
                _unique([*first.broad, *second.broad]),
                one.moves_home or other.moves_home,
            )
        )

    def _role(self, role: str, place: str) -> int:
        plain = "".join(role.casefold().split())
        if plain and plain not in ROLE_BITS:
            self._warnings.add(_("A role that OneRoster does not have"), f"{place}: “{role[:60]}”")
        return ROLE_BITS.get(plain, 0)


def read_roles(package: Package, reader: FactsReader) -> dict[str, Facts]:
    """Facts by user, of their roles that are not over."""
    table = package.table(ROLES)
    today = timezone.localdate()
    found: dict[str, Facts] = {}
    ended: dict[str, Facts] = {}
    for row in table.rows():
        user = table.cell(row, "userSourcedId")
        if table.is_deleted(row) or not user:
            continue
        into = ended if _is_over(table, row, today, package.warnings) else found
        facts = reader.read(
            table.cell(row, "role"), filter(None, [table.cell(row, "orgSourcedId")]), table.place(row)
        )
        is_secondary = table.cell(row, "roleType").casefold() == "secondary"
        facts = reader.keep(facts._replace(moves_home=not is_secondary))
        known = into.get(user)
        into[user] = (
            reader.join(known, facts, other_first=not is_secondary and not known.moves_home) if known else facts
        )
    return _with_ended(found, ended, package.warnings)


def _with_ended(found: dict[str, Facts], ended: dict[str, Facts], warnings: Warnings) -> dict[str, Facts]:
    """In the holidays all roles may have ended, and yet everybody is still there: enabledUser says who has left."""
    for user, facts in ended.items():
        if user in found:
            warnings.add(_("A role that has ended is left out"), f"roles.csv: “{user[:60]}”")
        else:
            warnings.add(_("All roles of a user have ended; they are kept"), f"roles.csv: “{user[:60]}”")
            found[user] = facts
    return found


def _is_over(table: RosterTable, row: Row, today: date, warnings: Warnings) -> bool:
    text = table.cell(row, "endDate")
    if not text:
        return False
    for form in DATES:
        try:
            day = datetime.strptime(text[:10], form).date()  # noqa: DTZ007  # a day has no time zone
        except ValueError:
            continue
        if form != DATES[0]:
            warnings.add(_("A date is not written as 2026-08-31"), table.place(row, text))
        return day < today
    warnings.add(_("A date cannot be read and is left out"), table.place(row, text))
    return False


def warn_of_roles_without_user(roles: Iterable[str], users: Iterable[str], warnings: Warnings) -> None:
    missing = set(roles) - set(users)
    for user in sorted(missing):
        warnings.add(_("A role is given to a user that users.csv does not have"), f"roles.csv: “{user[:60]}”")


def _unique(schools: list[int]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(schools))
