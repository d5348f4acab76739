"""Who is whose guardian, as staff say it. On record on both people's pages."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from broadcasts import audit
from broadcasts.models import Guardianship, Person, PersonSchool, School, User
from broadcasts.people.editing import add_address, add_person


@dataclass(frozen=True, slots=True)
class Relation:
    category: str  # of Guardianship.Category
    priority: int = 1
    do_not_contact: bool = False
    reason: str = ""  # why they are not to be contacted


@dataclass(frozen=True, slots=True)
class NewGuardian:
    """Somebody who is not in the directory yet."""

    school: School
    name: str
    language: str
    address: str = ""


class AlreadyGuardian(Exception):
    """This person is a guardian of this student already."""


@transaction.atomic
def add_guardian(student: Person, guardian: Person, relation: Relation, *, by: User | None) -> Guardianship:
    made, is_new = Guardianship.objects.get_or_create(
        student=student,
        guardian=guardian,
        defaults={
            "category": relation.category,
            "priority": relation.priority,
            "do_not_contact": relation.do_not_contact,
            "by_hand": True,
        },
    )
    if not is_new:
        raise AlreadyGuardian
    if not Person.objects.of_schools([student.school]).filter(pk=guardian.pk).exists():
        # The student's office writes to them, so it must be able to see them.
        PersonSchool.objects.get_or_create(person=guardian, school=student.school)
    _record(made, "guardian.added", by, relation.reason, after=_facts(made))
    return made


@transaction.atomic
def add_new_guardian(student: Person, new: NewGuardian, relation: Relation, *, by: User | None) -> Guardianship:
    """Raises InvalidAddress."""
    values = {"name": new.name, "language": new.language, "kind": Person.Kind.GUARDIAN}
    guardian = add_person(new.school, values, by=by)
    if new.address:
        add_address(guardian, new.address, by=by)
    return add_guardian(student, guardian, relation, by=by)


@transaction.atomic
def change_guardian(
    relation: Guardianship, values: Mapping[str, str | int | bool], *, reason: str = "", by: User | None
) -> bool:
    """Store what of category, priority and do_not_contact really becomes different. False: nothing does."""
    held = _held(relation)
    before = {name: getattr(held, name) for name, value in values.items() if getattr(held, name) != value}
    if not before:
        return False
    after = {name: values[name] for name in before}
    Guardianship.objects.filter(pk=held.pk).update(**after, by_hand=True)
    _record(held, "guardian.changed", by, reason, before=before, after=after)
    return True


@transaction.atomic
def remove_guardian(relation: Guardianship, *, reason: str = "", by: User | None) -> bool:
    """False: somebody else was quicker."""
    held = Guardianship.objects.select_for_update(of=("self",)).filter(pk=relation.pk).first()
    if held is None:
        return False
    _record(held, "guardian.removed", by, reason, before=_facts(held))
    held.delete()
    return True


def _held(relation: Guardianship) -> Guardianship:
    return Guardianship.objects.select_for_update(of=("self",)).get(pk=relation.pk)


def _facts(relation: Guardianship) -> dict[str, str | int | bool]:
    return {
        "category": relation.category,
        "priority": relation.priority,
        "do_not_contact": relation.do_not_contact,
    }


def _record(relation: Guardianship, action: str, by: User | None, reason: str, **details: Any) -> None:
    student, guardian = relation.student, relation.guardian
    named = {"student": student.name, "guardian": guardian.name, **({"reason": reason} if reason else {})}
    for person in (student, guardian):
        audit.record(by, action, person, school=person.school, **named, **details)
