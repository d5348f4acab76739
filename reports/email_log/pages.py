"""One page of the Email Log: the rows asked for, in the order asked for, and how many there are."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.http import QueryDict
from django.utils.functional import Promise, cached_property
from django.utils.translation import gettext_lazy as _

from broadcasts.models import User
from broadcasts.results import LABELS, Result, count_by_label
from reports.email_log.filters import DeliveryFilter
from reports.email_log.table import DeliveryTable
from reports.explanations import EXPLANATIONS, Explanation, slug_of

ROWS_A_PAGE = (25, 50, 100)


@dataclass(frozen=True)
class Choice:
    """One of the links above the table."""

    slug: str
    label: str | Promise
    count: int
    is_chosen: bool


class EmailLog:
    def __init__(self, params: QueryDict, user: User) -> None:
        self.params = params
        self.filter = DeliveryFilter(params, user)

    @cached_property
    def table(self) -> DeliveryTable:
        sort = self.params.get("sort", "")
        return DeliveryTable(self.filter.qs, sort, shows_school=self.filter.has_several_schools)

    @cached_property
    def counts(self) -> Mapping[str, int]:
        return count_by_label(self.filter.any_result())

    @property
    def total(self) -> int:
        return self.counts[self.filter.label] if self.filter.label else sum(self.counts.values())

    @property
    def choices(self) -> list[Choice]:
        everything = Choice("", _("All"), sum(self.counts.values()), not self.filter.label)
        return [everything] + [
            Choice(slug_of(label), Result(LABELS[label][0]).label, count, label == self.filter.label)
            for label, count in self.counts.items()
        ]

    @property
    def explanation(self) -> Explanation | None:
        return EXPLANATIONS.get(self.filter.label)

    @property
    def per_page(self) -> int:
        asked = self.params.get("per_page", "")
        return next((size for size in ROWS_A_PAGE if str(size) == asked), 50)

    def turn_to_page(self) -> DeliveryTable:
        self.table.turn_to_page(self.params.get("page", "1"), self.per_page, self.total)
        return self.table

    @property
    def as_details(self) -> dict[str, str]:
        """The filters as they were asked for, for the audit trail."""
        return {name: str(self.params[name]) for name in self.filter.form.fields if self.params.get(name)}
