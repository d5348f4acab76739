"""What a worker does with an import: whatever its status asks for. A hint that comes twice does nothing."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from broadcasts.models import Import
from broadcasts.people.columns import UnreadableFile
from broadcasts.people.importing.discarding import discard_import, forget_import, forgotten, past_undo
from broadcasts.people.importing.merging import merge_import
from broadcasts.people.importing.opening import open_source
from broadcasts.people.importing.staging import PATIENCE, is_idle, refuse_import, stage_import
from broadcasts.people.importing.undoing import undo_import

ASK_AGAIN = timedelta(minutes=1)
Status = Import.Status
UNDER_WAY = (Status.STAGING, Status.MERGING, Status.UNDOING)


def work_on_import(import_id: int) -> None:
    import_ = Import.objects.filter(pk=import_id).first()
    if import_ is None:
        return
    now = timezone.now()
    if import_.status in (Status.UPLOADED, Status.STAGING) and not _is_forgotten(import_, now):
        _stage(import_)
    elif import_.status == Status.MERGING:
        merge_import(import_id)
    elif import_.status == Status.UNDOING:
        undo_import(import_id)
    elif past_undo(now).filter(pk=import_id).exists():
        forget_import(import_)
    elif _is_forgotten(import_, now):
        discard_import(import_, None)


def imports_to_resume(now: datetime) -> list[int]:
    """Imports that a worker is to be asked for, oldest first. Being asked is noted.

    Those that a worker left in the middle or was never asked for, and those whose rows and file are to be deleted.
    Who is merging holds the row, so it is not waited for: only rows that nobody holds are noted.
    """
    return [pk for pk in _waiting(now).values_list("pk", flat=True) if _note_asked(pk, now)]


def _waiting(now: datetime) -> QuerySet[Import]:
    left = Import.objects.filter(is_idle(now), status__in=UNDER_WAY)
    return (left | past_undo(now) | forgotten(now)).filter(_not_asked(now)).order_by("pk")


def _not_asked(now: datetime) -> Q:
    return Q(asked_at=None) | Q(asked_at__lt=now - ASK_AGAIN)


@transaction.atomic
def _note_asked(import_id: int, now: datetime) -> bool:
    """Of several sweepers one asks."""
    free = Import.objects.select_for_update(skip_locked=True).filter(_not_asked(now), pk=import_id)
    return (
        bool(free.values_list("pk"))
        and Import.objects.filter(_not_asked(now), pk=import_id).update(asked_at=now) == 1
    )


def _is_forgotten(import_: Import, now: datetime) -> bool:
    return forgotten(now).filter(pk=import_.pk).exists()


def _stage(import_: Import) -> None:
    if import_.status == Status.STAGING and import_.worked_on_at and import_.worked_on_at > timezone.now() - PATIENCE:
        return  # a worker is at it: the file need not be opened
    try:
        source = open_source(import_)
    except UnreadableFile as error:
        refuse_import(import_.pk, str(error))
    except (FileNotFoundError, ValueError):
        refuse_import(import_.pk, _("The file is no longer here. Upload it again."))
    else:
        stage_import(import_.pk, source)
