"""Who becomes whose guardian, what changes about it, and whose the file no longer names."""

from broadcasts.models import Import, StagedGuardian, StagedPerson
from broadcasts.people.importing.executing import execute
from broadcasts.people.importing.loading import settle_statistics

FORGET = (
    "DELETE FROM broadcasts_stagedguardian WHERE of_import_id = %(import)s AND action = 'gone'",
    """UPDATE broadcasts_stagedguardian SET action = '', student_id = NULL, guardian_id = NULL,
        guardianship_id = NULL, old_category = '', old_priority = NULL, old_do_not_contact = NULL
    WHERE of_import_id = %(import)s AND action <> ''""",
)
# Files name a pair from both sides: what one says and the other does not holds, and of two a court order.
UNITE = """
UPDATE broadcasts_stagedguardian AS g SET do_not_contact = CASE WHEN pair.marked = 1 THEN TRUE END,
    category = pair.category, priority = pair.priority
FROM (
    SELECT student_sis_id, guardian_sis_id, MAX(CASE WHEN do_not_contact THEN 1 ELSE 0 END) AS marked,
        MAX(category) AS category, MIN(priority) AS priority
    FROM broadcasts_stagedguardian WHERE of_import_id = %(import)s
    GROUP BY student_sis_id, guardian_sis_id HAVING COUNT(*) > 1
) AS pair
WHERE g.of_import_id = %(import)s AND g.student_sis_id = pair.student_sis_id
    AND g.guardian_sis_id = pair.guardian_sis_id
"""
DROP_REPETITIONS = """
DELETE FROM broadcasts_stagedguardian WHERE of_import_id = %(import)s AND id IN (
    SELECT id FROM (
        SELECT id, ROW_NUMBER() OVER (PARTITION BY student_sis_id, guardian_sis_id ORDER BY number, id) AS nth
        FROM broadcasts_stagedguardian WHERE of_import_id = %(import)s
    ) AS numbered WHERE nth > 1)
"""
# {side}: student or guardian. First whom the file itself names, then whom the directory knows.
IN_FILE = """
UPDATE broadcasts_stagedguardian AS g SET {side}_id = s.person_id FROM broadcasts_stagedperson s
WHERE g.of_import_id = %(import)s AND s.of_import_id = g.of_import_id AND s.sis_id = g.{side}_sis_id
    AND s.action <> 'rejected'
"""
IN_DIRECTORY = """
UPDATE broadcasts_stagedguardian AS g SET {side}_id = p.id
FROM (SELECT p.sis_id, MIN(p.id) AS id FROM broadcasts_person p
    WHERE NOT (p.sis_id = '') AND {in_scope} GROUP BY p.sis_id) AS p
WHERE g.of_import_id = %(import)s AND g.{side}_id IS NULL AND p.sis_id = g.{side}_sis_id
    AND NOT EXISTS (SELECT 1 FROM broadcasts_stagedperson s WHERE s.of_import_id = g.of_import_id
        AND s.sis_id = g.{side}_sis_id AND s.action <> 'rejected')
"""
NOBODY = """
UPDATE broadcasts_stagedguardian AS g SET action = 'unknown'
WHERE g.of_import_id = %(import)s AND (g.student_sis_id = g.guardian_sis_id OR g.student_id = g.guardian_id
    OR (g.student_id IS NULL AND NOT EXISTS (SELECT 1 FROM broadcasts_stagedperson s
        WHERE s.of_import_id = g.of_import_id AND s.sis_id = g.student_sis_id AND s.action = 'new'))
    OR (g.guardian_id IS NULL AND NOT EXISTS (SELECT 1 FROM broadcasts_stagedperson s
        WHERE s.of_import_id = g.of_import_id AND s.sis_id = g.guardian_sis_id AND s.action = 'new')))
"""
# A school's import leaves alone whose guardians are another school's to say, but for a court order.
AT_HOME_ELSEWHERE = """
UPDATE broadcasts_stagedguardian AS g SET category = '', priority = NULL,
    action = CASE WHEN g.do_not_contact THEN '' ELSE 'kept' END
FROM broadcasts_person p
WHERE g.of_import_id = %(import)s AND g.action = '' AND p.id = g.student_id AND NOT ({in_scope})
"""
# What staff made by hand is theirs, but for a court order; no import takes that mark away.
KNOWN = """
UPDATE broadcasts_stagedguardian AS g SET guardianship_id = known.id, old_category = known.category,
    old_priority = known.priority, old_do_not_contact = known.do_not_contact,
    action = CASE WHEN (g.do_not_contact AND NOT known.do_not_contact)
        OR (NOT known.by_hand AND g.category <> '' AND g.category <> known.category)
        OR (NOT known.by_hand AND g.priority <> known.priority) THEN 'changed' ELSE 'kept' END
FROM broadcasts_guardianship known
WHERE g.of_import_id = %(import)s AND g.action = '' AND known.student_id = g.student_id
    AND known.guardian_id = g.guardian_id
"""
NEW = """
UPDATE broadcasts_stagedguardian SET action = 'new' WHERE of_import_id = %(import)s AND action = ''
"""
# From each known pair to its two rows: a join of the three tables makes SQLite look at every pair of people.
GONE = """
INSERT INTO broadcasts_stagedguardian (of_import_id, action, student_sis_id, guardian_sis_id, category, number,
    student_id, guardian_id, guardianship_id, old_category, old_priority, old_do_not_contact)
SELECT %(import)s, 'gone', known.student_sis_id, known.guardian_sis_id, '', 0, known.student_id, known.guardian_id,
    known.id, known.category, known.priority, known.do_not_contact
FROM (
    SELECT pair.*,
        (SELECT MIN(s.sis_id) FROM broadcasts_stagedperson s WHERE s.person_id = pair.student_id
            AND s.of_import_id = %(import)s AND s.number > 0 AND s.is_active) AS student_sis_id,
        (SELECT MIN(s.sis_id) FROM broadcasts_stagedperson s WHERE s.person_id = pair.guardian_id
            AND s.of_import_id = %(import)s AND s.number > 0 AND s.is_active) AS guardian_sis_id
    FROM broadcasts_guardianship pair JOIN broadcasts_person p ON p.id = pair.student_id
    WHERE {in_scope} AND NOT pair.by_hand AND NOT pair.do_not_contact
) AS known
WHERE known.student_sis_id IS NOT NULL AND known.guardian_sis_id IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM broadcasts_stagedguardian g WHERE g.guardianship_id = known.id AND g.of_import_id = %(import)s)
"""

# Whose guardians alone change is no less changed: the check page shows who that is.
STUDENTS_CHANGED = """
UPDATE broadcasts_stagedperson SET action = 'changed'
WHERE of_import_id = %(import)s AND action = 'unchanged' AND old_school_id IS NOT NULL AND person_id IN (
    SELECT student_id FROM broadcasts_stagedguardian
    WHERE of_import_id = %(import)s AND action IN ('new', 'changed', 'gone') AND student_id IS NOT NULL)
"""


def unite_repetitions(import_: Import) -> None:
    """A matter of the file alone: each pair is staged once."""
    execute(import_, UNITE)
    execute(import_, DROP_REPETITIONS)


def compare_guardians(import_: Import) -> None:
    """After the people: their keys are known. What was found before is forgotten."""
    if not (import_.has_guardians or StagedGuardian.objects.filter(of_import=import_).exists()):
        return
    # Who the staged rows are has just been written: with the figures of before, PostgreSQL expects nobody there.
    settle_statistics(StagedPerson)
    for statement in FORGET:
        execute(import_, statement)
    for side in ("student", "guardian"):
        find_people(import_, side)
        execute(import_, IN_DIRECTORY.replace("{side}", side))
    for statement in (NOBODY, AT_HOME_ELSEWHERE, KNOWN, NEW):
        execute(import_, statement)
    if import_.is_complete and import_.has_guardians:
        execute(import_, GONE)
    execute(import_, STUDENTS_CHANGED)


def find_people(import_: Import, side: str) -> None:
    """Also after the merge has made those who are new."""
    execute(import_, IN_FILE.replace("{side}", side))
