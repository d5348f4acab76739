"""The statements of an undo that give people, addresses, types and guardians their old values."""

from django.db import connection

from broadcasts.models import Import
from broadcasts.people.importing.comparing import OTHER_SCHOOLS, WANTED
from broadcasts.people.importing.executing import LISTS, execute

# What the import made of each field. When the directory still says so, nobody has changed it since.
_LEFT = {field: want.format(was=f"s.old_{field}") for field, want in WANTED.items()}
_STILL = {field: f"p.{field} = {left}" for field, left in _LEFT.items()}
# Somebody else at the old school may have the id by now.
_STILL["school_id"] += """ AND (p.sis_id = '' OR p.school_id = s.old_school_id OR NOT EXISTS (
        SELECT 1 FROM broadcasts_person o WHERE o.school_id = s.old_school_id AND o.sis_id = p.sis_id))"""
MARK = f"""
UPDATE broadcasts_stagedperson AS s
SET undone = CASE WHEN {" AND ".join(f"({still})" for still in _STILL.values())} THEN 'put_back' ELSE 'kept' END
FROM broadcasts_person p WHERE p.id = s.person_id AND s.of_import_id = %(import)s AND s.action = 'changed'
"""  # noqa: S608
_BECOMES = ", ".join(
    f"{field} = CASE WHEN {still} THEN s.old_{field} ELSE p.{field} END" for field, still in _STILL.items()
)
OTHER_SCHOOLS_GONE = """
DELETE FROM broadcasts_personschool WHERE person_id IN (
    SELECT p.id FROM broadcasts_person p JOIN broadcasts_stagedperson s ON s.person_id = p.id
    WHERE s.of_import_id = %(import)s AND s.action = 'changed' AND s.old_other_schools <> {now}
        AND COALESCE(s.other_schools, {now}) = {now})
"""
OTHER_SCHOOLS_BACK = f"""
INSERT INTO broadcasts_personschool (person_id, school_id)
SELECT p.id, other.id FROM broadcasts_stagedperson s JOIN broadcasts_person p ON p.id = s.person_id
JOIN broadcasts_school other ON {LISTS.format(text="s.old_other_schools", key="other.id")}
WHERE s.of_import_id = %(import)s AND s.action = 'changed' AND s.old_other_schools <> '' AND other.id <> p.school_id
    AND NOT EXISTS (SELECT 1 FROM broadcasts_personschool b WHERE b.person_id = p.id)
"""  # noqa: S608
PEOPLE = f"""
UPDATE broadcasts_person AS p SET {_BECOMES} FROM broadcasts_stagedperson s
WHERE p.id = s.person_id AND s.of_import_id = %(import)s AND s.action = 'changed'
"""  # noqa: S608
IMPORTED = """
UPDATE broadcasts_person AS p SET is_imported = FALSE FROM broadcasts_stagedperson s
WHERE p.id = s.person_id AND s.of_import_id = %(import)s AND s.action IN ('changed', 'unchanged')
    AND NOT s.old_is_imported
"""
MARK_MISSING = """
UPDATE broadcasts_stagedperson AS s SET undone = CASE WHEN p.is_active THEN 'kept' ELSE 'put_back' END
FROM broadcasts_person p WHERE p.id = s.person_id AND s.of_import_id = %(import)s AND s.action = 'missing'
"""
MISSING = """
UPDATE broadcasts_person AS p SET is_active = TRUE FROM broadcasts_stagedperson s
WHERE p.id = s.person_id AND s.of_import_id = %(import)s AND s.action = 'missing'
"""

_NEW_AS_LEFT = """known.category = COALESCE(NULLIF(g.category, ''), 'guardian')
        AND known.priority = COALESCE(g.priority, 1)
        AND known.do_not_contact = COALESCE(g.do_not_contact, FALSE) AND NOT known.by_hand"""
GUARDIANS_NEW = f"""
DELETE FROM broadcasts_guardianship WHERE id IN (
    SELECT known.id FROM broadcasts_guardianship known
    JOIN broadcasts_stagedguardian g ON g.guardianship_id = known.id
    WHERE g.of_import_id = %(import)s AND g.action = 'new' AND {_NEW_AS_LEFT})
"""  # noqa: S608
GUARDIANS_CHANGED = """
UPDATE broadcasts_guardianship AS known SET
    category = CASE WHEN g.category = known.category THEN g.old_category ELSE known.category END,
    priority = CASE WHEN g.priority = known.priority THEN g.old_priority ELSE known.priority END,
    do_not_contact = CASE WHEN g.do_not_contact THEN g.old_do_not_contact ELSE known.do_not_contact END
FROM broadcasts_stagedguardian g
WHERE known.id = g.guardianship_id AND g.of_import_id = %(import)s AND g.action = 'changed' AND NOT known.by_hand
"""
GUARDIANS_GONE = """
INSERT INTO broadcasts_guardianship (student_id, guardian_id, category, priority, do_not_contact, by_hand)
SELECT g.student_id, g.guardian_id, g.old_category, g.old_priority, g.old_do_not_contact, FALSE
FROM broadcasts_stagedguardian g
JOIN broadcasts_person s ON s.id = g.student_id JOIN broadcasts_person t ON t.id = g.guardian_id
WHERE g.of_import_id = %(import)s AND g.action = 'gone' ORDER BY g.id
ON CONFLICT DO NOTHING
"""

ADDRESSES = """
UPDATE broadcasts_emailaddress AS e SET is_active = (a.action = 'gone') FROM broadcasts_stagedaddress a
WHERE e.id = a.email_id AND a.of_import_id = %(import)s AND NOT e.by_hand AND e.replaced_by_id IS NULL
    AND (a.action = 'gone' OR (a.action = 'back' AND e.confirmed_at IS NULL))
"""
MARK_ADDRESSES = """
UPDATE broadcasts_stagedaddress AS a SET undone = CASE
    WHEN (a.action = 'gone') = e.is_active THEN 'put_back' ELSE 'kept' END
FROM broadcasts_emailaddress e
WHERE e.id = a.email_id AND a.of_import_id = %(import)s AND a.action IN ('back', 'gone')
"""
_TYPES_AS_LEFT = """
FROM broadcasts_importedtypes i JOIN broadcasts_contacttype c
    ON c.address_id = i.address_id AND c.broadcast_type_id = i.broadcast_type_id
WHERE i.of_import_id = %(import)s AND c.chosen_by = 'upload' AND c.receives = NOT COALESCE(i.was, FALSE)
"""
TYPES_HISTORY = f"""
INSERT INTO broadcasts_contacttypechange (address_id, broadcast_type_id, receives, chosen_by, changed_by_id, at)
SELECT c.address_id, c.broadcast_type_id, COALESCE(i.was, FALSE), COALESCE(NULLIF(i.was_chosen_by, ''), 'upload'),
    (SELECT undone_by_id FROM broadcasts_import WHERE id = %(import)s), %(now)s {_TYPES_AS_LEFT}
"""  # noqa: S608
TYPES_OFF = f"""
DELETE FROM broadcasts_contacttype WHERE id IN (SELECT c.id {_TYPES_AS_LEFT} AND i.was IS NULL)
"""  # noqa: S608
TYPES_BACK = """
UPDATE broadcasts_contacttype AS c SET receives = i.was, chosen_by = i.was_chosen_by, changed_at = %(now)s
FROM broadcasts_importedtypes i
WHERE c.address_id = i.address_id AND c.broadcast_type_id = i.broadcast_type_id AND i.of_import_id = %(import)s
    AND c.chosen_by = 'upload' AND i.was IS NOT NULL AND c.receives = NOT i.was
"""


def put_back_people(import_: Import) -> None:
    """Those whom the import changed or made inactive; those whom it brought are for `removing`."""
    execute(import_, MARK)
    if import_.school_id is None:
        now = OTHER_SCHOOLS[connection.vendor]
        execute(import_, OTHER_SCHOOLS_GONE.format(now=now))
    for statement in (PEOPLE, OTHER_SCHOOLS_BACK, IMPORTED):
        execute(import_, statement)
    if import_.deactivates:
        execute(import_, MARK_MISSING)
        execute(import_, MISSING)


def put_back_guardians(import_: Import) -> None:
    for statement in (GUARDIANS_NEW, GUARDIANS_CHANGED, GUARDIANS_GONE):
        execute(import_, statement)


def put_back_addresses(import_: Import) -> None:
    for statement in (ADDRESSES, MARK_ADDRESSES, TYPES_HISTORY, TYPES_OFF, TYPES_BACK):
        execute(import_, statement)
