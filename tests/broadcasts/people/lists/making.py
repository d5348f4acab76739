"""Lists by rules, families, and who is on a list: for these tests in their own words."""

from collections.abc import Iterable
from typing import Any

from broadcasts.models import Guardianship, List, ListPart, ListRule, Person, School
from broadcasts.people.lists.definitions import load_definitions
from broadcasts.people.lists.resolving import count_people, people_of
from tests import factory

Rule = tuple[str, str | Iterable[str]]


def rule_list(school: School, *rules: Rule, name: str = "", without: Iterable[Rule] = (), **fields: object) -> List:
    """`without`: the rules that say "is not"."""
    made = factory.make_list(school, name=name)
    List.objects.filter(pk=made.pk).update(is_by_rules=True, **fields)
    for is_not, some in ((False, rules), (True, without)):
        for field, values in some:
            one = [values] if isinstance(values, str) else list(values)
            ListRule.objects.create(of_list=made, field=field, values=one, is_not=is_not)
    made.refresh_from_db()
    return made


def static_list(school: School, people: Iterable[Person] = (), name: str = "", **fields: object) -> List:
    made = factory.make_list(school, people, name)
    List.objects.filter(pk=made.pk).update(**fields)
    made.refresh_from_db()
    return made


def include(into: List, *parts: List, is_excluded: bool = False) -> List:
    ListPart.objects.bulk_create(ListPart(list=into, part=part, is_excluded=is_excluded) for part in parts)
    return into


def leave_out(of: List, *parts: List) -> List:
    return include(of, *parts, is_excluded=True)


def student(school: School, name: str, **fields: Any) -> Person:
    return factory.make_person(school, name, kind="student", **fields)


def guardian(
    name: str, *students: Person, category: str = "mother", forbidden: bool = False, **fields: Any
) -> Person:
    """At home at the first student's school; `forbidden`: do not contact."""
    addresses = fields.pop("addresses", ())
    made = factory.make_person(students[0].school, name, addresses, kind="guardian", **fields)
    for one in students:
        relate(made, one, category=category, forbidden=forbidden)
    return made


def relate(who: Person, of: Person, *, category: str = "mother", forbidden: bool = False) -> None:
    Guardianship.objects.create(student=of, guardian=who, category=category, do_not_contact=forbidden)


def names_on(of: List) -> set[str]:
    """With a minus before those who are held back."""
    listed = people_of(load_definitions([of.pk])[of.pk])
    held_back = set(listed.held_back.values_list("pk", flat=True))
    people = list(listed.people)
    count = count_people(listed)
    assert (count.all, count.held_back) == (len(people), len(held_back))
    return {f"-{person.name}" if person.pk in held_back else person.name for person in people}
