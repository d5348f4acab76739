"""Storing what an upload says, all of it or nothing: people, addresses, contact types, and the list they join."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models.fields.files import FieldFile
from django.utils import timezone
from django.utils.translation import gettext as _

from broadcasts import audit
from broadcasts.models import List, School, Upload, User
from broadcasts.people.planning import Plan, plan_upload
from broadcasts.people.reading import Recipients, UnreadableFile, read_recipients
from broadcasts.people.storing import join_list, store_people

FORGOTTEN_AFTER = timedelta(days=7)


class CannotConfirm(Exception):
    """Nothing was stored and the upload is as it was. The message says why and what to do."""


def read_upload(upload: Upload) -> Recipients:
    try:
        with upload.file.open("rb") as file:
            return read_recipients(file.file, upload.file_name)
    except (FileNotFoundError, ValueError) as error:
        raise UnreadableFile(_("The file is no longer here. Upload it again.")) from error


def confirm_upload(upload: Upload, by: User | None) -> bool:
    """Do what the check page announced, once. False: it is confirmed or discarded already.

    Raises CannotConfirm, and UnreadableFile when the file is gone.
    """
    try:
        recipients = read_upload(upload)
    except UnreadableFile:
        if not Upload.objects.filter(pk=upload.pk, status=Upload.Status.CHECKING).exists():
            return False
        raise
    with transaction.atomic():
        if not _settle(upload, Upload.Status.CONFIRMED):
            return False
        upload.refresh_from_db(fields=["list", "list_name"])
        school = _lock(upload.school)
        plan = plan_upload(school, recipients, upload.list)
        _refuse_nobody(plan)
        upload.list = upload.list or _make_named_list(school, upload.list_name, by)
        new = store_people(plan)
        join_list(upload.list, {person.pk for person in plan.matched if not person.in_list} | new)
        upload.summary = summarise(plan)
        upload.save(update_fields=["list", "summary"])
        audit.record(by, "upload.confirmed", upload.list, school=school, file=upload.file_name, counts=upload.summary)
    return True


def discard_upload(upload: Upload, by: User | None) -> bool:
    """Forget the file. False: it is confirmed or discarded already."""
    with transaction.atomic():
        if not _settle(upload, Upload.Status.DISCARDED):
            return False
        audit.record(by, "upload.discarded", upload, school=upload.school)
    return True


def discard_forgotten_uploads(schools: Iterable[School], now: datetime) -> int:
    """Discard what nobody confirmed for a week: files of personal data do not stay for ever. Returns how many."""
    waiting = Upload.objects.filter(school__in=schools, status=Upload.Status.CHECKING)
    forgotten = waiting.filter(uploaded_at__lt=now - FORGOTTEN_AFTER).select_related("school")
    return sum(discard_upload(upload, None) for upload in forgotten)


@transaction.atomic
def make_list(school: School, recipients: Recipients, name: str, by: User | None = None) -> List:
    """The list of exactly the file's people, who are stored as an upload would store them.

    A list of that name that has the same people is used again; otherwise it stays as it is and the new one is
    called “name (2)”. Bad rows are left out. Raises CannotConfirm when nobody is left.
    """
    school = _lock(school)
    plan = plan_upload(school, recipients)
    _refuse_nobody(plan)
    people = {person.pk for person in plan.matched} | store_people(plan)
    name = name.strip()[:180] or recipients.file_name[:180]
    for free_name in _names_like(name):
        made, is_new = List.objects.get_or_create(school=school, name=free_name, defaults={"created_by": by})
        if is_new:
            join_list(made, people)
            audit.record(by, "list.made", made, school=school, counts=summarise(plan))
            return made
        if set(made.members.values_list("person", flat=True)) == people:
            return made
    raise AssertionError


def summarise(plan: Plan) -> dict[str, int]:
    return {
        "new": len(plan.new),
        "changed": len(plan.changed),
        "unchanged": len(plan.unchanged),
        "bad_rows": len(plan.bad_rows),
        "joined": plan.joining_count,
    }


def _settle(upload: Upload, status: Upload.Status) -> bool:
    """Whether it was ours to decide. The file is personal data and goes as soon as that is certain."""
    now = timezone.now() if status == Upload.Status.CONFIRMED else None
    waiting = Upload.objects.filter(pk=upload.pk, status=Upload.Status.CHECKING)
    if not waiting.update(status=status, confirmed_at=now):
        return False
    upload.status, upload.confirmed_at = status, now
    transaction.on_commit(lambda: _delete_file(upload.file))
    return True


def _delete_file(file: FieldFile) -> None:
    if file.name:
        file.storage.delete(file.name)


def _lock(school: School) -> School:
    """Two uploads of one school must not both find the same person new."""
    return School.objects.select_for_update().get(pk=school.pk)


def _refuse_nobody(plan: Plan) -> None:
    if not plan.people_count:
        raise CannotConfirm(
            _("No row of the file can be used, so nothing was stored. Correct the file and upload it again.")
        )


def _make_named_list(school: School, name: str, by: User | None) -> List:
    made, is_new = List.objects.get_or_create(school=school, name=name, defaults={"created_by": by})
    if not is_new:
        raise CannotConfirm(
            _(
                "A list called “%(name)s” was made since you uploaded this file. Nothing was stored. Choose another "
                "name below."
            )
            % {"name": name}
        )
    audit.record(by, "list.made", made, school=school)
    return made


def _names_like(name: str) -> Iterable[str]:
    yield name
    for number in range(2, 1_000_000):
        yield f"{name} ({number})"
