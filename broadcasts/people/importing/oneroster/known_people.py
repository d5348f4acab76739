"""What Messenger knows of people whom a file of changes names without saying everything."""

from collections.abc import Iterable
from typing import NamedTuple

from broadcasts.models import Person, School
from broadcasts.people.directory import in_chunks


class KnownUser(NamedTuple):
    kind: str
    school: int
    name: str


def find_known(sis_ids: Iterable[str], own: School | None) -> dict[str, KnownUser]:
    people = Person.objects.all() if own is None else Person.objects.of_schools([own])
    found: dict[str, KnownUser] = {}
    for chunk in in_chunks(sis_ids):
        rows = people.filter(sis_id__in=chunk).exclude(sis_id="").order_by("pk")
        for sis_id, kind, school, name in rows.values_list("sis_id", "kind", "school_id", "name"):
            found[sis_id] = KnownUser(kind, school, name)
    return found
