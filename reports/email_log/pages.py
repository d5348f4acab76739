"""One page of the Email Log: the rows asked for, in the order asked for, and how many there are."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from django.http import QueryDict
from django.utils.functional import Promise, cached_property
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from broadcasts.models import User
from broadcasts.results import LABELS, Result
from reports.email_log.counting import NONE, Number, count_results
from reports.email_log.filters import DeliveryFilter
from reports.email_log.paging import Asked, LogPage, read_page
from reports.email_log.sorting import Place, Sort
from reports.email_log.wanted import SHORTEST_PART, Wanted, finds_parts, is_found_inside
from reports.explanations import EXPLANATIONS, Explanation, slug_of
from reports.result_groups import GROUPS, ResultGroup

ROWS_A_PAGE = (25, 50, 100)
USUAL_ROWS = 50
MANY = 4  # every fourth row, or more
# Of the page and not of its rows: a link to other rows leaves them out.
PLACES = ("after", "before", "at", "page")


@dataclass(frozen=True)
class Choice:
    """One of the links above the table."""

    slug: str
    label: str | Promise
    count: Number
    is_chosen: bool


class EmailLog:
    def __init__(self, params: QueryDict, user: User, usual_rows: int = USUAL_ROWS) -> None:
        self.params = params
        self.user = user
        self.filter = DeliveryFilter(params, user)
        self.sort = Sort.read(params.get("sort", ""))
        self.usual_rows = usual_rows

    @cached_property
    def wanted(self) -> Wanted | None:
        return self.filter.wanted

    @cached_property
    def counts(self) -> Mapping[str, Number]:
        """Of all that the other filters leave: the counts beside the results."""
        return count_results(self.wanted.of_any_result()) if self.wanted else dict.fromkeys(LABELS, NONE)

    @property
    def total(self) -> Number:
        return self._count(self.filter.labels or LABELS)

    @property
    def total_of_any_result(self) -> Number:
        return self._count(LABELS)

    def _count(self, labels: Iterable[str]) -> Number:
        return sum((self.counts[label] for label in labels), NONE)

    @property
    def choices(self) -> list[Choice]:
        """All, the groups, and each of the ten."""
        groups = [(group.slug, group.label, self._count(group.labels)) for group in GROUPS.values()]
        ten = [(slug_of(label), Result(LABELS[label][0]).label, count) for label, count in self.counts.items()]
        named = [("", _("All"), self.total_of_any_result), *groups, *ten]
        return [Choice(slug, label, count, slug == self.filter.slug) for slug, label, count in named]

    @property
    def explanation(self) -> Explanation | ResultGroup | None:
        """What the chosen result means, or the chosen group."""
        chosen = self.filter.slug
        return GROUPS.get(chosen) or next((each for each in EXPLANATIONS.values() if each.slug == chosen), None)

    @property
    def result_in_words(self) -> str:
        return str(self.explanation.label) if self.explanation else ""

    @property
    def per_page(self) -> int:
        asked = self.params.get("per_page", "")
        return next((size for size in ROWS_A_PAGE if str(size) == asked), self.usual_rows)

    @cached_property
    def page(self) -> LogPage:
        if self.wanted is None:
            return LogPage([], self.sort, has_previous=False, has_next=False)
        wanted = replace(self.wanted, are_many=self._are_many, occurring=self._occurring)
        return read_page(wanted, self.sort, self._asked, self.per_page, self.total, self.user)

    @property
    def _occurring(self) -> list[int]:
        labels = [label for label, count in self.counts.items() if count.rows or not count.is_exact]
        return [int(code) for label in labels for code in LABELS[label]]

    @property
    def _are_many(self) -> bool:
        asks_more = self.wanted is None or self.wanted.of_any_result().asks_about_rows
        return not asks_more and self.total.rows * MANY >= self.total_of_any_result.rows

    @property
    def beginnings(self) -> list[str]:
        """The words of the search that were looked for only where a name or address begins."""
        return [word for word in self.wanted.words if not is_found_inside(word)] if self.wanted else []

    @property
    def finds_only_beginnings(self) -> bool:
        """Whether that holds for every word, however long: this database has no index of parts."""
        return not finds_parts()

    @property
    def letters_needed(self) -> int:
        return SHORTEST_PART

    @property
    def caption(self) -> str:
        return ngettext("%(total)s row", "%(total)s rows", 1 if self.total == Number(1) else 2) % {
            "total": self.total
        }

    @property
    def _asked(self) -> Asked:
        after, before = (Place.read(self.params.get(name, "")) for name in ("after", "before"))
        return Asked(after, None if after else before, self.params.get("at") == "last")

    @property
    def as_details(self) -> dict[str, str]:
        """The filters as they were asked for, for the audit trail."""
        asked = {name: str(self.params[name]) for name in self.filter.form.fields if self.params.get(name)}
        # An entry's own school is another matter: whose deed it was.
        return {"of_school" if name == "school" else name: value for name, value in asked.items()}
