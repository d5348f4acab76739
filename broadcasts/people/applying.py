"""Storing what an upload says, all of it or nothing: people, addresses, contact types, and the list they join."""

from collections import defaultdict
from collections.abc import Iterable
from typing import TypeVar

from django.db import transaction
from django.db.models import Model, QuerySet
from django.db.models.fields.files import FieldFile
from django.utils import timezone
from django.utils.translation import gettext as _

from broadcasts import audit
from broadcasts.models import ContactType, EmailAddress, List, ListMember, Person, School, Upload, User
from broadcasts.people.cells import Address
from broadcasts.people.directory import in_chunks
from broadcasts.people.planning import Change, Plan, default_kind, plan_upload
from broadcasts.people.reading import Recipients, UnreadableFile, read_recipients

AnyRow = TypeVar("AnyRow", bound=Model)


class CannotConfirm(Exception):
    """Nothing was stored and the upload is as it was. The message says why and what to do."""


def read_upload(upload: Upload) -> Recipients:
    try:
        with upload.file.open("rb") as file:
            return read_recipients(file, upload.file_name)
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
        _store(plan, upload.list)
        upload.summary = summarise(plan)
        upload.save(update_fields=["list", "summary"])
        audit.record(by, "upload.confirmed", upload.list, school=school, file=upload.file_name, **upload.summary)
    return True


def discard_upload(upload: Upload, by: User | None) -> bool:
    """Forget the file. False: it is confirmed or discarded already."""
    with transaction.atomic():
        if not _settle(upload, Upload.Status.DISCARDED):
            return False
        audit.record(by, "upload.discarded", upload, school=upload.school)
    return True


@transaction.atomic
def make_list(school: School, recipients: Recipients, name: str, by: User | None = None) -> List:
    """The list of exactly the file's people, who are stored as an upload would store them.

    A list of that name that has the same people is used again; otherwise it stays as it is and the new one is
    called “name (2)”. Bad rows are left out. Raises CannotConfirm when nobody is left.
    """
    school = _lock(school)
    plan = plan_upload(school, recipients)
    _refuse_nobody(plan)
    new = _store_people(plan)
    people = {person.pk for person in plan.matched} | {person.pk for person in new}
    name = name.strip()[:180] or recipients.file_name[:180]
    for free_name in _names_like(name):
        made, is_new = List.objects.get_or_create(school=school, name=free_name, defaults={"created_by": by})
        if is_new:
            _join(made, people)
            audit.record(by, "list.made", made, school=school, **summarise(plan))
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


def _store(plan: Plan, into: List) -> None:
    new = _store_people(plan)
    _join(into, [person.pk for person in plan.matched if not person.in_list] + [person.pk for person in new])


def _join(into: List, people: Iterable[int]) -> None:
    ListMember.objects.bulk_create(
        (ListMember(list=into, person_id=pk) for pk in sorted(people)), ignore_conflicts=True
    )


def _store_people(plan: Plan) -> list[Person]:
    """Returns the new ones."""
    _update_people(plan.changed)
    _remove_addresses(plan.changed)
    _switch_types(plan.changed)
    new = Person.objects.bulk_create(
        Person(
            school=plan.school,
            name=wanted.row.name,
            kind=default_kind(wanted.row),
            language=wanted.row.language or plan.school.language,
        )
        for wanted in plan.new
    )
    brought = [(person.pk, wanted.row.addresses, wanted.types) for person, wanted in zip(new, plan.new, strict=True)]
    added = [(change.person.pk, tuple(change.added), change.wanted.types) for change in plan.changed]
    _store_addresses(plan, brought + added)
    return new


def _store_addresses(plan: Plan, brought: Iterable[tuple[int, tuple[Address, ...], frozenset[int]]]) -> None:
    types: list[frozenset[int]] = []
    addresses: list[EmailAddress] = []
    for person, given, receives in brought:
        for position, address in enumerate(given):
            types.append(receives)
            addresses.append(
                EmailAddress(
                    person_id=person,
                    address=address.address,
                    key=address.key,
                    is_valid=not address.problem,
                    position=position,
                )
            )
    for chunk in in_chunks(zip(EmailAddress.objects.bulk_create(addresses), types, strict=True), 10_000):
        ContactType.objects.bulk_create(
            choice for address, receives in chunk for choice in _first_choices(plan, address, receives)
        )


def _first_choices(plan: Plan, address: EmailAddress, receives: frozenset[int]) -> Iterable[ContactType]:
    family = plan.family_choices.get(address.key, {})
    for kind in receives - family.keys():
        yield ContactType(address=address, broadcast_type_id=kind)
    for kind, wants in family.items():
        yield ContactType(
            address=address, broadcast_type_id=kind, receives=wants, chosen_by=ContactType.ChosenBy.FAMILY
        )


def _update_people(changes: list[Change]) -> None:
    same: dict[tuple[str, str | bool], list[int]] = defaultdict(list)
    renamed = []
    for change in changes:
        for field, value in change.fields.items():
            if field == "name":
                renamed.append(Person(pk=change.person.pk, name=str(value)))
            else:
                same[field, value].append(change.person.pk)
    Person.objects.bulk_update(renamed, ["name"], batch_size=200)
    for (field, value), pks in same.items():
        _update_in_chunks(Person.objects.all(), pks, {field: value})


def _remove_addresses(changes: list[Change]) -> None:
    for chunk in in_chunks(address.pk for change in changes for address in change.removed):
        EmailAddress.objects.filter(pk__in=chunk).delete()


def _switch_types(changes: list[Change]) -> None:
    same: dict[bool, list[int]] = defaultdict(list)
    for change in changes:
        for _address, known, _kind, receives in change.switched:
            same[receives].append(known.pk)
    for receives, pks in same.items():
        values = {"receives": receives, "chosen_by": ContactType.ChosenBy.UPLOAD, "changed_at": timezone.now()}
        _update_in_chunks(ContactType.objects.all(), pks, values)
    ContactType.objects.bulk_create(
        ContactType(address_id=address.pk, broadcast_type_id=kind)
        for change in changes
        for address, kind in change.switched_on_first
    )


def _update_in_chunks(rows: QuerySet[AnyRow], pks: Iterable[int], values: dict[str, object]) -> None:
    for chunk in in_chunks(pks):
        rows.filter(pk__in=chunk).update(**values)
