"""The counts and the warnings of the check page, and again those of what was stored."""

from django.db.models import Count
from django.utils.translation import gettext as _

from broadcasts.models import Import, ImportedTypes, StagedAddress, StagedGuardian, StagedPerson
from broadcasts.people.importing.comparing_addresses import CHOICES_OF_FAMILIES
from broadcasts.people.importing.executing import count, fetch

PEOPLE = ("new", "changed", "unchanged", "missing", "rejected")
ADDRESSES = ("new", "back", "gone", "corrected")
GUARDIANS = ("new", "changed", "gone", "unknown")
EXAMPLES = 3

ACTIVITY = """
SELECT SUM(CASE WHEN old_is_active AND NOT is_active THEN 1 ELSE 0 END),
    SUM(CASE WHEN is_active AND NOT old_is_active THEN 1 ELSE 0 END),
    SUM(CASE WHEN school_id <> old_school_id THEN 1 ELSE 0 END)
FROM broadcasts_stagedperson WHERE of_import_id = %(import)s AND action = 'changed'
"""
CORRECTED = """
SELECT s.name, a.address FROM broadcasts_stagedaddress a JOIN broadcasts_stagedperson s ON s.id = a.staged_id
WHERE a.of_import_id = %(import)s AND a.action = 'corrected' ORDER BY s.name LIMIT %(most)s
"""
AT_HOME_ELSEWHERE = """
FROM broadcasts_stagedperson s JOIN broadcasts_person p ON p.id = s.person_id
WHERE s.of_import_id = %(import)s AND s.action = 'unchanged' AND %(school)s <> 0 AND p.school_id <> %(school)s
"""
STILL_MARKED = """
FROM broadcasts_stagedguardian
WHERE of_import_id = %(import)s AND old_do_not_contact AND do_not_contact = FALSE
"""
NEWLY_MARKED = """
FROM broadcasts_stagedguardian
WHERE of_import_id = %(import)s AND action IN ('new', 'changed') AND do_not_contact
    AND NOT COALESCE(old_do_not_contact, FALSE)
"""
UNKNOWN = """
SELECT student_sis_id, guardian_sis_id FROM broadcasts_stagedguardian
WHERE of_import_id = %(import)s AND action = 'unknown' ORDER BY number, id LIMIT %(most)s
"""


def summarise(import_: Import) -> dict[str, int]:
    """Every count is there, zeros too: people by action, then what becomes of addresses, types and guardians."""
    left, returned, moved = (int(number or 0) for number in fetch(import_, ACTIVITY)[0])
    summary = dict.fromkeys(PEOPLE, 0) | _counts(StagedPerson, import_)
    summary |= {"left": left, "returned": returned, "moved": moved}
    addresses, guardians = _counts(StagedAddress, import_), _counts(StagedGuardian, import_)
    summary |= {f"addresses_{action}": addresses.get(action, 0) for action in ADDRESSES}
    summary |= {f"guardians_{action}": guardians.get(action, 0) for action in GUARDIANS}
    summary["types"] = ImportedTypes.objects.filter(of_import=import_).count()
    return summary


def find_warnings(import_: Import, summary: dict[str, int], repeated: int = 0) -> list[dict[str, object]]:
    """What comparing tolerated. `repeated`: how many equal rows were dropped."""
    found = [
        (_("rows are there more than once with equal content; each counts once"), repeated, []),
        (
            _("addresses were corrected or retired here and are still in the file: correct them at the source"),
            summary["addresses_corrected"],
            [f"{name}: {address}" for name, address in fetch(import_, CORRECTED, most=EXAMPLES)],
        ),
        (
            _("guardians or students are named who are neither in the file nor in the directory"),
            summary["guardians_unknown"],
            _pairs(fetch(import_, UNKNOWN, most=EXAMPLES)),
        ),
        (
            _("people are at home at another school, which keeps their names and addresses"),
            count(import_, f"SELECT COUNT(*) {AT_HOME_ELSEWHERE}"),
            [name for (name,) in fetch(import_, f"SELECT p.name {AT_HOME_ELSEWHERE} LIMIT 3")],
        ),
        (
            _("guardians become marked “do not contact”: they get no email about that student"),
            count(import_, f"SELECT COUNT(*) {NEWLY_MARKED}"),
            _pairs(fetch(import_, f"SELECT student_sis_id, guardian_sis_id {NEWLY_MARKED} ORDER BY id LIMIT 3")),
        ),
        (
            _("guardians are marked “do not contact” here and not in the file: the mark stays"),
            count(import_, f"SELECT COUNT(*) {STILL_MARKED}"),
            [],
        ),
        (
            _("types of addresses stay as the family chose, though the file says otherwise"),
            count(import_, CHOICES_OF_FAMILIES),
            [],
        ),
    ]
    return [{"kind": kind, "count": number, "examples": examples} for kind, number, examples in found if number]


def _pairs(found: list[tuple[str, str]]) -> list[str]:
    return [f"{student}: {guardian}" for student, guardian in found]


def _counts(
    model: type[StagedPerson] | type[StagedAddress] | type[StagedGuardian], import_: Import
) -> dict[str, int]:
    rows = model._default_manager.filter(of_import=import_)  # noqa: SLF001
    return dict(rows.order_by().values_list("action").annotate(Count("pk")))
