"""The orgs of a OneRoster package, and which schools of Messenger they are."""

from dataclasses import dataclass
from typing import NamedTuple

from django.utils.text import slugify
from django.utils.translation import gettext as _

from broadcasts.models import School
from broadcasts.people.columns import UnreadableFile
from broadcasts.people.importing.oneroster.package import Package
from broadcasts.people.importing.oneroster.table import ORGS

SCHOOL = "school"
MOST_NAMED = 10


@dataclass(frozen=True, slots=True)
class OrgInfo:
    sourced_id: str
    name: str
    type: str = SCHOOL
    parent: str = ""
    identifier: str = ""


class Belonging(NamedTuple):
    """What an org stands for: a school, or all schools beneath a district or department."""

    schools: tuple[int, ...]
    is_broad: bool


class Orgs:
    """Every org that the file or Messenger knows. With an own school, only that one counts."""

    def __init__(self, package: Package, own: School | None) -> None:
        self.own = own
        self.infos = read_orgs(package)
        self.schools = find_schools(list(self.infos.values()), own)
        self._belongings = {org: self._belonging(org) for org in self.infos}
        for school in School.objects.exclude(sis_id=""):
            counts = own is None or school == own
            self._belongings.setdefault(school.sis_id, Belonging((school.pk,) if counts else (), is_broad=False))

    def belonging(self, sourced_id: str) -> Belonging | None:
        """None: nobody knows this org."""
        return self._belongings.get(sourced_id)

    def _belonging(self, org: str) -> Belonging:
        if self.infos[org].type == SCHOOL:
            school = self.schools.get(org)
            return Belonging((school.pk,) if school else (), is_broad=False)
        beneath = sorted({school.pk for one, school in self.schools.items() if org in self._above(one)})
        # A district of one school is that school.
        return Belonging(tuple(beneath), is_broad=len(self._school_infos) > 1)

    @property
    def _school_infos(self) -> list[OrgInfo]:
        return [info for info in self.infos.values() if info.type == SCHOOL]

    def _above(self, org: str) -> set[str]:
        above: set[str] = set()
        while (parent := self.infos[org].parent) in self.infos and parent not in above:
            above.add(parent)
            org = parent
        return above


def read_orgs(package: Package) -> dict[str, OrgInfo]:
    """By their ids. A delta may have none."""
    if not package.has("orgs"):
        return {}
    table = package.table(ORGS)
    found = {}
    for row in table.rows():
        sourced_id = table.cell(row, "sourcedId")
        if not sourced_id:
            raise UnreadableFile(
                _("%(place)s has no sourcedId. Export the file again.") % {"place": table.place(row)}
            )
        if not table.is_deleted(row):
            found[sourced_id] = OrgInfo(
                sourced_id,
                " ".join(table.cell(row, "name").split())[:200],
                table.cell(row, "type").casefold(),
                table.cell(row, "parentSourcedId"),
                table.cell(row, "identifier"),
            )
    return found


def find_schools(infos: list[OrgInfo], own: School | None) -> dict[str, School]:
    """Schools of Messenger by the id of their org, found by SIS id, else by name; one's own also by short name."""
    orgs = [info for info in infos if info.type == SCHOOL]
    if own:
        return {info.sourced_id: own for info in _find_own(orgs, own)}
    schools = list(School.objects.all())
    by_id = {school.sis_id: school for school in schools if school.sis_id}
    found = {}
    for info in orgs:
        if school := by_id.get(info.sourced_id) or by_id.get(info.identifier):
            found[info.sourced_id] = school
    by_name = {school.name.casefold(): school for school in schools if school not in found.values()}
    for info in orgs:
        # Taken out of the names: of two schools of one name, only one can be that of Messenger.
        if info.sourced_id not in found and (school := by_name.pop(info.name.casefold(), None)):
            found[info.sourced_id] = school
    return found


def missing_among(infos: list[OrgInfo]) -> list[OrgInfo]:
    found = find_schools(infos, None)
    return [info for info in infos if info.type == SCHOOL and info.sourced_id not in found]


def refuse_missing(infos: list[OrgInfo]) -> None:
    if missing := missing_among(infos):
        names = ", ".join(f"“{info.name or info.sourced_id}”" for info in missing[:MOST_NAMED])
        more = _(" and %(count)d more") % {"count": len(missing) - MOST_NAMED} if len(missing) > MOST_NAMED else ""
        raise UnreadableFile(
            _(
                "These schools are not in Messenger yet: %(names)s%(more)s. Add them first, then import the file "
                "again."
            )
            % {"names": names, "more": more}
        )


def _find_own(orgs: list[OrgInfo], own: School) -> list[OrgInfo]:
    ways = (
        [info for info in orgs if own.sis_id and own.sis_id in {info.sourced_id, info.identifier}],
        [info for info in orgs if info.name.casefold() == own.name.casefold()],
        [info for info in orgs if slugify(info.name) == own.slug],
        orgs if len(orgs) == 1 else [],
    )
    found = next(filter(None, ways), [])
    if orgs and not found:
        raise UnreadableFile(
            _(
                "%(school)s is none of the schools in the file: %(names)s. Give %(school)s the SIS id that the file "
                "has for it, or choose another school."
            )
            % {"school": own, "names": ", ".join(f"“{info.name}” ({info.sourced_id})" for info in orgs[:MOST_NAMED])}
        )
    return found
