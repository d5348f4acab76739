"""An import by its pages, step by step; the worker's part is done at once."""

from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from broadcasts import actors
from broadcasts.models import Import, Person

NEW = reverse("broadcasts:import-new")
LIST = reverse("broadcasts:import-list")
PEOPLE = (
    "Student ID,Full name,Email,Role,Grade,Shoe size\n"
    "s1,Ann Lee,ann@x.example,student,5,38\n"
    "s2,Ben Ode,ben@x.example,student,4,39\n"
    "g1,Cleo Lee,cleo@x.example; home@x.example,guardian,,40\n"
    "t1,Dora Kim,dora@x.example,wizard,,41\n"
)
COLUMNS = ("sis_id", "name", "email", "kind", "grade", "")
Headings = dict[str, str]


def upload(client: Client, content: str | bytes = PEOPLE, name: str = "people.csv", **fields: Any) -> Any:
    data = content if isinstance(content, bytes) else content.encode()
    return client.post(NEW, {"file": SimpleUploadedFile(name, data), "holds": "everybody", **fields})


def latest() -> Import:
    return Import.objects.latest("pk")


def page(name: str, *more: str) -> str:
    return reverse(f"broadcasts:import-{name}", args=[latest().pk, *more])


def match(client: Client, *meanings: str) -> Any:
    """Say what the columns are, and let the worker read the file."""
    answers = {f"column_{place}": meaning for place, meaning in enumerate(meanings or COLUMNS)}
    response = client.post(page("columns"), answers)
    if response.status_code == 302:
        actors.stage.fn(latest().pk)
    return response


def confirm(client: Client, **answers: str) -> Any:
    response = client.post(page("confirm"), answers)
    if response.status_code == 302:
        actors.merge.fn(latest().pk)
    return response


def undo(client: Client) -> None:
    client.post(page("undo"))
    actors.undo.fn(latest().pk)


def bring(client: Client, content: str = PEOPLE, **fields: Any) -> None:
    """The whole way of a file."""
    upload(client, content, **fields)
    match(client)
    confirm(client)
    assert latest().status == "done"


def text_of(response: Any) -> str:
    content = b"".join(response) if response.streaming else response.content
    return " ".join(content.decode().split())


def names() -> set[str]:
    return set(Person.objects.filter(is_active=True).values_list("name", flat=True))
