"""What rooms downstream keep and forget together with the deliveries: they say so when they start."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

from broadcasts.models import RetentionRule


@dataclass(frozen=True)
class Loose:
    """Rows that belong to no broadcast. Removing takes some at a time and says how many; 0 when none is left."""

    count: Callable[[datetime], int]
    remove: Callable[[datetime, int], int]


# Each takes the words about these deliveries out of its tables, within the transaction of the rows themselves.
WORDS_ABOUT: list[Callable[[Collection[int]], None]] = []
# Each takes this broadcast's number, when its rows are done: what was counted before may name what is gone.
FIGURES_OF: list[Callable[[int], None]] = []
LOOSE: dict[RetentionRule.Kind, list[Loose]] = {RetentionRule.Kind.UNUSED: []}
