"""What a list's rules mean: each as a condition on people, answered by the database."""

from collections.abc import Callable, Collection, Mapping
from enum import StrEnum
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.expressions import RawSQL
from django.utils.text import slugify

from broadcasts.models import Delivery, EmailAddress, Guardianship, ListRule, Person, PersonSchool
from broadcasts.people.lists.definitions import Definition
from broadcasts.results import LABELS, Result

Field = ListRule.Field
LONGEST_NUMBER = 19  # digits that a key may have
NEVER = "never"  # nothing was ever written to any of their addresses
CODES: Mapping[str, tuple[Result, ...]] = {slugify(label): codes for label, codes in LABELS.items()}
# Such a row is nobody's last result: the email is in the row that carries it, and No Email Selected has no address.
LAST_RESULTS = (*(slug for slug in CODES if slug not in ("duplicate", "no-email-selected")), NEVER)


class Has(StrEnum):
    """Everybody is one of the three."""

    ADDRESS = "has"
    NONE = "none"
    INVALID = "invalid"  # there is an address, but none that mail could go to


def who_fits(definition: Definition) -> QuerySet[Person]:
    """The active people for whom all rules hold; without any, everybody of the list's school."""
    people = Person.objects.filter(is_active=True).order_by()
    if not any(rule.field == Field.SCHOOL and not rule.is_not for rule in definition.rules):
        people = people.filter(_at_school((str(definition.school_id),)))
    for rule in definition.rules:
        fits = CONDITIONS[rule.field](rule.values)
        people = people.filter(~fits if rule.is_not else fits)
    return people


def _at_school(values: tuple[str, ...]) -> Q:
    """At home there or besides."""
    schools = [int(value) for value in values if value.isdecimal() and len(value) < LONGEST_NUMBER]
    besides = PersonSchool.objects.filter(school__in=schools)
    return Q(school__in=schools) | Q(pk__in=besides.values("person"))


def _in_grade(values: tuple[str, ...]) -> Q:
    return Q(grade__in=values)


def _of_kind(values: tuple[str, ...]) -> Q:
    return Q(kind__in=values)


def _speaks(values: tuple[str, ...]) -> Q:
    return Q(language__in=values)


def _has_guardian(values: tuple[str, ...]) -> Q:
    return Q(
        Exists(Guardianship.objects.filter(student=OuterRef("pk"), category__in=values, guardian__is_active=True))
    )


def _has_address(values: tuple[str, ...]) -> Q:
    """Two of the three are everybody but the third: said so, the database needs no OR."""
    in_use = EmailAddress.objects.filter(person=OuterRef("pk"), is_active=True)
    any_address, valid = Q(Exists(in_use)), Q(Exists(in_use.filter(is_valid=True)))
    conditions = {Has.ADDRESS: valid, Has.NONE: ~any_address, Has.INVALID: any_address & ~valid}
    chosen = [condition for value, condition in conditions.items() if value in values]
    others = [condition for value, condition in conditions.items() if value not in values]
    if len(chosen) == 1:
        return chosen[0]
    return ~others[0] if len(others) == 1 else Q(pk__isnull=not chosen)


def _last_heard(values: tuple[str, ...]) -> Q:
    codes = {code for value in values for code in CODES.get(value, ())}
    if NEVER not in values:
        return Q(pk__in=_people_with_last(codes))
    return ~Q(pk__in=_people_with_last(set(Result) - codes))


def _people_with_last(codes: Collection[Result]) -> QuerySet[Delivery, Any] | RawSQL:
    """Whose latest row at an address in use ended so; a Duplicate's email is in the row that carries it."""
    retired = EmailAddress.objects.filter(pk=OuterRef("address"), is_active=False)
    rows = Delivery.objects.order_by().filter(~Exists(retired), address__isnull=False)
    if len(codes) == len(Result):
        return rows.values("person")  # ended in whatever way
    latest, params = _latest(rows).values_list("person_id", "result", "duplicate_of_id").query.sql_with_params()
    ended = ", ".join(f"{code:d}" for code in {*codes, -1} - {Result.DUPLICATE})
    return RawSQL(  # noqa: S611
        f"WITH latest (person_id, result, carrier_id) AS ({latest}) "  # noqa: S608 - compiled by Django
        f"SELECT person_id FROM latest WHERE result IN ({ended}) "
        # Asked for the result, PostgreSQL expects few Duplicates and looks their carriers up one by one.
        "UNION ALL SELECT latest.person_id FROM latest JOIN broadcasts_delivery carrier ON carrier.id = carrier_id "
        f"WHERE latest.result = {Result.DUPLICATE:d} AND carrier.result IN ({ended})",
        params,
    )


def _latest(rows: QuerySet[Delivery]) -> QuerySet[Delivery]:
    """One row for each person. PostgreSQL walks along the index of people; SQLite knows no DISTINCT ON."""
    if connection.features.can_distinct_on_fields:
        return rows.order_by("person_id", "-pk").distinct("person_id")
    later = rows.filter(person=OuterRef("person"), pk__gt=OuterRef("pk"))
    return rows.filter(~Exists(later))


CONDITIONS: Mapping[str, Callable[[tuple[str, ...]], Q]] = {
    Field.SCHOOL: _at_school,
    Field.GRADE: _in_grade,
    Field.KIND: _of_kind,
    Field.LANGUAGE: _speaks,
    Field.ADDRESS: _has_address,
    Field.GUARDIAN: _has_guardian,
    Field.LAST_RESULT: _last_heard,
}
