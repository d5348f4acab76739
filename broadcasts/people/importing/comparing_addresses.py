"""Addresses that come, go, come back or stay, and the broadcast types that they would receive."""

from broadcasts.models import Import
from broadcasts.people.importing.executing import LISTS, execute

FORGET = (
    "DELETE FROM broadcasts_stagedaddress WHERE of_import_id = %(import)s AND action = 'gone'",
    "DELETE FROM broadcasts_importedtypes WHERE of_import_id = %(import)s",
    """UPDATE broadcasts_stagedaddress SET action = '', email_id = NULL
    WHERE of_import_id = %(import)s AND action <> '' AND staged_id IN (
        SELECT id FROM broadcasts_stagedperson WHERE of_import_id = %(import)s AND action <> '')""",
)
# What staff retired or corrected, no file brings back.
ADDRESSES = """
UPDATE broadcasts_stagedaddress AS a SET email_id = found.email_id, action = found.action
FROM (
    SELECT b.id, e.id AS email_id, CASE WHEN e.id IS NULL THEN 'new' WHEN e.is_active THEN 'kept'
        WHEN e.replaced_by_id IS NOT NULL OR e.by_hand THEN 'corrected' ELSE 'back' END AS action
    FROM broadcasts_stagedaddress b JOIN broadcasts_stagedperson s ON s.id = b.staged_id
    LEFT JOIN broadcasts_emailaddress e ON e.person_id = s.person_id AND e.key = b.key
    WHERE b.of_import_id = %(import)s AND s.action = ''
) AS found
WHERE a.id = found.id AND (a.action <> found.action OR COALESCE(a.email_id, 0) <> COALESCE(found.email_id, 0))
"""
ADDRESSES_GONE = """
INSERT INTO broadcasts_stagedaddress
    (of_import_id, staged_id, action, address, key, is_valid, position, email_id, undone)
SELECT s.of_import_id, s.id, 'gone', e.address, e.key, e.is_valid, e.position, e.id, ''
FROM broadcasts_stagedperson s JOIN broadcasts_emailaddress e ON e.person_id = s.person_id
LEFT JOIN broadcasts_stagedaddress a ON a.staged_id = s.id AND a.key = e.key
WHERE s.of_import_id = %(import)s AND s.action = '' AND s.says_addresses AND e.is_active AND NOT e.by_hand
    AND a.id IS NULL
"""
WANTS = LISTS.format(text="s.types", key="t.id")
# The family's choice stays, whatever the file says; staff's when the file says nothing.
TYPES = f"""
FROM broadcasts_stagedaddress a JOIN broadcasts_stagedperson s ON s.id = a.staged_id
CROSS JOIN broadcasts_broadcasttype t
LEFT JOIN broadcasts_contacttype c ON c.address_id = a.email_id AND c.broadcast_type_id = t.id
LEFT JOIN broadcasts_familychoice f
    ON f.school_id = s.school_id AND f.address_key = a.key AND f.broadcast_type_id = t.id
WHERE a.of_import_id = %(import)s AND a.action IN ('kept', 'back') AND s.action <> 'rejected' AND s.types IS NOT NULL
    AND (t.is_active OR {WANTS}) AND {WANTS}
"""
TYPES_SWITCHED = f"""
INSERT INTO broadcasts_importedtypes (of_import_id, address_id, broadcast_type_id, was, was_chosen_by)
SELECT a.of_import_id, a.email_id, t.id, c.receives, COALESCE(c.chosen_by, '') {TYPES}
    <> COALESCE(c.receives, FALSE) AND f.id IS NULL AND COALESCE(c.chosen_by, '') <> 'family'
"""
CHOICES_OF_FAMILIES = f"""
SELECT COUNT(*) {TYPES}
    <> COALESCE(f.receives, c.receives) AND (f.id IS NOT NULL OR c.chosen_by = 'family')
"""


def compare_addresses(import_: Import) -> None:
    """For the people whose action is not decided yet; what was found before is forgotten."""
    for statement in FORGET:
        execute(import_, statement)
    execute(import_, ADDRESSES)
    if import_.is_complete:
        execute(import_, ADDRESSES_GONE)
    execute(import_, TYPES_SWITCHED)
