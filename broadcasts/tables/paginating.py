"""Pages of a long table whose rows are not all counted."""

from typing import TYPE_CHECKING, Any

from django.core.paginator import Paginator
from django.utils.functional import cached_property

if TYPE_CHECKING:
    AnyPaginator = Paginator[Any]
else:
    AnyPaginator = Paginator

MOST_ROWS = 10_000


class CappedPaginator(AnyPaginator):
    """Nobody turns to the two hundredth page; whoever has more rows than that narrows the search."""

    @cached_property
    def counted(self) -> int:
        rows: Any = self.object_list
        return int(rows.data.data.order_by()[: MOST_ROWS + 1].count())

    @cached_property
    def count(self) -> int:
        return min(self.counted, MOST_ROWS)

    @property
    def is_capped(self) -> bool:
        return self.counted > MOST_ROWS
