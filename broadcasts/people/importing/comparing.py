"""What an import would do: the database compares the staged rows with the directory. Nothing else is written."""

from django.db import connection, transaction
from django.utils.translation import gettext as _

from broadcasts.models import Import
from broadcasts.people.importing.comparing_addresses import compare_addresses
from broadcasts.people.importing.comparing_guardians import compare_guardians
from broadcasts.people.importing.executing import execute
from broadcasts.people.importing.recognising import match_people

# What a person becomes, by `s`, the staged row; {was}: what the directory has. An empty cell says nothing.
WANTED = {
    "name": "CASE WHEN s.name = '' THEN {was} ELSE s.name END",
    "kind": "CASE WHEN s.kind = '' THEN {was} ELSE s.kind END",
    "language": "CASE WHEN s.language = '' THEN {was} ELSE s.language END",
    "grade": "COALESCE(s.grade, {was})",
    "sis_id": "CASE WHEN s.sis_id = '' THEN {was} ELSE s.sis_id END",
    "school_id": "s.school_id",
    "is_active": "s.is_active",
}
# As the staged rows have them: the keys in their order, like '3,7'.
OTHER_SCHOOLS = {
    "postgresql": """(SELECT COALESCE(STRING_AGG(CAST(b.school_id AS TEXT), ',' ORDER BY b.school_id), '')
        FROM broadcasts_personschool b WHERE b.person_id = p.id)""",
    "sqlite": """(SELECT COALESCE(GROUP_CONCAT(b.school_id, ','), '') FROM (
        SELECT school_id FROM broadcasts_personschool WHERE person_id = p.id ORDER BY school_id) AS b)""",
}
OTHER_LANGUAGE = "(s.language <> '' AND LOWER(s.language) <> LOWER(p.language))"
HAS_OTHER_ADDRESSES = """s.id IN (SELECT staged_id FROM broadcasts_stagedaddress
        WHERE of_import_id = %(import)s AND action IN ('new', 'back', 'gone'))"""
HAS_OTHER_TYPES = """s.id IN (SELECT a.staged_id FROM broadcasts_stagedaddress a
        JOIN broadcasts_importedtypes i ON i.address_id = a.email_id AND i.of_import_id = a.of_import_id
        WHERE a.of_import_id = %(import)s)"""

# They are matched so that nobody makes them twice; their home school says what they are called.
AT_HOME_ELSEWHERE = """
UPDATE broadcasts_stagedperson AS s SET action = 'unchanged' FROM broadcasts_person p
WHERE p.id = s.person_id AND s.of_import_id = %(import)s AND s.action = '' AND %(school)s <> 0
    AND p.school_id <> %(school)s
"""
NAMELESS = """
UPDATE broadcasts_stagedperson SET action = 'rejected', reason = %(words)s
WHERE of_import_id = %(import)s AND action = '' AND person_id IS NULL AND name = '' AND is_active
"""
PEOPLE = """
UPDATE broadcasts_stagedperson AS s SET old_name = p.name, old_kind = p.kind, old_language = p.language,
    old_grade = p.grade, old_sis_id = p.sis_id, old_school_id = p.school_id, old_is_active = p.is_active,
    old_is_imported = p.is_imported, old_other_schools = {others},
    action = CASE WHEN {differs} THEN 'changed' ELSE 'unchanged' END
FROM broadcasts_person p WHERE p.id = s.person_id AND s.of_import_id = %(import)s AND s.action = ''
"""
# Somebody unknown of whom the file says that they left is nobody to be told about.
NEW_PEOPLE = """
UPDATE broadcasts_stagedperson SET action = CASE WHEN is_active THEN 'new' ELSE 'unchanged' END
WHERE of_import_id = %(import)s AND action = ''
"""
KINDS_IN_FILE = """
        SELECT DISTINCT COALESCE(NULLIF(k.kind, ''), q.kind, 'guardian') FROM broadcasts_stagedperson k
        LEFT JOIN broadcasts_person q ON q.id = k.person_id
        WHERE k.of_import_id = %(import)s AND k.action <> 'rejected'"""
COULD_BE_MISSING = f"p.is_active AND p.is_imported AND {{in_scope}} AND p.kind IN ({KINDS_IN_FILE})"
KNOWN = f"SELECT COUNT(*) FROM broadcasts_person p WHERE {COULD_BE_MISSING}"  # noqa: S608
# Whose row is rejected is not missing; of the kinds that the file is not about nobody is.
MISSING = f"""
INSERT INTO broadcasts_stagedperson (of_import_id, file, number, action, reason, cells, sis_id, name, kind, language,
    grade, school_id, is_active, says_addresses, name_key, match_key, content_key, person_id, old_is_active, undone)
SELECT %(import)s, '', 0, 'missing', '', '[]', p.sis_id, p.name, p.kind, p.language,
    p.grade, p.school_id, FALSE, FALSE, '', '', '', p.id, TRUE, ''
FROM broadcasts_person p
LEFT JOIN broadcasts_stagedperson s ON s.person_id = p.id AND s.of_import_id = %(import)s
WHERE {COULD_BE_MISSING} AND s.id IS NULL
    AND NOT EXISTS (SELECT 1 FROM broadcasts_stagedperson r WHERE r.of_import_id = %(import)s
        AND r.action = 'rejected' AND r.sis_id <> '' AND r.sis_id = p.sis_id)
    AND NOT EXISTS (SELECT 1 FROM broadcasts_stagedperson r WHERE r.of_import_id = %(import)s
        AND r.action = 'rejected' AND r.sis_id = '' AND r.name = p.name)
"""  # noqa: S608
NOT_MISSING_ANY_MORE = """
DELETE FROM broadcasts_stagedperson WHERE of_import_id = %(import)s AND action = 'missing' AND (
    NOT EXISTS (SELECT 1 FROM broadcasts_person p
        WHERE p.id = broadcasts_stagedperson.person_id AND p.is_active AND p.is_imported AND {in_scope})
    OR EXISTS (SELECT 1 FROM broadcasts_stagedperson s WHERE s.person_id = broadcasts_stagedperson.person_id
        AND s.of_import_id = %(import)s AND s.number > 0))
"""


@transaction.atomic
def compare(import_: Import, *, again: bool = False) -> None:
    """Decide every staged row's action. Again: the directory may have changed since; nobody else goes missing.

    Only those whom the check page counted may be made inactive by the tick on it.
    """
    match_people(import_, again=again)
    execute(import_, AT_HOME_ELSEWHERE)
    execute(import_, NAMELESS, words=_("The name is missing, and nobody in the directory has this id."))
    compare_addresses(import_)
    execute(import_, _people_statement(import_))
    execute(import_, NEW_PEOPLE)
    if again:
        execute(import_, NOT_MISSING_ANY_MORE)
    elif import_.is_complete:
        execute(import_, MISSING)
    compare_guardians(import_)


def _people_statement(import_: Import) -> str:
    others = "''" if import_.school_id is not None else OTHER_SCHOOLS[connection.vendor]
    differs = [
        f"{want.format(was=f'p.{field}')} <> p.{field}" for field, want in WANTED.items() if field != "language"
    ]
    differs += [OTHER_LANGUAGE, HAS_OTHER_ADDRESSES, HAS_OTHER_TYPES]
    if import_.school_id is None:
        differs.append(f"(s.other_schools IS NOT NULL AND s.other_schools <> {others})")
    return PEOPLE.format(others=others, differs=" OR ".join(differs))
