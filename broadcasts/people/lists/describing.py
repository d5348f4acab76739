"""What a list says, in words for its page, and what was done to it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from broadcasts import audit
from broadcasts.deeds import words_for
from broadcasts.models import List, School, User
from broadcasts.people.lists.circles import name_for
from broadcasts.people.lists.definitions import Definition
from broadcasts.people.lists.saving import explain_categories
from broadcasts.people.lists.words import explain_rule

SHOWN = 20


@dataclass(frozen=True)
class PartInWords:
    name: str
    number: int | None  # None: the reader may not open it
    is_lost: bool = False  # its school does not publish it any more, so its people are not on this list


@dataclass(frozen=True)
class Description:
    rules: Sequence[str]
    categories: str  # empty: guardians of every category
    included: Sequence[PartInWords]
    excluded: Sequence[PartInWords]


def describe(found: List, definition: Definition, reader: User) -> Description:
    names = {str(pk): name for pk, name in reader.schools.values_list("pk", "name")}
    parts = List.objects.select_related("school").in_bulk(definition.parts)
    readable = set(List.objects.readable_by(reader).filter(pk__in=parts).values_list("pk", flat=True))
    return Description(
        [explain_rule(rule, names) for rule in definition.rules],
        explain_categories(definition.categories) if definition.categories else "",
        list(_in_words(found.school, [parts[number] for number in definition.included if number in parts], readable)),
        list(_in_words(found.school, [parts[number] for number in definition.excluded if number in parts], readable)),
    )


def _in_words(school: School, parts: Sequence[List], readable: set[int]) -> Iterator[PartInWords]:
    for part in sorted(parts, key=lambda one: one.name):
        is_usable = part.is_published or part.school_id == school.pk
        may_open = part.pk in readable
        yield PartInWords(
            part.name if may_open else name_for(part, school), part.pk if may_open else None, not is_usable
        )


@dataclass(frozen=True)
class Entry:
    """A line of `partials/history.html`."""

    at: datetime
    who: str
    what: str
    more: Sequence[str] = ()


def history_of(found: List) -> list[Entry]:
    deeds = audit.history(found)[:SHOWN]
    return [
        Entry(deed.at, deed.actor_name, words_for(deed.action), deed.details.get("changes", ())) for deed in deeds
    ]


def made_of(found: List) -> QuerySet[List]:
    """The lists that would change without it."""
    return List.objects.filter(list_parts__part=found).select_related("school")
