"""The orders of the Email Log. Each ends with the row's number, so that equal rows keep their places."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Case, CharField, F, Func, PositiveSmallIntegerField, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce, Lower, NullIf

from broadcasts.models import Delivery
from broadcasts.results import Result

# Both kinds of Blocked stand together; a row's own result stays what it is.
RESULT_ORDER = Case(
    When(result=Result.BLOCKED, then=int(Result.BLOCKED_BY_PROVIDER)),
    default=F("result"),
    output_field=PositiveSmallIntegerField(),
)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Expression = F | Func | Case

# Column → what it is sorted by; where many rows are equal, by broadcast, as they were written.
KEYS: Mapping[str, Sequence[Expression]] = {
    "": [F("broadcast_id")],
    "name": [Lower("name")],
    "email": [NullIf(Lower("email"), Value("", output_field=CharField()))],
    "broadcast": [Lower("broadcast__name"), F("broadcast_id")],
    "type": [F("broadcast__broadcast_type__name"), F("broadcast_id")],
    "school": [F("broadcast__school__name"), F("broadcast_id")],
    "attempts": [F("attempts"), F("broadcast_id")],
    "last_attempt": [F("last_attempt_at")],
    "result": [RESULT_ORDER, F("broadcast_id")],
}
# Rows without a value come last both ways: databases do not agree where they go.
MAY_BE_EMPTY = {"email": Value("", output_field=CharField()), "last_attempt": Value(EPOCH)}
# What may have changed since the page was shown is in the address of the next one.
CHANGES = {"attempts": "attempts", "last_attempt": "last_attempt_at", "result": "result"}


@dataclass(frozen=True)
class Sort:
    column: str = ""
    is_descending: bool = False

    @classmethod
    def read(cls, text: str) -> "Sort":
        """`name` or `-name`, as in the page's address; of anything else nothing is taken."""
        name = text.split(",", maxsplit=1)[0]
        column = name.removeprefix("-")
        return cls(column, name.startswith("-")) if column in KEYS and column else cls()

    def __str__(self) -> str:
        return f"-{self.column}" if self.is_descending else self.column

    @property
    def keys(self) -> list[tuple[Expression, bool]]:
        """Expressions, each with whether it falls; the last one is unique."""
        if not self.column:
            return [(F("broadcast_id"), True), (F("pk"), False)]
        keys: list[tuple[Expression, bool]] = [(key, self.is_descending) for key in KEYS[self.column]]
        if self.column in MAY_BE_EMPTY:
            (key, falls), is_empty = keys[0], Value(1)
            empty = Case(
                When(_is_empty(self.column), then=is_empty), default=0, output_field=PositiveSmallIntegerField()
            )
            keys = [(empty, False), (Coalesce(key, MAY_BE_EMPTY[self.column]), falls)]
        return [*keys, (F("pk"), self.is_descending)]

    def apply(self, rows: "QuerySet[Delivery]", *, backwards: bool = False) -> "QuerySet[Delivery]":
        keys = [key.desc() if falls ^ backwards else key.asc() for key, falls in self.keys]
        return rows.order_by(*keys)


def _is_empty(column: str) -> Q:
    return Q(email="") if column == "email" else Q(last_attempt_at__isnull=True)


@dataclass(frozen=True)
class Place:
    """A row from which on, or up to which, another page is read."""

    pk: int
    value: int | None = None  # of the sorted column when the row was shown, where it changes

    @classmethod
    def of(cls, row: Delivery, sort: Sort) -> "Place":
        value = getattr(row, CHANGES[sort.column]) if sort.column in CHANGES else None
        if isinstance(value, datetime):
            value = (value - EPOCH) // timedelta(microseconds=1)
        return cls(row.pk, value)

    @classmethod
    def read(cls, text: str) -> "Place | None":
        pk, _, value = text.partition("~")
        if not _is_number(pk) or (value and not (_is_number(value) and len(value) <= 16)):
            return None
        return cls(int(pk), int(value) if value else None)

    def __str__(self) -> str:
        return f"{self.pk}" if self.value is None else f"{self.pk}~{self.value}"

    def take_value(self, row: Delivery, sort: Sort) -> None:
        """Let the row be as it was when it was shown."""
        if sort.column not in CHANGES:
            return
        value: Any = self.value
        if sort.column == "last_attempt" and value is not None:
            value = EPOCH + timedelta(microseconds=value)
        if value is not None or sort.column == "last_attempt":
            setattr(row, CHANGES[sort.column], value)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 18


def beyond(rows: "QuerySet[Delivery]", sort: Sort, row: Delivery, *, backwards: bool) -> "QuerySet[Delivery]":
    """Those after this row (or before it), compared by the database, whose order of letters is its own."""
    names = [f"key_{number}" for number in range(len(sort.keys))]
    rows = rows.alias(**dict(zip(names, (key for key, _ in sort.keys), strict=True)))
    values = _values(row, sort)
    found, equal = Q(), Q()
    for name, value, (_, falls) in zip(names, values, sort.keys, strict=True):
        lookup = "lt" if falls ^ backwards else "gt"
        found |= equal & Q(**{f"{name}__{lookup}": value})
        equal &= Q(**{name: value})
    return rows.filter(found)


def _values(row: Delivery, sort: Sort) -> list[Any]:
    broadcast = row.broadcast
    kind = broadcast.broadcast_type
    code = Result.BLOCKED_BY_PROVIDER if row.result == Result.BLOCKED else row.result
    tried = row.last_attempt_at
    values: dict[str, list[Any]] = {
        "": [row.broadcast_id],
        "name": [Lower(Value(row.name))],
        "email": [int(not row.email), Lower(Value(row.email))],
        "broadcast": [Lower(Value(broadcast.name)), row.broadcast_id],
        "type": [kind.name if kind else "", row.broadcast_id],
        "school": [broadcast.school.name, row.broadcast_id],
        "attempts": [row.attempts, row.broadcast_id],
        "last_attempt": [int(tried is None), tried or EPOCH],
        "result": [int(code), row.broadcast_id],
    }
    return [*values[sort.column], row.pk]
