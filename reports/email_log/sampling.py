"""How often words occur in names and addresses, from a small part of all rows: no statistics of PostgreSQL tell."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf

from django.db.models import Q

from broadcasts.models import Delivery
from reports.email_log.streams import TABLE, compiled, planned
from reports.email_log.wanted import Wanted, contains

ROWS = 5_000


@dataclass(frozen=True)
class Sample:
    """Expected numbers of rows."""

    together: int
    of_rarest: int
    wanted: Wanted  # with the rarest word first


def sample(wanted: Wanted, rows_in_all: int) -> Sample:
    """The same rows each time, so that numbers on a page do not dance."""
    words = list(wanted.words)
    percent = min(100.0, 100.0 * ROWS / max(rows_in_all, 1))
    counts = _counts(words, percent)
    scale = 100 / percent
    order = sorted(range(len(words)), key=lambda number: (counts[number], -len(words[number])))
    rarest = counts[order[0]] if order else inf
    sorted_words = replace(wanted, words=[words[number] for number in order])
    return Sample(int(counts[-1] * scale), int(rarest * scale), sorted_words)


def _counts(words: Sequence[str], percent: float) -> list[int]:
    """Of each word, and at last of all of them in one row."""
    conditions = [contains(word, by_index=False) for word in words]
    together = Q()
    for condition in conditions:
        together &= condition
    parts, params = [], []
    for condition in [*conditions, together]:
        sql, own = compiled(Delivery.objects.filter(condition).order_by().values_list("pk"))
        parts.append(f"count(*) FILTER (WHERE {sql.partition(' WHERE ')[2]})")
        params += own
    source = f"{TABLE} TABLESAMPLE SYSTEM ({percent}) REPEATABLE (1)"
    with planned() as cursor:
        cursor.execute(f"SELECT {', '.join(parts)} FROM {source}", params)  # noqa: S608
        return [int(count) for count in cursor.fetchone()]
