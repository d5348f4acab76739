"""A person, those who belong to them through students and guardians, and everything ever sent to any of them."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from broadcasts.models import Delivery, Guardianship, Person, User

# Through a neighbour who is an emergency contact for half the street, two families do not become one.
CLOSE = (Guardianship.Category.MOTHER, Guardianship.Category.FATHER, Guardianship.Category.GUARDIAN)


@dataclass(frozen=True)
class Member:
    person: Person
    wards: Sequence[Guardianship]


@dataclass(frozen=True)
class Group:
    """A student with the guardians; or somebody who belongs to no student."""

    head: Person
    guardians: Sequence[Guardianship]


def household_of(person: Person, user: User) -> list[Member]:
    """The person first, then students, then guardians; only those whom the user may see."""
    students = {person.pk, *_students_of([person.pk])}
    guardians = set(_links(student__in=students).values_list("guardian", flat=True))
    siblings = set(_links(guardian__in={*guardians, person.pk}, category__in=CLOSE).values_list("student", flat=True))
    wanted = {*students, *guardians, *siblings}
    people = (
        Person.objects.visible_to(user).filter(pk__in=wanted).select_related("school").prefetch_related("addresses")
    )
    relations = _relations([each.pk for each in people])
    members = [Member(each, relations.get(each.pk, ())) for each in people]
    return sorted(members, key=lambda member: _place(member.person, person))


def _place(one: Person, first: Person) -> tuple[bool, bool, str, int]:
    return one.pk != first.pk, one.kind != Person.Kind.STUDENT, one.name, one.pk


def _students_of(guardians: Collection[int]) -> set[int]:
    return set(_links(guardian__in=guardians).values_list("student", flat=True))


def _links(**conditions: object) -> QuerySet[Guardianship]:
    return Guardianship.objects.filter(**conditions).order_by()


def _relations(people: Collection[int]) -> dict[int, list[Guardianship]]:
    relations: dict[int, list[Guardianship]] = defaultdict(list)
    for link in Guardianship.objects.filter(guardian__in=people, student__in=people).select_related("student"):
        relations[link.guardian_id].append(link)
    return relations


def everything_sent_to(members: Iterable[Member], user: User) -> QuerySet[Delivery]:
    return Delivery.objects.visible_to(user).filter(person__in=[member.person.pk for member in members])


def group_by_student(found: Collection[Person], user: User) -> list[Group]:
    """Each student once with all guardians; who is found as a guardian is shown with their students."""
    visible = Person.objects.visible_to(user).order_by()
    pks = [person.pk for person in found]
    links = (
        Guardianship.objects.filter(Q(student__in=pks) | Q(student__in=_students_of(pks)))
        .filter(student__in=visible.values("pk"), guardian__in=visible.values("pk"))
        .select_related("student__school", "guardian")
    )
    guardians: dict[int, list[Guardianship]] = defaultdict(list)
    for link in links.order_by("student_id", "priority", "pk"):
        guardians[link.student_id].append(link)
    heads = {links[0].student for links in guardians.values()}
    shown = {link.guardian_id for links in guardians.values() for link in links}
    heads |= {person for person in found if person.pk not in shown}
    ordered = sorted(heads, key=lambda head: (head.name.casefold(), head.pk))
    return [Group(head, guardians.get(head.pk, [])) for head in ordered]
