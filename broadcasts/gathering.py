"""What the rows of a deed come to, read once: a table of this connection alone, to be asked as often as needed.

So a deed does exactly what it has said, also when rows come to the ledger meanwhile.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from broadcasts.models import Delivery


@dataclass(frozen=True)
class Gathered:
    table: str

    def all(self, column: str) -> RawSQL:
        """For `__in`."""
        return RawSQL(f"SELECT {column} FROM {self.table}", ())  # noqa: S608, S611 - names of our own


@contextmanager
def gathered_addresses(rows: "QuerySet[Delivery]") -> Iterator[Gathered]:
    """`key` and `email` of each address once; what stands where an address was removed is none."""
    written_to = rows.order_by().filter(removed__lt=Delivery.Removed.ADDRESSES).exclude(address_key="")
    with _gather("gathered_addresses", written_to, {"key": "address_key", "email": "MIN(email)"}, by="1") as found:
        yield found


@contextmanager
def gathered_contacts(rows: "QuerySet[Delivery]") -> Iterator[Gathered]:
    """Each `person` with the `name` and `email` that the rows have, once."""
    columns = {"person": "person_id", "name": "name", "email": "email"}
    with _gather("gathered_contacts", rows.order_by(), columns, by="1, 2, 3") as found:
        yield found


@contextmanager
def _gather(table: str, rows: "QuerySet[Delivery]", columns: dict[str, str], by: str) -> Iterator[Gathered]:
    read = rows.values_list("person_id", "name", "email", "address_key")
    # Where nothing can match, it is SQL all the same.
    sql, params = read.query.get_compiler(connection.alias, elide_empty=False).as_sql()
    wanted = ", ".join(f"{expression} AS {name}" for name, expression in columns.items())
    # PostgreSQL may be behind something that lends a connection for a transaction. SQLite must not lock out writers
    # for as long as somebody only reads: what is made here is in a file of its own.
    with transaction.atomic() if connection.vendor == "postgresql" else nullcontext():
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE IF EXISTS {table}")  # of a deed that failed
            cursor.execute(
                f"CREATE TEMPORARY TABLE {table} AS WITH chosen (person_id, name, email, address_key) AS ({sql}) "  # noqa: S608
                f"SELECT {wanted} FROM chosen GROUP BY {by}",
                params,
            )
        yield Gathered(table)
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE {table}")
