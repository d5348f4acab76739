"""Who a broadcast reaches, and with which first result: one query, counted by the review and stored by preparing."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from django.db import connection
from django.db.models import (
    BigIntegerField,
    Case,
    CharField,
    Exists,
    Expression,
    F,
    Model,
    OuterRef,
    QuerySet,
    Subquery,
    Value,
    When,
    Window,
)
from django.db.models.functions import Coalesce, FirstValue, RowNumber

from broadcasts.blocking import is_blocked
from broadcasts.models import Broadcast, ContactType, Delivery, EmailAddress, Person
from broadcasts.people.lists.resolving import Standing, people_on
from broadcasts.results import LABELS, Result, by_label

Row = TypeVar("Row", bound=Model)
COLUMNS = ("person_id", "address_id", "name", "email", "address_key", "language", "result", "note", "shared_with")

# Order of checks: No Email Selected (the other parts of the query), invalid, Blocked, Duplicate, else Unsent.
_FIRST_RESULT = Case(
    When(is_valid=False, then=Value(Result.FAILED.value)),
    When(blocked=True, then=Value(Result.BLOCKED.value)),
    When(nth__gt=1, then=Value(Result.DUPLICATE.value)),
    default=Value(Result.UNSENT.value),
)
_NOTE = Case(
    When(is_valid=False, then=Value(Delivery.Note.BAD_ADDRESS.value)),
    When(blocked=True, then=Value(Delivery.Note.BLOCKED.value)),
    When(nth__gt=1, then=Value(Delivery.Note.SHARED.value)),
    default=Value(""),
    output_field=CharField(),
)


@dataclass(frozen=True)
class ReachRow:
    name: str
    email: str
    language: str
    note: str
    shared_with: str  # who gets the email at this address, for a Duplicate

    @property
    def reason(self) -> str:
        return str(Delivery.Note(self.note).label)


class Reach:
    """What preparing this broadcast now would write. Nothing is stored."""

    def __init__(self, broadcast: Broadcast) -> None:
        self.broadcast = broadcast

    @cached_property
    def sql(self) -> tuple[str, tuple[Any, ...]]:
        """`WITH ... reach (...) AS (...)`, to be followed by a SELECT from reach."""
        listed = people_on(self.broadcast.lists.all(), self.broadcast.school_id)
        parts = [part.query.sql_with_params() for part in (self._addressed(), self._unaddressed(), self._held_back())]
        union = " UNION ALL ".join(sql for sql, _ in parts)
        params = tuple(param for _, params in parts for param in params)
        return f"WITH {listed.sql}, reach ({', '.join(COLUMNS)}) AS ({union})", (*listed.params, *params)

    def counts(self) -> dict[str, int]:
        """All ten labels in the design's order."""
        return by_label(dict(self._select("SELECT result, COUNT(*) FROM reach GROUP BY result")))

    @cached_property
    def sendable(self) -> int:
        return self.counts()["Unsent"]

    @cached_property
    def total(self) -> int:
        return sum(self.counts().values())

    def names(self, label: str, offset: int = 0, limit: int = 50) -> list[ReachRow]:
        """Who is behind one of the counts, by name."""
        codes = LABELS[label]
        marks = ", ".join(["%s"] * len(codes))
        rows = self._select(
            f"SELECT name, email, language, note, shared_with FROM reach WHERE result IN ({marks})"  # noqa: S608
            " ORDER BY name, person_id, address_id LIMIT %s OFFSET %s",
            (*codes, limit, offset),
        )
        return [ReachRow(*row) for row in rows]

    def _select(self, statement: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        sql, own = self.sql
        with connection.cursor() as cursor:
            cursor.execute(f"{sql} {statement}", (*own, *params))
            return list(cursor.fetchall())

    def _addressed(self) -> QuerySet[Any, Any]:
        """The addresses that receive this type: a row each."""
        same_address: dict[str, Any] = {"partition_by": [F("key"), F("is_valid")], "order_by": ["person_id", "pk"]}
        return (
            _listed(EmailAddress.objects.order_by(), "broadcasts_emailaddress.person_id", Standing.ALLOWED)
            .filter(self._receives("pk"), person__is_active=True, is_active=True)
            .annotate(
                blocked=is_blocked("key", emergency=self.broadcast.is_emergency),
                nth=Window(RowNumber(), **same_address),
                first_name=Window(FirstValue("person__name"), **same_address),
            )
            .annotate(first_result=_FIRST_RESULT, note=_NOTE)
            .values_list(
                "person_id",
                "pk",
                "person__name",
                "address",
                "key",
                "person__language",
                "first_result",
                "note",
                "first_name",
            )
        )

    def _unaddressed(self) -> QuerySet[Any, Any]:
        """The people none of whose addresses receives this type: a row each, showing their first address."""
        in_use = EmailAddress.objects.filter(person=OuterRef("pk"), is_active=True)
        first = in_use.order_by("position", "pk").values("address")[:1]
        note = Case(
            When(email="", then=Value(Delivery.Note.NO_ADDRESS.value)),
            default=Value(Delivery.Note.NOT_SELECTED.value),
        )
        people = _listed(Person.objects.filter(is_active=True), "broadcasts_person.id", Standing.ALLOWED)
        return _no_email_selected(
            people.exclude(Exists(in_use.filter(self._receives("pk")))), Coalesce(Subquery(first), Value("")), note
        )

    def _held_back(self) -> QuerySet[Any, Any]:
        """Those to whom no way leads on which nobody said: do not contact. Their address stays out of the log."""
        people = _listed(Person.objects.filter(is_active=True), "broadcasts_person.id", Standing.HELD_BACK)
        return _no_email_selected(people, Value(""), Value(Delivery.Note.DO_NOT_CONTACT.value))

    def _receives(self, address: str) -> Exists:
        kind = self.broadcast.broadcast_type
        return Exists(ContactType.objects.coming_of(kind).filter(address=OuterRef(address)))


def _listed(rows: QuerySet[Row], person: str, standing: Standing) -> QuerySet[Row]:
    """Joined, one row to one: of an IN (SELECT ...) PostgreSQL expects 200 people and looks each of them up.

    Told "= 1", it expects one in 200; so whoever is allowed is whoever is not held back.
    """
    sign = "=" if standing == Standing.HELD_BACK else "<>"
    where = [f"listed.person_id = {person}", f"listed.standing {sign} {Standing.HELD_BACK:d}"]
    return rows.extra(tables=["listed"], where=where)  # noqa: S610


def _no_email_selected(people: QuerySet[Person], email: Expression, note: Expression) -> QuerySet[Any, Any]:
    return (
        people.order_by()
        .annotate(
            email=email,
            address_id=Value(None, output_field=BigIntegerField()),
            key=Value(""),
            first_result=Value(Result.NO_EMAIL_SELECTED.value),
            note=note,
            first_name=Value(""),
        )
        .values_list("pk", "address_id", "name", "email", "key", "language", "first_result", "note", "first_name")
    )
