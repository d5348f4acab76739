"""The statements of a merge about who is whose guardian."""

from broadcasts.models import Import
from broadcasts.people.importing.comparing_guardians import find_people
from broadcasts.people.importing.executing import execute

NEW = """
INSERT INTO broadcasts_guardianship (student_id, guardian_id, category, priority, do_not_contact, by_hand)
SELECT g.student_id, g.guardian_id, COALESCE(NULLIF(g.category, ''), 'guardian'), COALESCE(g.priority, 1),
    COALESCE(g.do_not_contact, FALSE), FALSE
FROM broadcasts_stagedguardian g WHERE g.of_import_id = %(import)s AND g.action = 'new' ORDER BY g.id
ON CONFLICT DO NOTHING
"""
KEYS_OF_NEW = """
UPDATE broadcasts_stagedguardian AS g SET guardianship_id = known.id FROM broadcasts_guardianship known
WHERE g.of_import_id = %(import)s AND g.action = 'new' AND known.student_id = g.student_id
    AND known.guardian_id = g.guardian_id
"""
# A mark of a court order is set and never taken away; the rest of what staff made by hand stays.
CHANGED = """
UPDATE broadcasts_guardianship AS known SET
    do_not_contact = (known.do_not_contact OR COALESCE(g.do_not_contact, FALSE)),
    category = CASE WHEN known.by_hand OR g.category = '' THEN known.category ELSE g.category END,
    priority = CASE WHEN known.by_hand THEN known.priority ELSE COALESCE(g.priority, known.priority) END
FROM broadcasts_stagedguardian g
WHERE known.id = g.guardianship_id AND g.of_import_id = %(import)s AND g.action = 'changed'
"""
GONE = """
DELETE FROM broadcasts_guardianship WHERE id IN (
    SELECT guardianship_id FROM broadcasts_stagedguardian WHERE of_import_id = %(import)s AND action = 'gone')
"""


def merge_guardians(import_: Import) -> None:
    for side in ("student", "guardian"):
        find_people(import_, side)
    for statement in (NEW, KEYS_OF_NEW, CHANGED, GONE):
        execute(import_, statement)
