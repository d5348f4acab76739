"""The live count of a list while it is edited: what the page asks the database, the median of several calls."""

import statistics
import time
from dataclasses import replace
from datetime import timedelta
from itertools import count

from django.utils import timezone

from broadcasts.models import (
    Broadcast,
    ContactType,
    Delivery,
    EmailAddress,
    Guardianship,
    ListRule,
    Person,
    PersonSchool,
    School,
)
from broadcasts.people.lists.definitions import Definition, Rule
from broadcasts.people.lists.resolving import SAMPLE, count_people, people_of
from broadcasts.results import Result
from tests import factory
from tests.benchmarks.figures import Figure
from tests.benchmarks.school import BATCH, make_address, settle

CALLS = 20
STUDENTS, GUARDIANS, STAFF = 0.40, 0.55, 0.05
CATEGORIES = ("mother", "father", "mother", "guardian", "father", "emergency")
RESULTS = [Result.OPENED] * 8 + [Result.DELIVERED] * 9 + [Result.BOUNCED, Result.FAILED, Result.SOFT_BOUNCED]
Field = ListRule.Field


def measure(rows: int) -> list[Figure]:
    school = make_families(rows)
    return [median_of(words, definition) for words, definition in typical_lists(school).items()]


def typical_lists(school: School) -> dict[str, Definition]:
    rules: dict[str, tuple[Rule, ...]] = {
        "everybody": (),
        "grade is 5 or 6": (Rule(Field.GRADE, ("5", "6")),),
        "kind is guardian": (Rule(Field.KIND, ("guardian",)),),
        "language is not en": (Rule(Field.LANGUAGE, ("en",), is_not=True),),
        "has an address": (Rule(Field.ADDRESS, ("has",)),),
        "has no address": (Rule(Field.ADDRESS, ("none",)),),
        "has a mother or guardian": (Rule(Field.GUARDIAN, ("mother", "guardian")),),
        "last result is Bounced or Failed": (Rule(Field.LAST_RESULT, ("bounced", "failed")),),
        "last result is Opened": (Rule(Field.LAST_RESULT, ("opened",)),),
        "never written to": (Rule(Field.LAST_RESULT, ("never",)),),
        "school is this or the other": (Rule(Field.SCHOOL, (str(school.pk), str(school.pk + 1))),),
    }
    lists = {words: Definition(school.pk, is_by_rules=True, rules=one) for words, one in rules.items()}
    students = (Rule(Field.KIND, ("student",)),)
    everybody = Definition(school.pk, is_by_rules=True, rules=students, target="guardians")
    return lists | {
        "guardians of everybody": everybody,
        "guardians of grade 5": replace(everybody, rules=(Rule(Field.GRADE, ("5",)),)),
        "mothers of everybody": replace(everybody, categories=("mother",)),
        "students and their guardians": replace(everybody, target="both"),
    }


def median_of(words: str, definition: Definition) -> Figure:
    took, found = [], 0
    for _ in range(CALLS):
        start = time.perf_counter()
        found = count_people(people_of(definition), SAMPLE).all
        took.append(time.perf_counter() - start)
    return Figure(f"list: {words}", 0, statistics.median(took), f"{found:,} people")


def make_families(rows: int) -> School:
    """Of a hundred people forty are students, most with two guardians; each address was written to twice or more."""
    school, other = factory.make_school("Families"), factory.make_school("Others")
    people = [make_person(school, number, rows) for number in range(rows)]
    Person.objects.bulk_create(people, batch_size=BATCH)
    students, guardians = (
        people[: int(rows * STUDENTS)],
        people[int(rows * STUDENTS) : int(rows * (STUDENTS + GUARDIANS))],
    )
    besides = (
        PersonSchool(person=person, school=school if person.school == other else other) for person in people[::50]
    )
    PersonSchool.objects.bulk_create(besides, batch_size=BATCH)
    Guardianship.objects.bulk_create(guardianships(students, guardians), batch_size=BATCH)
    with_address = [person for number, person in enumerate(people) if number % 10]
    addresses = [make_address(person, number) for number, person in enumerate(with_address)]
    EmailAddress.objects.bulk_create(addresses, batch_size=BATCH)
    kind = factory.make_type()
    ContactType.objects.bulk_create(
        (ContactType(address=one, broadcast_type=kind) for one in addresses), batch_size=BATCH
    )
    make_deliveries(school, addresses, rows * 2)
    settle()
    return school


def make_person(school: School, number: int, rows: int) -> Person:
    kind = "student" if number < rows * STUDENTS else "guardian" if number < rows * (1 - STAFF) else "staff"
    return Person(
        school=school,
        name=f"Person {number * 7919 % rows:06}",
        kind=kind,
        grade=str(number % 13) if kind == "student" else "",
        language="es" if number % 5 == 0 else "en",
        is_active=number % 40 != 7,
    )


def guardianships(students: list[Person], guardians: list[Person]) -> list[Guardianship]:
    """The last six of every seven guardians have a child; one mark in 200."""
    made, turn = [], count()
    for number, student in enumerate(students):
        for which in range(2 if number % 5 else 1):
            guardian = guardians[(number * 5 // 4 + which) % len(guardians)]
            n = next(turn)
            made.append(
                Guardianship(
                    student=student, guardian=guardian, category=CATEGORIES[n % 6], do_not_contact=n % 200 == 0
                )
            )
    return made


def make_deliveries(school: School, addresses: list[EmailAddress], rows: int) -> None:
    broadcasts = [
        Broadcast.objects.create(
            school=school,
            name=f"Broadcast {n}",
            status="sent",
            broadcast_type=factory.make_type(),
            sender=factory.make_sender(),
        )
        for n in range(-(-rows // len(addresses)))
    ]
    Delivery.objects.bulk_create(
        (
            Delivery(
                broadcast=broadcasts[number // len(addresses)],
                person_id=address.person_id,
                address=address,
                name="",
                email=address.address,
                address_key=address.key,
                is_sendable=True,
                result=RESULTS[number * 31 % len(RESULTS)],
                last_attempt_at=timezone.now() - timedelta(days=1),
            )
            for number in range(rows)
            for address in [addresses[number % len(addresses)]]
        ),
        batch_size=BATCH,
    )
