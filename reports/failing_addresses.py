"""Where an email came back and none arrived since: whose last trials are worth a look.

Failures are few, and settled ones stand in indexes; what came after each is asked for newest first, which ends at the
first that arrived. The planner alone would read all deliveries twice: it takes every failure for many.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL

from broadcasts.models import Delivery
from broadcasts.results import Result
from reports.email_log.streams import compiled, planned

ARRIVED = (Result.SENT, Result.DELIVERED, Result.OPENED)
# Between two attempts: that row says nothing about the address.
STOPPED_BY_US = (
    Delivery.Note.CANCELLED, Delivery.Note.STOPPED, Delivery.Note.BLOCKED, Delivery.Note.DO_NOT_CONTACT
)  # fmt: skip

# A scalar subquery is asked for each address, as an EXISTS would not be: the planner would join it, with all rows.
# The index of people has the order; addresses have none. Who shares an address stands in the same broadcast.
FAILING = """
WITH returned (id, address, person) AS MATERIALIZED ({returned}),
newest (address, person, id) AS (SELECT address, person, MAX(id) FROM returned GROUP BY address, person),
failing (address) AS MATERIALIZED (
    SELECT newest.address FROM newest WHERE COALESCE((
        SELECT 1 FROM broadcasts_delivery AS later
        WHERE later.person_id = newest.person AND later.id > newest.id AND later.address_id = newest.address
            AND later.result IN ({arrived}) AND later.late_bounce_at IS NULL
        ORDER BY later.id DESC LIMIT 1
    ), 0) = 0
)
SELECT address FROM failing
UNION
SELECT shared.address_id FROM failing
    JOIN returned ON returned.address = failing.address
    JOIN broadcasts_delivery AS shared ON shared.duplicate_of_id = returned.id
WHERE shared.result = {duplicate} AND shared.address_id IS NOT NULL
"""


def failing_addresses(deliveries: "QuerySet[Delivery]") -> RawSQL:
    """Their numbers, for `__in`: also of who shares one. Read them under `along_indexes`."""
    parts = [compiled(_fields(deliveries.filter(part))) for part in _came_back()]
    returned, params = " UNION ALL ".join(sql for sql, _ in parts), [value for _, values in parts for value in values]
    arrived = ", ".join(str(int(result)) for result in ARRIVED)
    return RawSQL(FAILING.format(returned=returned, arrived=arrived, duplicate=int(Result.DUPLICATE)), params)  # noqa: S611


def _fields(rows: "QuerySet[Delivery]") -> "QuerySet[Delivery, Any]":
    return rows.filter(address__isnull=False).order_by().values_list("pk", "address", "person")


def _came_back() -> tuple[Q, ...]:
    """Which emails did not reach the address, also those that counted as arrived first; each part has its index."""
    is_ours = Q(result=Result.BOUNCED, note__in=STOPPED_BY_US)
    failed = (Result.BOUNCED, Result.FAILED)
    return (
        Q(is_settled=True, settled_result__in=failed) & ~is_ours,
        Q(is_settled=False, result__in=failed) & ~is_ours,
        Q(late_bounce_at__isnull=False),
    )


@contextmanager
def along_indexes() -> Iterator[None]:
    """What is asked of each address comes in the order of an index, and none of it is worth compiling."""
    if connection.vendor != "postgresql":
        yield
        return
    with planned("enable_sort"):
        yield
