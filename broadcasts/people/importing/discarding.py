"""Forgetting imports: files and staged rows are personal data and go when nothing needs them any more."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet

from broadcasts import audit
from broadcasts.models import Import, User
from broadcasts.people.importing.staging import delete_staged
from broadcasts.people.importing.undoing import UNDO_FOR

FORGOTTEN_AFTER = timedelta(days=7)
Status = Import.Status
UNSTORED = (Status.UPLOADED, Status.STAGING, Status.CHECKED, Status.REFUSED)


def discard_import(import_: Import, by: User | None) -> bool:
    """Forget the file and what was read of it. False: it is being stored, is stored, or is discarded already."""
    with transaction.atomic():
        if not Import.objects.filter(pk=import_.pk, status__in=UNSTORED).update(status=Status.DISCARDED):
            return False
        audit.record(by, "import.discarded", import_, school=import_.school)
        forget_import(import_)
    import_.status = Status.DISCARDED
    return True


def forget_import(import_: Import) -> None:
    """Its staged rows and its file; what the page says about it in numbers stays."""
    with transaction.atomic():
        delete_staged(import_.pk)
        file, storage = import_.file.name, import_.file.storage
        Import.objects.filter(pk=import_.pk).update(file="")
        if file:
            transaction.on_commit(lambda: storage.delete(file))
    import_.file.name = ""


def forgotten(now: datetime) -> QuerySet[Import]:
    return Import.objects.filter(status__in=UNSTORED, uploaded_at__lt=now - FORGOTTEN_AFTER)


def past_undo(now: datetime) -> QuerySet[Import]:
    """What can no longer be undone, or was undone a day ago, and still has its file."""
    end = now - UNDO_FOR
    over = Q(status=Status.DONE, confirmed_at__lt=end) | Q(status=Status.UNDONE, undone_at__lt=end)
    return Import.objects.exclude(file="").filter(over)
