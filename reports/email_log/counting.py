"""How many rows there are of each result: exact where that is cheap, else what the database's planner expects."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.contrib.humanize.templatetags.humanize import intcomma
from django.db import connection
from django.db.models import Count, QuerySet
from django.utils.translation import gettext as _

from broadcasts.counting import count_all
from broadcasts.models import Broadcast, Delivery
from broadcasts.results import LABELS, Result, by_label, count_by_label
from reports.email_log.sampling import sample
from reports.email_log.streams import compiled, planned
from reports.email_log.wanted import Wanted

# Up to here all are counted together; past it, each result up to the second number.
CHEAP, CHEAP_EACH = 50_000, 10_000
MOST = 2**40
# An estimate of less than that may be of none or of some.
FEWEST = 10
NO_CODE = 9_999  # stands for a result in a statement that is asked for each
Statement = tuple[str, list[Any]]


@dataclass(frozen=True)
class Number:
    rows: int
    is_exact: bool = True

    def __add__(self, other: "Number") -> "Number":
        return Number(self.rows + other.rows, self.is_exact and other.is_exact)

    def __str__(self) -> str:
        if self.is_exact:
            return str(intcomma(self.rows))
        if self.rows < FEWEST:
            return _("a few")
        return _("about %(number)s") % {"number": intcomma(rounded(self.rows))}


NONE = Number(0)


def rounded(number: int) -> int:
    """To two digits: more would say more than is known."""
    step = 10 ** max(len(str(number)) - 2, 0)
    return int(round(number / step) * step)


def count_results(wanted: Wanted) -> dict[str, Number]:
    """All ten labels, in the design's order, of the rows wanted."""
    if not wanted.asks_about_rows:
        return {label: Number(count) for label, count in count_all(wanted.broadcasts).items()}
    if not wanted.of_whole_broadcasts.asks_about_rows:
        whole, others = count_results(wanted.of_whole_broadcasts), _count_rows(wanted.of_the_others)
        return {label: whole[label] + others[label] for label in LABELS}
    return _count_rows(wanted)


def _count_rows(wanted: Wanted) -> dict[str, Number]:
    if connection.vendor != "postgresql":
        counts = count_by_label(Delivery.objects.filter(wanted.condition()))
        return {label: Number(count) for label, count in counts.items()}
    others = by_label(_grouped(Delivery.objects.filter(wanted.unsettled()), "result"))
    found = _count_words(wanted) if wanted.words else _count_settled(wanted)
    return {label: found[label] + Number(others[label]) for label in LABELS}


def _count_settled(wanted: Wanted) -> dict[str, Number]:
    settled = Delivery.objects.filter(on_every_broadcast(wanted).settled()).order_by()
    (expected,) = _expected([compiled(settled.values_list("pk"))])
    return (_count_all(settled) if expected <= CHEAP else None) or _count_each(wanted)


def _count_words(wanted: Wanted) -> dict[str, Number]:
    """The index of parts finds all rows of a word at once or none: only those of a rare one are counted."""
    sampled = sample(wanted, rows_in_all())
    if sampled.of_rarest <= CHEAP:
        found = _count_all(Delivery.objects.filter(sampled.wanted.settled()).order_by())
        if found:
            return found
    shares = _expected(_of_each(list(Result), replace(wanted, words=())))
    whole = max(sum(shares), 1)
    share = {code: sampled.together * part // whole for code, part in zip(Result, shares, strict=True)}
    return {label: Number(sum(share[code] for code in codes), is_exact=False) for label, codes in LABELS.items()}


def on_every_broadcast(wanted: Wanted) -> Wanted:
    """Each by its number: the indexes begin with it, and are read from end to end otherwise."""
    if wanted.broadcasts is not None or not wanted.asks_about_rows:
        return wanted
    all_sent = Broadcast.objects.filter(prepared_at__isnull=False).order_by()
    return replace(wanted, broadcasts=list(all_sent.values_list("pk", flat=True)))


def _count_all(settled: "QuerySet[Delivery]") -> dict[str, Number] | None:
    sql, params = compiled(settled.values_list("settled_result")[: CHEAP + 1])
    with planned() as cursor:
        cursor.execute(f"SELECT code, count(*) FROM ({sql}) AS found (code) GROUP BY code", params)  # noqa: S608
        counts = dict(cursor.fetchall())
    if sum(counts.values()) > CHEAP:
        return None
    return {label: Number(count) for label, count in by_label(counts).items()}


def _count_each(wanted: Wanted) -> dict[str, Number]:
    # Rows that bounced later are looked up one by one, so that even the first 10,000 would take long.
    capped = [] if wanted.late else _capped(_of_each(list(Result), on_every_broadcast(wanted)))
    counted = dict(zip(Result, capped, strict=False))
    many = [code for code in Result if counted.get(code, CHEAP_EACH + 1) > CHEAP_EACH]
    expected = dict(zip(many, _expected(_of_each(many, wanted)), strict=True))
    found = {code: Number(counted[code]) for code in Result if code not in many}
    found |= {code: Number(max(expected[code], counted.get(code, 0)), is_exact=False) for code in many}
    return {label: sum((found[code] for code in codes), NONE) for label, codes in LABELS.items()}


def _of_each(codes: Sequence[Result], wanted: Wanted) -> list[Statement]:
    """The same statement for each: writing it once saves more time than the database takes."""
    one = replace(wanted, results=[NO_CODE])
    sql, params = compiled(Delivery.objects.filter(one.settled()).order_by().values_list("pk"))
    return [(sql, [int(code) if value == NO_CODE else value for value in params]) for code in codes]


def _capped(arms: Sequence[Statement]) -> list[int]:
    parts = [f"(SELECT count(*) FROM ({sql} LIMIT {CHEAP_EACH + 1}) AS found)" for sql, _ in arms]  # noqa: S608
    with planned() as cursor:
        cursor.execute(f"SELECT {', '.join(parts)}", [value for _, params in arms for value in params])
        return [int(count) for count in cursor.fetchone()]


def _grouped(rows: "QuerySet[Delivery]", column: str) -> Mapping[int, int]:
    return dict(rows.order_by().values_list(column).annotate(Count("pk")))


def _expected(arms: Sequence[Statement]) -> list[int]:
    """The planner's own estimates."""
    if not arms:
        return []
    parts = " UNION ALL ".join(f"({sql} LIMIT {MOST})" for sql, _ in arms)  # LIMIT keeps them apart in the plan
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {parts}", [value for _, params in arms for value in params])
        (plan,) = cursor.fetchone()
    top = (json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]
    plans = top["Plans"] if len(arms) > 1 else [top]
    return [int(each["Plan Rows"]) for each in plans]


def rows_in_all() -> int:
    """Of the whole ledger, as the planner last heard."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE oid = 'broadcasts_delivery'::regclass")
        (found,) = cursor.fetchone()
        return max(int(found), 0)
