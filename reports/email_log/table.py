"""The Email Log's columns: how each is shown and sorted."""

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

import django_tables2 as tables
from django.contrib.humanize.templatetags.humanize import intcomma
from django.core.paginator import EmptyPage, Page, PageNotAnInteger, Paginator
from django.db.models import Case, F, Func, PositiveSmallIntegerField, QuerySet, When
from django.db.models.functions import Lower
from django.template.loader import get_template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django_tables2.rows import BoundRows

from broadcasts.delivering.doubts import doubt_about
from broadcasts.models import Broadcast, Delivery
from broadcasts.results import Result
from broadcasts.templatetags.messenger import moment

# Both codes of Blocked stand together, at the lower one's place in the order of the results.
RESULT_ORDER = Case(
    When(result=Result.BLOCKED, then=int(Result.BLOCKED_BY_PROVIDER)),
    default=F("result"),
    output_field=PositiveSmallIntegerField(),
)

SortKey = F | Func | Case
NUMBER = {"td": {"class": "number"}, "th": {"class": "number"}}
NOWRAP = {"td": {"class": "nowrap"}}
LONG, LONGEST = {"td": {"class": "long"}}, {"td": {"class": "longest"}}


class LogColumn(tables.Column):  # type: ignore[misc]
    """Sorted by these expressions, then by row number, so that equal rows keep their places on every page."""

    def __init__(self, *sort_by: SortKey, **options: Any) -> None:
        super().__init__(**options)
        self.sort_by = sort_by

    def order(self, queryset: "QuerySet[Delivery]", is_descending: bool) -> tuple["QuerySet[Delivery]", bool]:  # noqa: FBT001
        # Rows without a value come last both ways: databases do not agree where they go.
        keys = [key.desc(nulls_last=True) if is_descending else key.asc(nulls_last=True) for key in self.sort_by]
        return queryset.order_by(*keys, "-pk" if is_descending else "pk"), True


class LogPaginator(Paginator):  # type: ignore[type-arg]
    """Sorts row numbers only and then reads the rows of one page: whole rows are dear to sort."""

    def __init__(self, table: "DeliveryTable", per_page: int, total: int) -> None:
        super().__init__(table.sorted_rows, per_page)
        self.table = table
        self.count = total  # counted already, for the numbers beside the results

    def page(self, number: int | str) -> Page:  # type: ignore[type-arg]
        number = self.validate_number(number)
        start = (number - 1) * self.per_page
        keys = list(self.table.sorted_rows.values_list("pk", flat=True)[start : start + self.per_page])
        wanted = Delivery.objects.select_related("broadcast__broadcast_type", "broadcast__school", "duplicate_of")
        rows = wanted.in_bulk(keys)
        return Page(BoundRows([rows[key] for key in keys if key in rows], self.table), number, self)


class DeliveryTable(tables.Table):  # type: ignore[misc]
    name = LogColumn(
        Lower("name"),
        verbose_name=gettext_lazy("Name"),
        linkify=("reports:delivery-detail", {"pk": tables.A("pk")}),
        attrs=LONG,
    )
    email = LogColumn(Lower("email"), verbose_name=gettext_lazy("Email"), attrs=LONGEST)
    broadcast = LogColumn(
        Lower("broadcast__name"), F("broadcast"), verbose_name=gettext_lazy("Broadcast"), attrs=LONG
    )
    type = LogColumn(
        F("broadcast__broadcast_type__name"),
        accessor="broadcast__broadcast_type__name",
        verbose_name=gettext_lazy("Type"),
    )
    attempts = LogColumn(F("attempts"), verbose_name=gettext_lazy("Attempts"), attrs=NUMBER)
    last_attempt = LogColumn(
        F("last_attempt_at"),
        accessor="last_attempt_at",
        default="",
        verbose_name=gettext_lazy("Last Attempt"),
        attrs=NOWRAP,
    )
    result = LogColumn(RESULT_ORDER, verbose_name=gettext_lazy("Delivery Results"))

    class Meta:
        order_by_field = "sort"
        attrs = {"class": "table email-log"}

    def __init__(
        self, rows: "QuerySet[Delivery]", sort: str = "", *, shows_school: bool = False, **options: Any
    ) -> None:
        self._shows_school = shows_school
        self._result_cell = get_template("reports/result_cell.html")
        super().__init__(rows.order_by("-broadcast_id", "pk"), order_by=self._known(sort), **options)

    def _known(self, sort: str) -> Sequence[str]:
        """The first column named, if there is such a column."""
        name = sort.split(",", maxsplit=1)[0]
        return [name] if name.removeprefix("-") in self.base_columns else []

    def turn_to_page(self, number: str, per_page: int, total: int) -> None:
        """The page of this number; the nearest one when there is no such page."""
        self.paginator = LogPaginator(self, per_page, total)
        try:
            self.page = self.paginator.page(number)
        except PageNotAnInteger:
            self.page = self.paginator.page(1)
        except EmptyPage:
            self.page = self.paginator.page(1 if number.startswith(("-", "0")) else self.paginator.num_pages)
        self.caption = self._describe(total)

    def _describe(self, total: int) -> str:
        rows = ngettext("%(total)s row", "%(total)s rows", total) % {"total": intcomma(total)}
        if self.paginator.num_pages == 1:
            return rows
        first, last = intcomma(self.page.start_index()), intcomma(self.page.end_index())
        return _("%(rows)s, showing %(first)s to %(last)s") % {"rows": rows, "first": first, "last": last}

    @property
    def sorted_rows(self) -> "QuerySet[Delivery]":
        rows: QuerySet[Delivery] = self.data.data
        return rows

    def render_broadcast(self, value: Broadcast, record: Delivery) -> str:
        if not self._shows_school:
            return str(value)
        return format_html("{}<div><small>{}</small></div>", value, record.broadcast.school)

    def render_last_attempt(self, record: Delivery) -> str:
        with timezone.override(ZoneInfo(record.broadcast.school.time_zone)):
            return moment(record.last_attempt_at)

    def render_result(self, record: Delivery) -> str:
        # The day of a late bounce is a day of the row's school.
        with timezone.override(ZoneInfo(record.broadcast.school.time_zone)):
            return self._result_cell.render({"delivery": record, "doubt": doubt_about(record)})
