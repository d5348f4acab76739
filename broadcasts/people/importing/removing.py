"""Taking away again whom and what an import brought, unless something points to it by now."""

from django.db import connection
from django.db.models import CASCADE, ForeignObjectRel, Model

from broadcasts.models import EmailAddress, Import, Person
from broadcasts.people.importing.executing import execute

_CHANGED_SINCE = """p.name <> s.name OR p.kind <> COALESCE(NULLIF(s.kind, ''), 'guardian') OR p.sis_id <> s.sis_id
        OR p.language <> COALESCE(NULLIF(s.language, ''), p.language) OR p.grade <> COALESCE(s.grade, '')
        OR p.school_id <> s.school_id
        OR EXISTS (SELECT 1 FROM broadcasts_emailaddress e WHERE e.person_id = p.id
            AND (e.by_hand OR e.replaced_by_id IS NOT NULL OR e.confirmed_at IS NOT NULL))
        OR EXISTS (SELECT 1 FROM broadcasts_emailaddress e JOIN broadcasts_contacttype c ON c.address_id = e.id
            WHERE e.person_id = p.id AND c.chosen_by = 'staff')"""
_POINTED_TO = """EXISTS (SELECT 1 FROM broadcasts_delivery d WHERE d.person_id = p.id)
        OR EXISTS (SELECT 1 FROM broadcasts_listmember m WHERE m.person_id = p.id)
        OR EXISTS (SELECT 1 FROM broadcasts_guardianship g WHERE g.student_id = p.id)
        OR EXISTS (SELECT 1 FROM broadcasts_guardianship g WHERE g.guardian_id = p.id)"""
MARK_PEOPLE = f"""
UPDATE broadcasts_stagedperson AS s
SET undone = CASE WHEN {_CHANGED_SINCE} THEN 'kept' WHEN {_POINTED_TO} THEN 'inactive' ELSE 'removed' END
FROM broadcasts_person p WHERE p.id = s.person_id AND s.of_import_id = %(import)s AND s.action = 'new'
"""  # noqa: S608
PEOPLE_INACTIVE = """
UPDATE broadcasts_person AS p SET is_active = FALSE FROM broadcasts_stagedperson s
WHERE p.id = s.person_id AND s.of_import_id = %(import)s AND s.undone = 'inactive'
"""
PEOPLE_REMOVED = (
    "SELECT person_id FROM broadcasts_stagedperson WHERE of_import_id = %(import)s AND undone = 'removed'"
)
# Of those who stay who they were; what a removed person has goes with them.
MARK_ADDRESSES = """
UPDATE broadcasts_stagedaddress AS a SET undone = CASE
    WHEN e.by_hand OR e.replaced_by_id IS NOT NULL OR e.confirmed_at IS NOT NULL OR EXISTS (
        SELECT 1 FROM broadcasts_contacttype c WHERE c.address_id = e.id AND c.chosen_by = 'staff') THEN 'kept'
    WHEN EXISTS (SELECT 1 FROM broadcasts_delivery d WHERE d.address_id = e.id)
        OR EXISTS (SELECT 1 FROM broadcasts_contacttype c WHERE c.address_id = e.id AND c.chosen_by <> 'upload')
        OR EXISTS (SELECT 1 FROM broadcasts_contacttypechange c WHERE c.address_id = e.id) THEN 'inactive'
    ELSE 'removed' END
FROM broadcasts_emailaddress e, broadcasts_stagedperson s
WHERE e.id = a.email_id AND s.id = a.staged_id AND a.of_import_id = %(import)s AND a.action = 'new'
    AND s.action = 'changed'
"""
ADDRESSES_INACTIVE = """
UPDATE broadcasts_emailaddress AS e SET is_active = FALSE FROM broadcasts_stagedaddress a
WHERE e.id = a.email_id AND a.of_import_id = %(import)s AND a.action = 'new' AND a.undone = 'inactive'
"""
ADDRESSES_REMOVED = (
    "SELECT email_id FROM broadcasts_stagedaddress WHERE of_import_id = %(import)s AND undone = 'removed'"
)
FORGET_ELSEWHERE = f"""
UPDATE broadcasts_stagedperson SET person_id = NULL
WHERE of_import_id <> %(import)s AND person_id IN ({PEOPLE_REMOVED})
"""  # noqa: S608
FORGET_KEYS = (
    """UPDATE broadcasts_stagedaddress SET email_id = NULL WHERE of_import_id = %(import)s AND (undone = 'removed'
        OR staged_id IN (SELECT id FROM broadcasts_stagedperson
            WHERE of_import_id = %(import)s AND undone = 'removed'))""",
    "UPDATE broadcasts_stagedperson SET person_id = NULL WHERE of_import_id = %(import)s AND undone = 'removed'",
)


def remove_addresses(import_: Import) -> None:
    execute(import_, MARK_ADDRESSES)
    execute(import_, ADDRESSES_INACTIVE)
    _delete(import_, EmailAddress, ADDRESSES_REMOVED)


def remove_people(import_: Import) -> None:
    """After the guardianships that the import made: those that are left were made or changed by somebody."""
    execute(import_, MARK_PEOPLE)
    execute(import_, PEOPLE_INACTIVE)
    execute(import_, FORGET_ELSEWHERE)
    _delete(import_, Person, PEOPLE_REMOVED)
    for statement in FORGET_KEYS:
        execute(import_, statement)


def _delete(import_: Import, model: type[Model], chosen: str) -> None:
    """What QuerySet.delete does, in sets instead of row by row. `chosen`: a SELECT of the keys."""
    for relation in model._meta.get_fields(include_hidden=True):  # noqa: SLF001
        if isinstance(relation, ForeignObjectRel) and not relation.many_to_many:
            _let_go(import_, relation, chosen)
    execute(import_, f"DELETE FROM {_table(model)} WHERE id IN ({chosen})")  # noqa: S608


def _let_go(import_: Import, relation: ForeignObjectRel, chosen: str) -> None:
    field, pointing = relation.field, relation.related_model
    if not getattr(field, "db_constraint", False):
        return  # staged rows
    column = connection.ops.quote_name(str(field.column))
    those = f"{column} IN ({chosen})"
    if relation.on_delete is CASCADE:
        _delete(import_, pointing, f"SELECT id FROM {_table(pointing)} WHERE {those}")  # noqa: S608
    else:
        execute(import_, f"UPDATE {_table(pointing)} SET {column} = NULL WHERE {those}")  # noqa: S608


def _table(model: type[Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)  # noqa: SLF001
