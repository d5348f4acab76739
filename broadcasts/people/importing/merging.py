"""Confirming an import, and storing what its staged rows say: all of it or nothing.

While a merge runs its progress is not visible: it is one transaction, and a second connection would wait for the
import's row. The page says that it is being stored; it takes seconds.
"""

from collections.abc import Callable

from django.db import IntegrityError, OperationalError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from broadcasts import audit
from broadcasts.models import (
    EmailAddress,
    Guardianship,
    Import,
    Person,
    School,
    StagedAddress,
    StagedGuardian,
    StagedPerson,
    User,
)
from broadcasts.people.importing.comparing import KNOWN, compare
from broadcasts.people.importing.executing import count
from broadcasts.people.importing.loading import settle_statistics
from broadcasts.people.importing.merging_guardians import merge_guardians
from broadcasts.people.importing.merging_people import merge_addresses, merge_people
from broadcasts.people.importing.noting import note_changes
from broadcasts.people.importing.summarising import summarise

# Beyond this share of the people that imports know, the tick is not enough: a truncated file looks like this.
MOST_MISSING_PERCENT = 20
Status = Import.Status
PLANNED_FOR = (StagedPerson, StagedAddress, StagedGuardian, Person, EmailAddress, Guardianship)


class CannotImport(Exception):
    """Nothing was changed. The message says why and what to do."""


def missing_count(import_: Import) -> int:
    """Whom a complete file does not name any more."""
    return StagedPerson.objects.filter(of_import=import_, action=StagedPerson.Action.MISSING).count()


def known_count(import_: Import) -> int:
    """Whom this file could miss: a file of students misses no guardians, however many these are."""
    return count(import_, KNOWN)


def needs_typed_number(import_: Import) -> bool:
    """Whether so many are missing that their number has to be typed."""
    return missing_count(import_) * 100 > known_count(import_) * MOST_MISSING_PERCENT


def confirm_import(
    import_: Import, by: User | None, *, deactivate_missing: bool, missing_typed: int | None = None
) -> bool:
    """Hand it to the workers: enqueue `merge` on commit. False: it is not (any more) to be confirmed.

    Raises CannotImport when too many are missing and their number was not typed, and while another import is
    being stored or undone: it is refused instead of waiting, for its check page would be out of date.
    """
    deactivates = deactivate_missing and import_.is_complete
    if deactivates and needs_typed_number(import_) and missing_typed != missing_count(import_):
        raise CannotImport(_("So many people are missing from the file that you have to type their number."))
    with transaction.atomic():
        if not take_turn(
            import_,
            Status.CHECKED,
            status=Status.MERGING,
            deactivates=deactivates,
            confirmed_by=by,
            done_count=0,
            total_count=0,
            problem="",
        ):
            return False
        audit.record(
            by,
            "import.confirmed",
            import_,
            school=import_.school,
            counts=import_.summary,
            deactivates_missing=deactivates,
        )
    return True


def take_turn(import_: Import, before: str, **values: object) -> bool:
    """Merging or undoing from now on, if nobody else is. False: it is not at that point (any more)."""
    waiting = Import.objects.filter(pk=import_.pk, status=before)
    try:
        with transaction.atomic():
            if not waiting.update(worked_on_at=None, asked_at=None, **values):
                return False
    except IntegrityError as error:
        raise CannotImport(
            _("Another import is being stored or undone right now. Wait a minute and try again.")
        ) from error
    import_.refresh_from_db()
    return True


def merge_import(import_id: int) -> bool:
    """Merging → done. Safe to repeat after a kill, which leaves nothing behind. False: not ours, or not any more."""
    if not take_step(import_id, Status.MERGING, _merge, back_to=Status.CHECKED):
        return False
    settle_statistics(Person)
    return True


def take_step(import_id: int, status: str, step: Callable[[Import], None], *, back_to: str) -> bool:
    """The step of this status, all of it or nothing. False: another worker holds it, or it is past that point."""
    settle_statistics(*PLANNED_FOR)
    try:
        with transaction.atomic():
            import_ = _lock_import(import_id, status)
            if import_ is None:
                return False
            _lock_schools(import_)
            step(import_)
    except OperationalError:
        raise  # the database went away or is busy: the sweep asks again
    except Exception:
        _give_up(import_id, status, back_to)
        raise
    return True


def _lock_import(import_id: int, status: str) -> Import | None:
    """Ours until the transaction ends."""
    ours = Import.objects.select_for_update(skip_locked=True).filter(pk=import_id, status=status)
    return ours.first()


def _give_up(import_id: int, status: str, back_to: str) -> None:
    """Nothing was stored. Others get their turn, and the page says what happened."""
    words = _("Messenger met an error of its own and stored nothing; its log says more.")
    Import.objects.filter(pk=import_id, status=status).update(
        status=back_to, problem=words, worked_on_at=timezone.now()
    )


def _merge(import_: Import) -> None:
    # Days may lie between the check and this.
    compare(import_, again=True)
    import_.summary = summarise(import_) | {"deactivated": missing_count(import_) if import_.deactivates else 0}
    merge_people(import_)
    merge_addresses(import_)
    merge_guardians(import_)
    note_changes(import_)
    import_.status, import_.confirmed_at = Status.DONE, timezone.now()
    import_.worked_on_at = import_.confirmed_at
    import_.save(update_fields=["status", "summary", "confirmed_at", "worked_on_at"])
    audit.record(import_.confirmed_by, "import.stored", import_, school=import_.school, counts=import_.summary)


def _lock_schools(import_: Import) -> None:
    """An upload of recipients at the same time must not find the same person new."""
    schools = School.objects.select_for_update().order_by("pk")
    if import_.school_id is not None:
        schools = schools.filter(pk=import_.school_id)
    list(schools.values_list("pk"))
