"""Undoing an import: what still is as the import left it becomes what it was; what somebody changed since stays."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from broadcasts import audit
from broadcasts.models import Import, StagedAddress, StagedPerson, Undone, User
from broadcasts.people.importing.executing import count
from broadcasts.people.importing.merging import CannotImport, take_step, take_turn
from broadcasts.people.importing.putting_back import put_back_addresses, put_back_guardians, put_back_people
from broadcasts.people.importing.removing import remove_addresses, remove_people

UNDO_FOR = timedelta(hours=24)
Status = Import.Status

TOUCHED_SINCE = """
SELECT COUNT(*) FROM broadcasts_import own JOIN broadcasts_stagedperson mine ON mine.of_import_id = own.id
JOIN broadcasts_stagedperson theirs ON theirs.person_id = mine.person_id AND theirs.of_import_id <> mine.of_import_id
JOIN broadcasts_import later ON later.id = theirs.of_import_id
WHERE own.id = %(import)s AND later.status = 'done' AND later.confirmed_at > own.confirmed_at
    AND (mine.action IN ('new', 'changed') OR (mine.action = 'missing' AND own.deactivates))
    AND (theirs.action = 'changed' OR (theirs.action = 'missing' AND later.deactivates))
"""


def can_undo(import_: Import, now: datetime) -> bool:
    return not why_not_undo(import_, now)


def why_not_undo(import_: Import, now: datetime) -> str:
    """In plain words; empty when it can be undone."""
    if import_.status != Status.DONE or import_.confirmed_at is None:
        return _("Only an import that was stored can be undone.")
    if now > import_.confirmed_at + UNDO_FOR:
        return _("An import can be undone for 24 hours, and these have passed.")
    if count(import_, TOUCHED_SINCE):
        return _("A later import changed some of the same people. Undo that one first.")
    return ""


def start_undo(import_: Import, by: User | None) -> bool:
    """Hand it to the workers: enqueue `undo` on commit. False: it is being undone already, or is undone.

    Raises CannotImport with the reason when it cannot be undone any more, or when another import is being stored.
    """
    import_.refresh_from_db()
    if import_.status in (Status.UNDOING, Status.UNDONE):
        return False
    if reason := why_not_undo(import_, timezone.now()):
        raise CannotImport(reason)
    with transaction.atomic():
        if not take_turn(import_, Status.DONE, status=Status.UNDOING, undone_by=by, problem=""):
            return False
        audit.record(by, "import.undo_asked", import_, school=import_.school)
    return True


def undo_import(import_id: int) -> bool:
    """Undoing → undone, all or nothing. Safe to repeat after a kill. False: not ours, or not any more."""
    return take_step(import_id, Status.UNDOING, _undo, back_to=Status.DONE)


def _undo(import_: Import) -> None:
    put_back_people(import_)
    put_back_guardians(import_)
    put_back_addresses(import_)
    remove_addresses(import_)
    remove_people(import_)
    import_.summary = import_.summary | {"undo": _summarise(import_)}
    import_.status, import_.undone_at = Status.UNDONE, timezone.now()
    import_.worked_on_at = import_.undone_at
    import_.save(update_fields=["status", "summary", "undone_at", "worked_on_at"])
    audit.record(import_.undone_by, "import.undone", import_, school=import_.school, counts=import_.summary["undo"])


def _summarise(import_: Import) -> dict[str, int]:
    """People by what became of them, then the addresses that stay; `kept`: somebody changed them since."""
    people = StagedPerson.objects.filter(of_import=import_)
    summary = {action.value: people.filter(undone=action).count() for action in Undone if action != Undone.NOT_YET}
    addresses = StagedAddress.objects.filter(of_import=import_, undone=Undone.KEPT)
    return summary | {"addresses_kept": addresses.count()}
