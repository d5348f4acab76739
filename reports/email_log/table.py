"""The Email Log as a table: what its columns say, each on its row's own clock."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import django_tables2 as tables
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.template.loader import get_template
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy
from django_tables2.data import TableListData

from broadcasts.delivering.doubts import doubt_about
from broadcasts.models import Delivery
from broadcasts.templatetags.messenger import moment
from reports.email_log.paging import read_rows
from reports.email_log.sorting import Sort
from reports.opens import opened_by_mailbox

NUMBER = {"td": {"class": "number"}, "th": {"class": "number"}}
MOMENT = {"td": {"class": "moment"}}
LONG, LONGEST = {"td": {"class": "long"}}, {"td": {"class": "longest"}}


class SortedRows(TableListData):  # type: ignore[misc]
    """In the order in which the database gave them; a heading's link asks it for another."""

    def order_by(self, aliases: object) -> None:
        pass


class DeliveryTable(tables.Table):  # type: ignore[misc]
    name = tables.Column(verbose_name=gettext_lazy("Name"), attrs=LONG)
    email = tables.Column(verbose_name=gettext_lazy("Email"), attrs=LONGEST)
    broadcast = tables.Column(verbose_name=gettext_lazy("Broadcast"), attrs=LONG)
    type = tables.Column(accessor="broadcast__broadcast_type__name", verbose_name=gettext_lazy("Type"))
    school = tables.Column(accessor="broadcast__school__name", verbose_name=gettext_lazy("School"))
    attempts = tables.Column(verbose_name=gettext_lazy("Attempts"), attrs=NUMBER)
    last_attempt = tables.Column(
        accessor="last_attempt_at", default="", verbose_name=gettext_lazy("Last Attempt"), attrs=MOMENT
    )
    result = tables.Column(verbose_name=gettext_lazy("Delivery Results"))

    class Meta:
        order_by_field = "sort"
        attrs = {"class": "table email-log"}

    def __init__(self, rows: Sequence[Delivery], sort: Sort, hidden: Collection[str] = (), caption: str = "") -> None:
        self.caption = caption
        self._result_cell = get_template("reports/result_cell.html")
        self._plain_results: dict[int, str] = {}
        self._moments: dict[tuple[datetime, str], str] = {}
        # Looking an address up for each row would be a good part of the page's time.
        self._first_address, self._after = reverse("reports:delivery-detail", args=[0]).split("0")
        self._opened_by_mailbox = opened_by_mailbox(rows)
        super().__init__(SortedRows(list(rows)), order_by=[str(sort)], exclude=list(hidden))

    def cells_of(self, row: Delivery) -> Iterator[tuple[str, object]]:
        """The shown columns' cells, which django-tables2 finds too; but it asks each cell anew how to be asked."""
        for column in self.columns:
            render = getattr(self, f"render_{column.name}", None)
            cell = render(row) if render else column.accessor.resolve(row, quiet=True)
            yield column.name, column.default if cell is None or cell == "" else cell

    def render_name(self, record: Delivery) -> SafeString:
        address = f"{self._first_address}{record.pk}{self._after}"
        return format_html('<a href="{}">{}</a>', address, record.name)

    def render_broadcast(self, record: Delivery) -> str:
        return str(record.broadcast)

    def render_last_attempt(self, record: Delivery) -> str:
        at, zone = record.last_attempt_at, record.broadcast.school.time_zone
        if at is None:
            return ""
        minute = at.replace(second=0, microsecond=0), zone
        if minute not in self._moments:
            with timezone.override(ZoneInfo(zone)):
                self._moments[minute] = moment(at)
        return self._moments[minute]

    def render_result(self, record: Delivery) -> str:
        doubt, by_mailbox = doubt_about(record), record.pk in self._opened_by_mailbox
        if doubt or by_mailbox or record.note or record.duplicate_of_id or record.late_bounce_at:
            return self._full_result(record, doubt, by_mailbox=by_mailbox)
        if record.result not in self._plain_results:
            self._plain_results[record.result] = self._full_result(record, "", by_mailbox=False)
        return self._plain_results[record.result]

    def _full_result(self, record: Delivery, doubt: str, *, by_mailbox: bool) -> str:
        # The day of a late bounce is a day of the row's school.
        with timezone.override(ZoneInfo(record.broadcast.school.time_zone)):
            return self._result_cell.render({"delivery": record, "doubt": doubt, "opened_by_mailbox": by_mailbox})


class ChoiceTable(DeliveryTable):
    """Whose rows may be ticked, for the form `chosen-rows` of the same page; a column more would be one too many."""

    class Meta(DeliveryTable.Meta):
        pass

    def render_name(self, record: Delivery) -> SafeString:
        box = '<input type="checkbox" name="row" value="{}" form="chosen-rows" aria-label="{}"> {}'
        words = gettext("Choose %(name)s") % {"name": record.name}
        return format_html(box, record.pk, words, super().render_name(record))


COLUMNS = {name: column.verbose_name for name, column in DeliveryTable.base_columns.items()}
# Without them a row could not be told from another.
ALWAYS_SHOWN = ("name", "result")


def numbered_page(rows: "QuerySet[Delivery]", sort: str, number: str, size: int) -> DeliveryTable:
    """Of rows that are few, such as a family's: pages have numbers there."""
    order = Sort.read(sort)
    paginator = Paginator(order.apply(rows).values_list("pk", flat=True), size)
    page = paginator.get_page(number)
    table = DeliveryTable(read_rows(list(page.object_list)), order)
    table.paginator = paginator
    table.page = Page(table.rows, page.number, paginator)
    return table
