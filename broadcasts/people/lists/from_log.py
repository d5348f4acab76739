"""A list of the people of some rows of the ledger, for example of everybody who did not get an email."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from broadcasts import audit
from broadcasts.gathering import Gathered
from broadcasts.models import List, Person, School, User
from broadcasts.people.lists.definitions import Definition
from broadcasts.people.lists.membership import add_people
from broadcasts.people.lists.saving import save_list

NAMES_SHOWN = 20
DEED = "email_log.listed"


class NameTaken(Exception):
    """The school has another list of this name."""


@dataclass(frozen=True)
class LeftOut:
    """Contacts who cannot be on the list, and the names of some."""

    number: int
    names: list[str]

    @property
    def more(self) -> int:
        return self.number - len(self.names)


def people_of(contacts: Gathered, by: User, school: School) -> QuerySet[Person]:
    """Each once: whoever is still in the directory of this school, and this user's to write to."""
    at_home = Person.objects.of_schools([school]).order_by().values("pk")
    named = contacts.all("person")
    return Person.objects.visible_to(by).filter(is_active=True, pk__in=named).filter(pk__in=at_home)


def gone_from(contacts: Gathered) -> LeftOut:
    """They were taken out of the directory, or are no longer active there: only the log knows them."""
    return _left_out(contacts, Person.objects.filter(is_active=True), "person IS NULL OR person NOT IN")


def strangers_of(contacts: Gathered, school: School) -> LeftOut:
    """They belong to another school only, which let this one write to a list of its own.

    Also when an administrator asks: whoever works at this school would see them on its list.
    """
    at_home = Person.objects.of_schools([school]).order_by().values("pk")
    strangers = Person.objects.filter(is_active=True).exclude(pk__in=at_home)
    return _left_out(contacts, strangers, "person IN")


def _left_out(contacts: Gathered, people: QuerySet[Person], condition: str) -> LeftOut:
    sql, params = people.order_by().values_list("pk").query.sql_with_params()
    found = f"SELECT DISTINCT name, email FROM {contacts.table} WHERE {condition} ({sql})"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH found (name, email) AS ({found}) SELECT name, email, (SELECT COUNT(*) FROM found) "  # noqa: S608
            "FROM found ORDER BY name, email LIMIT %s",
            [*params, NAMES_SHOWN],
        )
        rows = cursor.fetchall()
    names = [f"{name} <{email}>" if email else name for name, email, _count in rows]
    return LeftOut(rows[0][2] if rows else 0, names)


@dataclass(frozen=True)
class Asked:
    """What one press of the button asked for."""

    school: School
    name: str
    press: str  # the same for the same press: what came with the page
    details: Mapping[str, Any]  # how the rows were chosen, for the audit trail


@transaction.atomic
def make_list_of(contacts: Gathered, asked: Asked, by: User) -> tuple[List, bool]:
    """The list, and whether this press made it: its repetition finds what the first one made. May raise NameTaken."""
    School.objects.select_for_update().get(pk=asked.school.pk)
    known = List.objects.filter(school=asked.school, name__iexact=asked.name).first()
    if known:
        pressed = audit.history(known).filter(action=DEED, actor=by, details__press=asked.press)
        if asked.press and pressed.exists():
            return known, False
        raise NameTaken
    made = List(school=asked.school)
    save_list(made, asked.name, Definition(asked.school.pk), by)
    number = add_people(made, people_of(contacts, by, asked.school), by, _("from the Email Log"))
    audit.record(by, DEED, made, school=made.school, people=number, press=asked.press, **asked.details)
    return made, True
