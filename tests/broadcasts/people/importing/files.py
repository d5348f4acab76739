"""Files as a reader would yield them, and an import's steps without a worker."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.core.files.base import ContentFile

from broadcasts.addresses import address_key, explain_invalid
from broadcasts.models import Import, School, StagedPerson, User
from broadcasts.people.cells import Address
from broadcasts.people.columns import UnreadableFile
from broadcasts.people.importing.merging import confirm_import, merge_import
from broadcasts.people.importing.rows import GuardianRow, PersonRow, Warnings
from broadcasts.people.importing.staging import stage_import
from broadcasts.people.importing.undoing import start_undo, undo_import


class MemorySource:
    """`breaks`: it turns out to be unreadable after its rows."""

    headings: Sequence[str] = ("id", "name", "email")

    def __init__(self, rows: Sequence[PersonRow | GuardianRow], *, breaks: str = "") -> None:
        self._rows, self._breaks = rows, breaks
        self.warnings = Warnings()
        self.total = len(rows)
        self.has_ids = any(isinstance(row, PersonRow) and row.sis_id for row in rows)
        self.has_guardians = any(isinstance(row, GuardianRow) for row in rows)

    def rows(self) -> Iterator[PersonRow | GuardianRow]:
        yield from self._rows
        if self._breaks:
            raise UnreadableFile(self._breaks)

    def records(self) -> Iterator[tuple[int, Sequence[str]]]:
        return iter(())


def addresses(*texts: str) -> tuple[Address, ...]:
    return tuple(Address(text, address_key(text), explain_invalid(text)) for text in texts)


def row(
    school: School, sis_id: str, name: str = "", emails: Sequence[str] | None = (), number: int = 0, **fields: Any
) -> PersonRow:
    """Numbers follow the id when it is one, as if the file were sorted."""
    number = number or (int(sis_id) + 1 if sis_id.isdigit() else 2)
    given = None if emails is None else addresses(*emails)
    return PersonRow(number=number, school=school.pk, sis_id=sis_id, name=name, addresses=given, **fields)


def make_import(school: School | None, **fields: Any) -> Import:
    fields.setdefault("file", ContentFile(b"id,name\n", "people.csv"))
    return Import.objects.create(school=school, format=Import.Format.CSV, file_name="people.csv", **fields)


def stage(school: School | None, rows: Sequence[PersonRow | GuardianRow], **fields: Any) -> Import:
    """Checked, or refused."""
    import_ = make_import(school, **fields)
    assert stage_import(import_.pk, MemorySource(rows))
    import_.refresh_from_db()
    return import_


def store(
    school: School | None,
    rows: Sequence[PersonRow | GuardianRow],
    by: User | None = None,
    *,
    deactivate_missing: bool = False,
    missing_typed: int | None = None,
    **fields: Any,
) -> Import:
    """Staged, confirmed and merged."""
    import_ = stage(school, rows, **fields)
    assert confirm_import(import_, by, deactivate_missing=deactivate_missing, missing_typed=missing_typed)
    assert merge_import(import_.pk)
    import_.refresh_from_db()
    return import_


def undo(import_: Import, by: User | None = None) -> dict[str, int]:
    assert start_undo(import_, by)
    assert undo_import(import_.pk)
    import_.refresh_from_db()
    counts: dict[str, int] = import_.summary["undo"]
    return counts


def actions(import_: Import) -> dict[str, str]:
    """By the name that the file or the directory has."""
    return {one.name: one.action for one in StagedPerson.objects.filter(of_import=import_).order_by("pk")}
