"""Rows that contradict each other or the import. A matter of the file alone, so it is decided once."""

from django.db import connection
from django.utils.translation import gettext as _

from broadcasts.models import Import
from broadcasts.people.importing.executing import count, execute
from broadcasts.people.importing.rows import PersonRow

MOST_NAMED = 5
LIMITS = {"name": 200, "sis_id": 100, "language": 20}

REPEATED = """
SELECT COUNT(*) FROM (SELECT sis_id FROM broadcasts_stagedperson WHERE of_import_id = %(import)s AND action = ''
    AND sis_id <> '' GROUP BY sis_id HAVING COUNT(*) > 1) AS repeated
"""
REPETITIONS = """
SELECT id FROM (
    SELECT id, ROW_NUMBER() OVER (PARTITION BY sis_id ORDER BY number, id) AS nth,
        MIN(content_key) OVER (PARTITION BY sis_id) AS first_content,
        MAX(content_key) OVER (PARTITION BY sis_id) AS last_content
    FROM broadcasts_stagedperson WHERE of_import_id = %(import)s AND action = '' AND sis_id <> ''
) AS alike WHERE nth > 1 AND first_content = last_content
"""
DROP_ADDRESSES = f"DELETE FROM broadcasts_stagedaddress WHERE staged_id IN ({REPETITIONS})"  # noqa: S608
DROP_ROWS = f"DELETE FROM broadcasts_stagedperson WHERE id IN ({REPETITIONS})"  # noqa: S608
CONTRADICTING = """
UPDATE broadcasts_stagedperson AS s
SET action = 'rejected', reason = REPLACE(REPLACE(%(words)s, '{{id}}', s.sis_id), '{{rows}}', numbers.named)
FROM (
    SELECT sis_id, {joined} || CASE WHEN MAX(nth) > %(most)s THEN ' …' ELSE '' END AS named
    FROM (
        SELECT sis_id, number, ROW_NUMBER() OVER (PARTITION BY sis_id ORDER BY number, id) AS nth
        FROM broadcasts_stagedperson WHERE of_import_id = %(import)s AND action = '' AND sis_id <> ''
    ) AS numbered GROUP BY sis_id HAVING COUNT(*) > 1
) AS numbers
WHERE s.of_import_id = %(import)s AND s.action = '' AND s.sis_id = numbers.sis_id
"""
JOINED = {
    "postgresql": "STRING_AGG(CASE WHEN nth <= %(most)s THEN CAST(number AS TEXT) END, ', ' ORDER BY nth)",
    "sqlite": "GROUP_CONCAT(CASE WHEN nth <= %(most)s THEN number END, ', ')",
}


def why_unusable(import_: Import, row: PersonRow) -> str:
    """What the reader found, and what this import cannot take. Empty: nothing."""
    reasons = list(row.reasons)
    if import_.school_id is not None and row.school != import_.school_id:
        reasons.append(
            _("The row is about another school. Only an administrator's import for the whole district moves people.")
        )
    for field, most in LIMITS.items():
        if len(getattr(row, field)) > most:
            reasons.append(_("There are more than %(most)s characters in one cell.") % {"most": most})
    return " ".join(reasons)


def reject_contradictions(import_: Import) -> int:
    """Equal rows with one id count once; rows that differ are rejected together. How many were dropped as equal."""
    if not count(import_, REPEATED):
        return 0
    execute(import_, DROP_ADDRESSES)
    dropped = execute(import_, DROP_ROWS)
    words = _("The id {id} is in rows {rows}, and they differ. Correct the file so that each id is there once.")
    execute(import_, CONTRADICTING.format(joined=JOINED[connection.vendor]), words=words, most=MOST_NAMED)
    return dropped
