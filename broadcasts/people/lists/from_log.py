"""A list of the people of some rows of the ledger, for example of everybody who did not get an email."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from broadcasts import audit
from broadcasts.models import Delivery, List, Person, School, User
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


def people_of_rows(rows: QuerySet[Delivery], by: User, school: School) -> QuerySet[Person]:
    """Each once: whoever is still in the directory of this school, and this user's to write to."""
    named = rows.order_by().filter(person__isnull=False).values("person")
    at_home = Person.objects.of_schools([school]).order_by().values("pk")
    return Person.objects.visible_to(by).filter(is_active=True, pk__in=named).filter(pk__in=at_home)


def gone_from(rows: QuerySet[Delivery]) -> LeftOut:
    """They were taken out of the directory, or are no longer active there: only the log knows them."""
    return _left_out(rows.order_by().filter(Q(person__isnull=True) | Q(person__is_active=False)))


def strangers_of(rows: QuerySet[Delivery], school: School) -> LeftOut:
    """They belong to another school only, which let this one write to a list of its own.

    Also when an administrator asks: whoever works at this school would see them on its list.
    """
    known = Person.objects.of_schools([school]).order_by().filter(pk=OuterRef("person"))
    return _left_out(rows.order_by().filter(~Exists(known), person__is_active=True))


def _left_out(rows: QuerySet[Delivery]) -> LeftOut:
    contacts = rows.values_list("name", "email").distinct()
    names = [
        f"{name} <{email}>" if email else name for name, email in contacts.order_by("name", "email")[:NAMES_SHOWN]
    ]
    return LeftOut(contacts.count(), names)


@dataclass(frozen=True)
class Asked:
    """What one press of the button asked for."""

    school: School
    name: str
    press: str  # the same for the same press: what came with the page
    details: Mapping[str, Any]  # how the rows were chosen, for the audit trail


@transaction.atomic
def make_list_of_rows(rows: QuerySet[Delivery], asked: Asked, by: User) -> tuple[List, bool]:
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
    number = add_people(made, people_of_rows(rows, by, asked.school), by, _("from the Email Log"))
    audit.record(by, DEED, made, school=made.school, people=number, press=asked.press, **asked.details)
    return made, True
