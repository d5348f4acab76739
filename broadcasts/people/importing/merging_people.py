"""The statements of a merge about people, their schools, their addresses and what these receive."""

from django.conf import settings
from django.db import connection

from broadcasts.models import Import
from broadcasts.people.importing.comparing import WANTED
from broadcasts.people.importing.executing import LISTS, execute

# Keys are taken before the rows exist, so that the staged row knows whom it became.
# {table}, {key}: where the keys are staged; {of}: whose keys they are.
KEYS = {
    "postgresql": """
UPDATE {table} SET {key} = nextval((SELECT pg_get_serial_sequence('{of}', 'id'))::regclass)
WHERE of_import_id = %(import)s AND action = 'new'
""",
    "sqlite": """
UPDATE {table} AS s SET {key} = fresh.new_key
FROM (
    SELECT id, (SELECT COALESCE(MAX(seq), 0) FROM sqlite_sequence WHERE name = '{of}')
        + ROW_NUMBER() OVER (ORDER BY id) AS new_key
    FROM {table} WHERE of_import_id = %(import)s AND action = 'new'
) AS fresh
WHERE s.id = fresh.id
""",
}
_BECOMES = ", ".join(f"{field} = {want.format(was=f'p.{field}')}" for field, want in WANTED.items())
CHANGED = f"""
UPDATE broadcasts_person AS p SET {_BECOMES}, is_imported = TRUE
FROM broadcasts_stagedperson s
WHERE p.id = s.person_id AND s.of_import_id = %(import)s AND s.action = 'changed'
"""  # noqa: S608
KNOWN_NOW = """
UPDATE broadcasts_person AS p SET is_imported = TRUE FROM broadcasts_stagedperson s
WHERE p.id = s.person_id AND s.of_import_id = %(import)s AND s.action = 'unchanged' AND NOT p.is_imported
    AND p.school_id = s.school_id
"""
NEW = """
INSERT INTO broadcasts_person
    (id, school_id, sis_id, name, kind, language, grade, is_active, is_imported, created_at)
SELECT s.person_id, s.school_id, s.sis_id, s.name, COALESCE(NULLIF(s.kind, ''), 'guardian'),
    COALESCE(NULLIF(s.language, ''), school.language), COALESCE(s.grade, ''), TRUE, TRUE, %(now)s
FROM broadcasts_stagedperson s JOIN broadcasts_school school ON school.id = s.school_id
WHERE s.of_import_id = %(import)s AND s.action = 'new' ORDER BY s.id
"""
MISSING = """
UPDATE broadcasts_person AS p SET is_active = FALSE FROM broadcasts_stagedperson s
WHERE p.id = s.person_id AND s.of_import_id = %(import)s AND s.action = 'missing'
"""
# The home school is not stored twice.
OTHER_SCHOOLS_GONE = f"""
DELETE FROM broadcasts_personschool WHERE EXISTS (
    SELECT 1 FROM broadcasts_stagedperson s
    WHERE s.of_import_id = %(import)s AND s.action = 'changed' AND s.person_id = broadcasts_personschool.person_id
        AND (broadcasts_personschool.school_id = s.school_id OR (s.other_schools IS NOT NULL
            AND NOT {LISTS.format(text="s.other_schools", key="broadcasts_personschool.school_id")})))
"""  # noqa: S608
OTHER_SCHOOLS_NEW = f"""
INSERT INTO broadcasts_personschool (person_id, school_id)
SELECT s.person_id, other.id FROM broadcasts_stagedperson s
JOIN broadcasts_school other ON {LISTS.format(text="s.other_schools", key="other.id")} AND other.id <> s.school_id
WHERE s.of_import_id = %(import)s AND s.action IN ('new', 'changed') AND s.other_schools <> ''
ON CONFLICT DO NOTHING
"""  # noqa: S608
ADDRESSES_SWITCHED = """
UPDATE broadcasts_emailaddress AS e SET is_active = (a.action = 'back') FROM broadcasts_stagedaddress a
WHERE e.id = a.email_id AND a.of_import_id = %(import)s AND a.action IN ('back', 'gone')
"""
# Since last time the setting may have been switched on: what was no address then is one now.
ADDRESSES_VALID_NOW = """
UPDATE broadcasts_emailaddress AS e SET is_valid = TRUE FROM broadcasts_stagedaddress a
WHERE e.id = a.email_id AND a.of_import_id = %(import)s AND a.action IN ('kept', 'back') AND a.is_valid
    AND NOT e.is_valid
"""
ADDRESSES_NEW = """
INSERT INTO broadcasts_emailaddress (id, person_id, address, key, is_valid, is_active, position, by_hand)
SELECT a.email_id, s.person_id, a.address, a.key, a.is_valid, TRUE, a.position, FALSE
FROM broadcasts_stagedaddress a JOIN broadcasts_stagedperson s ON s.id = a.staged_id
WHERE a.of_import_id = %(import)s AND a.action = 'new' ORDER BY a.id
"""
# What the family chose for the address holds, whoever has it now; else what the file says; else the defaults.
FIRST_TYPES = f"""
INSERT INTO broadcasts_contacttype (address_id, broadcast_type_id, receives, chosen_by, changed_at)
SELECT a.email_id, t.id, COALESCE(f.receives, TRUE), CASE WHEN f.id IS NULL THEN 'upload' ELSE 'family' END, %(now)s
FROM broadcasts_stagedaddress a JOIN broadcasts_stagedperson s ON s.id = a.staged_id
CROSS JOIN broadcasts_broadcasttype t
LEFT JOIN broadcasts_familychoice f
    ON f.school_id = s.school_id AND f.address_key = a.key AND f.broadcast_type_id = t.id
WHERE a.of_import_id = %(import)s AND a.action = 'new' AND (f.id IS NOT NULL
    OR (s.types IS NULL AND t.is_default AND t.is_active) OR {LISTS.format(text="s.types", key="t.id")})
"""  # noqa: S608
TYPES_SWITCHED = """
INSERT INTO broadcasts_contacttype (address_id, broadcast_type_id, receives, chosen_by, changed_at)
SELECT i.address_id, i.broadcast_type_id, NOT COALESCE(i.was, FALSE), 'upload', %(now)s
FROM broadcasts_importedtypes i WHERE i.of_import_id = %(import)s
ON CONFLICT (address_id, broadcast_type_id)
DO UPDATE SET receives = excluded.receives, chosen_by = excluded.chosen_by, changed_at = excluded.changed_at
"""
HISTORY = """
INSERT INTO broadcasts_contacttypechange (address_id, broadcast_type_id, receives, chosen_by, changed_by_id, at)
SELECT i.address_id, i.broadcast_type_id, NOT COALESCE(i.was, FALSE), 'upload', m.confirmed_by_id, %(now)s
FROM broadcasts_importedtypes i JOIN broadcasts_import m ON m.id = i.of_import_id
WHERE i.of_import_id = %(import)s
"""


def merge_people(import_: Import) -> None:
    execute(import_, CHANGED)
    execute(import_, KNOWN_NOW)
    take_keys(import_, "broadcasts_stagedperson", "person_id", "broadcasts_person")
    execute(import_, NEW)
    if import_.school_id is None:
        execute(import_, OTHER_SCHOOLS_GONE)
        execute(import_, OTHER_SCHOOLS_NEW)
    if import_.deactivates:
        execute(import_, MISSING)


def merge_addresses(import_: Import) -> None:
    """After the people: those who are new have keys."""
    execute(import_, ADDRESSES_SWITCHED)
    if settings.ALLOW_INTERNATIONAL_ADDRESSES:
        execute(import_, ADDRESSES_VALID_NOW)
    take_keys(import_, "broadcasts_stagedaddress", "email_id", "broadcasts_emailaddress")
    for statement in (ADDRESSES_NEW, FIRST_TYPES, TYPES_SWITCHED, HISTORY):
        execute(import_, statement)


def take_keys(import_: Import, table: str, key: str, of: str) -> None:
    execute(import_, KEYS[connection.vendor].format(table=table, key=key, of=of))
