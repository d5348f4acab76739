"""Who is on a static list: people join and leave it, on record."""

from collections.abc import Collection, Iterable

from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from broadcasts import audit
from broadcasts.models import List, ListMember, Person, User
from broadcasts.people.directory import in_chunks
from broadcasts.people.lists.words import people_in_words

NAMES_ON_RECORD = 20


@transaction.atomic
def add_people(found: List, people: QuerySet[Person], by: User, how: str) -> int:
    """All of these join, in one statement; how many were not on it yet. `how`: for the history, like “by name”."""
    _lock(found)
    try:
        sql, params = people.order_by().values_list("pk").query.sql_with_params()
    except EmptyResultSet:
        return 0
    newest = ListMember.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH chosen (person_id) AS ({sql}) INSERT INTO broadcasts_listmember (list_id, person_id) "  # noqa: S608
            "SELECT %s, person_id FROM chosen WHERE true ORDER BY person_id ON CONFLICT DO NOTHING",
            (*params, found.pk),
        )
    added = found.members.filter(pk__gt=newest)
    number = added.count()
    if number:
        names = list(added.order_by("pk").values_list("person__name", flat=True)[:NAMES_ON_RECORD])
        what = _("Added %(how)s: %(people)s") % {"how": how, "people": people_in_words(number)}
        audit.record(by, "list.changed", found, school=found.school, changes=[what, _named(names, number)])
    return number


@transaction.atomic
def remove_people(found: List, people: Collection[int], by: User) -> int:
    """They stay in the directory; how many were on it."""
    _lock(found)
    names: list[str] = []
    number = 0
    for chunk in in_chunks(people):
        leaving = found.members.filter(person__in=chunk)
        names += leaving.order_by("pk").values_list("person__name", flat=True)[:NAMES_ON_RECORD]
        number += leaving.delete()[0]
    if number:
        what = _("Removed: %(people)s") % {"people": people_in_words(number)}
        audit.record(by, "list.changed", found, school=found.school, changes=[what, _named(names, number)])
    return number


def people_by_number(people: QuerySet[Person], numbers: Iterable[str]) -> QuerySet[Person]:
    """Those of `people` whose numbers a page sent back."""
    return people.filter(pk__in=[int(number) for number in numbers if number.isdecimal() and len(number) < 19])


def _lock(found: List) -> None:
    """One change of a list at a time, so that each is on record with its own people."""
    List.objects.select_for_update().filter(pk=found.pk).first()


def _named(names: list[str], number: int) -> str:
    shown = names[:NAMES_ON_RECORD]
    more = number - len(shown)
    words = ", ".join(shown)
    return (
        words if not more else words + " " + ngettext("and %(n)s more", "and %(n)s more", more) % {"n": f"{more:,}"}
    )
