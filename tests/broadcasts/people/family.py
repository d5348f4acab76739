"""Pages of the directory as the tests open them, and a family to open them for."""

from typing import Any

from django.test import Client
from django.urls import reverse

from broadcasts.models import Guardianship, Person, School
from tests import factory


def page(name: str, *args: int) -> str:
    return reverse(f"broadcasts:{name}", args=args)


def text_of(response: Any) -> str:
    return " ".join(response.content.decode().split())


def table_of(response: Any) -> str:
    return text_of(response).partition("<tbody>")[2]


def shown_boxes(client: Client, person: Person) -> str:
    """What the page with the matrix says that it shows."""
    return str(client.get(page("person-detail", person.pk)).context["matrix"].shown)


def make_student(school: School, name: str = "Sam") -> Person:
    address = f"{name.lower()}@home.example"
    return factory.make_person(school, name, [address], kind=Person.Kind.STUDENT, grade="5")


def make_guardian(student: Person, name: str = "Gina", **fields: object) -> Guardianship:
    guardian = factory.make_person(student.school, name, [f"{name.lower()}@home.example"])
    return Guardianship.objects.create(student=student, guardian=guardian, **fields)
