"""What an import made of each person, for the person's own page: it stays when the staged rows have gone."""

from django.db import connection
from django.utils.translation import gettext as _

from broadcasts.models import Import
from broadcasts.people.importing.comparing import WANTED
from broadcasts.people.importing.executing import execute

# The school is named on the import's own page.
FIELDS = [field for field in WANTED if field != "school_id"]
# {object}: builds a JSON object of pairs; {whole}: what is NULL in it is left out.
JSON = {
    "postgresql": ("jsonb_build_object", "jsonb_strip_nulls({})"),
    "sqlite": ("json_object", "json_patch('{{}}', {})"),
}
JOINED = {"postgresql": "STRING_AGG(a.address, ', ' ORDER BY a.address)", "sqlite": "GROUP_CONCAT(a.address, ', ')"}
ADDRESSES = (
    """(SELECT {joined} FROM broadcasts_stagedaddress a WHERE a.staged_id = s.id AND a.action IN ({actions}))"""
)
NOTE = """
INSERT INTO broadcasts_auditentry
    (at, actor_id, actor_name, action, school_id, object_type, object_id, object_label, details)
SELECT %(now)s, %(actor)s, %(actor_name)s, 'person.changed_by_file', s.school_id, 'person',
    CAST(s.person_id AS VARCHAR(40)), CASE WHEN s.name = '' THEN s.old_name ELSE s.name END, {details}
FROM broadcasts_stagedperson s
WHERE s.of_import_id = %(import)s AND (s.action = 'changed' OR (s.action = 'missing' AND %(deactivates)s))
"""


def note_changes(import_: Import) -> None:
    """One entry for each person whom the file changed or made inactive. Who is new has no past to tell of."""
    by = import_.confirmed_by
    execute(
        import_,
        NOTE.format(details=_details()),
        actor=by.pk if by else None,
        actor_name=by.display_name if by else _("Messenger"),
        deactivates=import_.deactivates,
        file=import_.file_name,
    )


def _details() -> str:
    build, whole = JSON[connection.vendor]
    before = ", ".join([*map(_was, FIELDS), _addresses("'gone'")])
    after = ", ".join([*map(_becomes, FIELDS), _addresses("'new', 'back'")])
    parts = f"'file', %(file)s, 'before', {build}({before}), 'after', {build}({after})"
    if connection.vendor == "postgresql":
        parts = parts.replace("%(file)s", "CAST(%(file)s AS TEXT)")
    return whole.format(f"{build}({parts})")


def _was(field: str) -> str:
    return f"'{field}', CASE WHEN {_differs(field)} THEN s.old_{field} END"


def _becomes(field: str) -> str:
    return f"'{field}', CASE WHEN {_differs(field)} THEN {_wanted(field)} END"


def _differs(field: str) -> str:
    """Of somebody who is missing, the file says only that."""
    said = "" if field == "is_active" else "s.action = 'changed' AND "
    return f"{said}{_wanted(field)} <> s.old_{field}"


def _wanted(field: str) -> str:
    return f"({WANTED[field].format(was=f's.old_{field}')})"


def _addresses(actions: str) -> str:
    return f"'addresses', {ADDRESSES.format(joined=JOINED[connection.vendor], actions=actions)}"
