"""A condition for a thousand keys at once that costs no thousand parameters."""

from collections.abc import Collection
from typing import Any

from django.db import connection
from django.db.models import BooleanField, F, Func, Q


def array_of(keys: Collection[int]) -> str:
    """As PostgreSQL writes it: the driver would look at each key by itself."""
    return "{" + ",".join(map(str, keys)) + "}"


class AnyOf(Func):
    """`key = ANY(array)`: one parameter, where `IN` has one for each key. PostgreSQL only."""

    output_field = BooleanField()

    def __init__(self, field: str, keys: Collection[int]) -> None:
        super().__init__(F(field))
        self.keys = list(keys)

    def as_sql(self, compiler: Any, connection: Any, **_context: Any) -> Any:  # type: ignore[override]  # noqa: ARG002
        key, parameters = compiler.compile(self.source_expressions[0])
        return f"{key} = ANY(%s::bigint[])", (*parameters, array_of(self.keys))


def among(field: str, keys: Collection[int]) -> Q:
    return Q(AnyOf(field, keys)) if connection.vendor == "postgresql" else Q(**{f"{field}__in": keys})
