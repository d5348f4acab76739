"""Who learns and teaches where, for those whose own row names a district only; and references that lead nowhere."""

from collections.abc import Container, Mapping

from django.utils.translation import gettext as _

from broadcasts.people.importing.oneroster.orgs import Orgs
from broadcasts.people.importing.oneroster.package import Package
from broadcasts.people.importing.oneroster.roles import Facts
from broadcasts.people.importing.oneroster.table import CLASSES, ENROLLMENTS, SESSIONS, Layout


def find_schools_by_enrollment(
    package: Package, orgs: Orgs, users: Mapping[str, Facts]
) -> dict[str, tuple[int, ...]]:
    """By user, of those without a school of their own."""
    found: dict[str, tuple[int, ...]] = {}
    if not package.has("enrollments"):
        return found
    classes = _classes(package) if package.mode("classes") == "bulk" else None
    table = package.table(ENROLLMENTS)
    for row in table.rows():
        user = table.cell(row, "userSourcedId")
        if table.is_deleted(row):
            continue
        if classes is not None and table.cell(row, "classSourcedId") not in classes:
            package.warnings.add(_("An enrollment is in a class that classes.csv does not have"), table.place(row))
        facts = users.get(user)
        if facts is None:
            if not package.is_delta:
                package.warnings.add(
                    _("An enrollment is of a user that users.csv does not have"), table.place(row, user)
                )
        elif not facts.schools and (belonging := orgs.belonging(table.cell(row, "schoolSourcedId"))):
            before = found.get(user, ())
            found[user] = before + tuple(school for school in belonging.schools if school not in before)
    return found


def _classes(package: Package) -> Container[str]:
    """Their ids. Their terms are looked at only to say what the export got wrong."""
    sessions = _ids(package, SESSIONS, "academicSessions")
    table = package.table(CLASSES)
    found = set()
    for row in table.rows():
        found.add(table.cell(row, "sourcedId"))
        for term in filter(None, map(str.strip, table.cell(row, "termSourcedIds").split(","))):
            if sessions is not None and term not in sessions:
                package.warnings.add(
                    _("A class is in a term that academicSessions.csv does not have"), table.place(row, term)
                )
    return found


def _ids(package: Package, layout: Layout, name: str) -> set[str] | None:
    if package.mode(name) != "bulk":
        return None
    table = package.table(layout)
    return {table.cell(row, "sourcedId") for row in table.rows()}
