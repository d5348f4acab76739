"""How many rows there are of each result: exact where that is cheap, else what the database's planner expects."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from django.db import connection
from django.db.models import Count, QuerySet
from django.utils.translation import gettext as _
from django.contrib.humanize.templatetags.humanize import intcomma

from broadcasts.models import Delivery
from broadcasts.results import LABELS, Result, by_label, count_by_label
from reports.email_log.streams import compiled
from reports.email_log.wanted import Wanted

# Up to here all are counted together; past it, each result up to the second number.
CHEAP, CHEAP_EACH = 50_000, 10_000


@dataclass(frozen=True)
class Number:
    rows: int
    is_exact: bool = True

    def __add__(self, other: "Number") -> "Number":
        return Number(self.rows + other.rows, self.is_exact and other.is_exact)

    def __str__(self) -> str:
        if self.is_exact:
            return str(intcomma(self.rows))
        return _("about %(number)s") % {"number": intcomma(rounded(self.rows))}


NONE = Number(0)


def rounded(number: int) -> int:
    """To two digits: more would say more than is known."""
    step = 10 ** max(len(str(number)) - 2, 0)
    return round(number / step) * step


def count_results(wanted: Wanted) -> dict[str, Number]:
    """All ten labels, in the design's order, of the rows wanted."""
    if connection.vendor != "postgresql":
        counts = count_by_label(Delivery.objects.filter(wanted.condition()))
        return {label: Number(count) for label, count in counts.items()}
    settled = Delivery.objects.filter(wanted.settled()).order_by()
    others = by_label(_grouped(Delivery.objects.filter(wanted.unsettled()), "result"))
    exact = _count_all(wanted, settled) if _expected(settled) <= CHEAP else None
    found = exact or _count_each(wanted)
    return {label: found[label] + Number(others[label]) for label in LABELS}


def _count_all(wanted: Wanted, settled: "QuerySet[Delivery]") -> dict[str, Number] | None:
    sql, params = compiled(settled.values_list("settled_result")[: CHEAP + 1])
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT code, count(*) FROM ({sql}) AS found (code) GROUP BY code", params)  # noqa: S608
        counts = dict(cursor.fetchall())
    if sum(counts.values()) > CHEAP:
        return None
    return {label: Number(count) for label, count in by_label(counts).items()}


def _count_each(wanted: Wanted) -> dict[str, Number]:
    arms = [
        Delivery.objects.filter(replace(wanted, results=[code]).settled()).order_by().values_list("pk")
        for code in Result
    ]
    expected = dict(zip(Result, _expected_each(arms), strict=True))
    # Words are looked up row by row, so that even the first 10,000 would take long.
    counted = {} if wanted.words or wanted.late else dict(zip(Result, _capped(arms), strict=True))
    found = {code: _number(counted.get(code), expected[code]) for code in Result}
    return {label: sum((found[code] for code in codes), NONE) for label, codes in LABELS.items()}


def _number(counted: int | None, expected: int) -> Number:
    if counted is not None and counted <= CHEAP_EACH:
        return Number(counted)
    return Number(max(expected, counted or 0), is_exact=False)


def _capped(arms: Sequence["QuerySet[Delivery, tuple[int]]"]) -> list[int]:
    parts, params = [], []
    for number, arm in enumerate(arms):
        sql, own = compiled(arm[: CHEAP_EACH + 1])
        parts.append(f"SELECT {number}, (SELECT count(*) FROM ({sql}) AS found)")  # noqa: S608
        params += own
    with connection.cursor() as cursor:
        cursor.execute(f"{' UNION ALL '.join(parts)} ORDER BY 1", params)
        return [count for _, count in cursor.fetchall()]


def _grouped(rows: "QuerySet[Delivery]", column: str) -> Mapping[int, int]:
    return dict(rows.order_by().values_list(column).annotate(Count("pk")))


def _expected(rows: "QuerySet[Delivery]") -> int:
    return _expected_each([rows.values_list("pk")])[0]


def _expected_each(arms: Sequence["QuerySet[Delivery, tuple[int]]"]) -> list[int]:
    """The planner's own estimates, each at least 0."""
    found = []
    with connection.cursor() as cursor:
        for arm in arms:
            sql, params = compiled(arm)
            cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", params)
            (plan,) = cursor.fetchone()
            plan = json.loads(plan) if isinstance(plan, str) else plan
            found.append(int(plan[0]["Plan"]["Plan Rows"]))
    return found


def rows_in_all() -> int:
    """Of the whole ledger, as the planner last heard."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE oid = 'broadcasts_delivery'::regclass")
        (found,) = cursor.fetchone()
        return max(int(found), 0)
