"""A reader's row as the values of the staging tables."""

from collections.abc import Iterator
from hashlib import blake2b
from typing import Any

from broadcasts.models import Import
from broadcasts.people.importing.recognising import match_key, name_key
from broadcasts.people.importing.rejecting import why_unusable
from broadcasts.people.importing.rows import GuardianRow, PersonRow

PERSON_FIELDS = (  # noqa: SIM905
    "id of_import file number action reason cells sis_id name kind language grade school other_schools is_active "
    "types says_addresses name_key match_key content_key"
).split()
ADDRESS_FIELDS = ("of_import", "staged", "address", "key", "is_valid", "position")
GUARDIAN_FIELDS = (
    "of_import", "student_sis_id", "guardian_sis_id", "category", "priority", "do_not_contact", "number"
)  # fmt: skip


def person_values(import_: Import, key: int, row: PersonRow) -> tuple[Any, ...]:
    reason = why_unusable(import_, row)
    keys = [address.key for address in row.addresses or ()]
    return (
        key,
        import_.pk,
        row.file[:100],
        row.number,
        "rejected" if reason else "",
        reason,
        [_clean(cell) for cell in row.cells],
        _clean(row.sis_id)[:100],
        _clean(row.name)[:200],
        row.kind,
        row.language[:20],
        None if row.grade is None else _clean(row.grade)[:20],
        row.school,
        _other_schools(import_, row),
        row.is_active,
        # Of somebody who has left, the file says no more than that.
        _joined(row.types) if row.types is not None and row.is_active else None,
        row.addresses is not None and row.is_active,
        name_key(row.name),
        match_key(row.name, keys),
        _content_key(row) if row.sis_id else "",
    )


def address_values(import_: Import, key: int, row: PersonRow) -> Iterator[tuple[Any, ...]]:
    if not row.is_active:
        return
    unique = {address.key: address for address in reversed(row.addresses or ())}
    for position, address in enumerate(reversed(unique.values())):
        yield (import_.pk, key, address.address, address.key, not address.problem, position)


def guardian_values(import_: Import, row: GuardianRow) -> tuple[Any, ...]:
    ids = (_clean(row.student_sis_id)[:100], _clean(row.guardian_sis_id)[:100])
    return (import_.pk, *ids, row.category, row.priority, row.do_not_contact, row.number)


def _other_schools(import_: Import, row: PersonRow) -> str | None:
    """A school's own import neither sees nor changes who belongs to others."""
    if row.other_schools is None or import_.school_id is not None:
        return None
    return _joined(set(row.other_schools) - {row.school})


def _joined(keys: set[int] | frozenset[int]) -> str:
    return ",".join(str(key) for key in sorted(keys))


def _clean(text: str) -> str:
    """PostgreSQL takes no NUL."""
    return text.replace("\0", "")


def _content_key(row: PersonRow) -> str:
    addresses = None if row.addresses is None else tuple(address.key for address in row.addresses)
    types = None if row.types is None else sorted(row.types)
    content = (
        row.school, row.name, row.kind, row.language, row.grade, row.other_schools, row.is_active, addresses, types
    )  # fmt: skip
    return blake2b(repr(content).encode(), digest_size=16).hexdigest()
