"""Which rows of the Email Log somebody wants, as conditions for the database.

A settled row is looked for by copies of its changing columns, which have indexes; one that is not, by the originals.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache, reduce
from operator import or_

from django.db import connection
from django.db.models import Q
from django.db.models.functions import Lower
from django.db.models.lookups import Contains, StartsWith
from django.utils import timezone

from broadcasts.delivering.doubts import doubtful
from broadcasts.results import Result

NOWHERE = Q(pk__in=[])
MOST_WORDS = 8
# Shorter parts than these are in no index: such a word must begin the name or address.
SHORTEST_PART = 3


@dataclass(frozen=True)
class Days:
    """From one moment up to another, on the clock of these broadcasts' schools: some of their rows lie within."""

    broadcasts: Collection[int]
    first: datetime | None
    end: datetime | None
    # Rows without an attempt go by the day when their broadcast started.
    started_within: Collection[int]

    def condition(self, column: str) -> Q:
        tried = Q(**{f"{column}__isnull": False}, broadcast__in=self.broadcasts)
        if self.first:
            tried &= Q(**{f"{column}__gte": self.first})
        if self.end:
            tried &= Q(**{f"{column}__lt": self.end})
        return tried | Q(**{f"{column}__isnull": True}, broadcast__in=self.started_within)


@dataclass(frozen=True)
class Wanted:
    """Every field that is None or empty asks for nothing."""

    broadcasts: Sequence[int] | None = None  # their numbers; None: all there are
    results: Sequence[int] = ()
    attempts: tuple[int, int] | None = None  # the fewest and the most
    # Where rows have to be looked at: those of other broadcasts lie within the days, all of them, and are `whole`.
    days: Sequence[Days] = ()
    whole: Sequence[int] = ()
    words: Sequence[str] = ()  # the first one is looked up in an index: the rarest
    late: bool = False
    doubt: bool = False
    # The results that such rows have, where they were counted: ranges of others would be read in vain.
    occurring: Sequence[int] | None = None
    # Many rows match, and they are met in the page's order: the index of parts of names would find all of them first.
    reads_in_order: bool = False
    # A good part of all rows match, and only their results are asked for: along row numbers a page is soon full.
    are_many: bool = False

    def of_any_result(self) -> "Wanted":
        return replace(self, results=())

    @property
    def codes(self) -> list[int]:
        """The results that are worth looking at."""
        return [code for code in self.results or Result if self.occurring is None or code in self.occurring]

    @property
    def of_whole_broadcasts(self) -> "Wanted":
        """Without the broadcasts of which only some rows lie within the days."""
        return replace(self, broadcasts=self.whole, days=(), whole=()) if self.days else self

    @property
    def of_the_others(self) -> "Wanted":
        return replace(self, broadcasts=[pk for days in self.days for pk in days.broadcasts], whole=())

    @property
    def asks_about_rows(self) -> bool:
        """For more than what follows from the broadcast."""
        return bool(self.results or self.attempts or self.days or self.words or self.late or self.doubt)

    def condition(self) -> Q:
        """Both kinds of rows; each part finds its own indexes."""
        if not self.asks_about_rows:
            return self._of_broadcasts()
        # In other letters of the second kind: PostgreSQL would draw together what is said of both, and then could not
        # use the index of parts, which has the settled rows alone.
        return self.settled() | replace(self, reads_in_order=True).unsettled()

    def settled(self) -> Q:
        return NOWHERE if self.doubt else Q(is_settled=True) & self._of_broadcasts() & self.of_row("settled_")

    def unsettled(self) -> Q:
        return Q(is_settled=False) & self._of_broadcasts() & self.of_row()

    def of_row(self, prefix: str = "") -> Q:
        """What is asked of a row itself; with `prefix`, of the copies in a settled one."""
        found = Q()
        if self.results:
            found &= Q(**{f"{prefix}result__in": self.results})
        if self.attempts:
            found &= within(f"{prefix}attempts", *self.attempts)
        if self.days:
            within_them = any_of(days.condition(f"{prefix}last_attempt_at") for days in self.days)
            found &= Q(broadcast__in=self.whole) | within_them
        if self.late:
            found &= Q(late_bounce_at__isnull=False)
        if self.doubt:
            found &= doubtful(timezone.now())
        for number, word in enumerate(self.words):
            found &= contains(word, by_index=number == 0 and not self.reads_in_order)
        return found

    def _of_broadcasts(self) -> Q:
        return Q() if self.broadcasts is None else Q(broadcast__in=self.broadcasts)


def any_of(conditions: Iterable[Q]) -> Q:
    return reduce(or_, conditions, NOWHERE)


def words_of(text: str) -> list[str]:
    words = text.split()
    return words if len(words) <= MOST_WORDS else [text]


def within(column: str, fewest: int, most: int) -> Q:
    return Q(**{column: fewest}) if fewest == most else Q(**{f"{column}__range": (fewest, most)})


def contains(word: str, *, by_index: bool = True) -> Q:
    """A part of the name or the address, in capitals or not; where no index knows parts, how one of them begins.

    Without `by_index` in the other letters, which that index does not know.
    """
    is_part = is_found_inside(word)
    if by_index or connection.vendor != "postgresql":
        lookup = "icontains" if is_part else "istartswith"
        return Q(**{f"name__{lookup}": word}) | Q(**{f"email__{lookup}": word})
    compare = Contains if is_part else StartsWith
    return Q(compare(Lower("name"), word.lower())) | Q(compare(Lower("email"), word.lower()))


def is_found_inside(word: str) -> bool:
    """Also in the middle of a name or address; else only where one begins with it."""
    return finds_parts() and (len(word) >= SHORTEST_PART or connection.vendor != "postgresql")


@cache
def finds_parts() -> bool:
    """Whether the migration found pg_trgm on this server; SQLite reads all rows anyhow."""
    if connection.vendor != "postgresql":
        return True
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('delivery_trigrams') IS NOT NULL")
        (found,) = cursor.fetchone()
        return bool(found)
