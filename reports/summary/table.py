"""The Broadcast Summary's columns."""

import django_tables2 as tables
from django.contrib.humanize.templatetags.humanize import intcomma
from django.db.models import F, QuerySet
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from broadcasts.models import Broadcast
from broadcasts.results import LABELS, Result
from broadcasts.templatetags.messenger import moment
from reports.rates import Share

NUMBER = {"td": {"class": "number"}, "th": {"class": "number"}}


class CountColumn(tables.Column):  # type: ignore[misc]
    """How many have this label; the number opens their rows."""

    def __init__(self, label: str) -> None:
        self.slug = slugify(label)
        name = self.slug.replace("-", "_")
        super().__init__(
            verbose_name=Result(LABELS[label][0]).label,
            attrs=NUMBER,
            initial_sort_descending=True,
            order_by=(name, "pk"),
        )

    def render(self, value: int, record: Broadcast) -> SafeString | str:
        if not value:
            return "0"
        log = reverse("reports:email-log")
        return format_html(
            '<a href="{}?broadcast={}&amp;result={}">{}</a>', log, record.pk, self.slug, intcomma(value)
        )


class ShareColumn(tables.Column):  # type: ignore[misc]
    """Of the emails that we tried to hand over. Broadcasts without any stand last, whichever way it is sorted."""

    def __init__(self, name: str | Promise, of: str) -> None:
        super().__init__(verbose_name=name, attrs=NUMBER, initial_sort_descending=True, empty_values=())
        self.of = of

    def render(self, record: Broadcast) -> str:
        share = Share(getattr(record, self.of), record.tried)  # type: ignore[attr-defined]
        return f"{share.percent}%" if share.of else "—"

    def order(self, queryset: QuerySet[Broadcast], is_descending: bool) -> tuple[QuerySet[Broadcast], bool]:  # noqa: FBT001
        share = F(self.accessor)
        way = share.desc(nulls_last=True) if is_descending else share.asc(nulls_last=True)
        return queryset.order_by(way, "-pk"), True


class SummaryTable(tables.Table):  # type: ignore[misc]
    shows_school = False
    caption = _("Each number opens its rows in the Email Log. Shares are of the emails that we tried to hand over.")

    # Those that are alike always stand in the same order, so that none is on two pages or on none.
    name = tables.Column(
        verbose_name=_("Broadcast"), empty_values=(), attrs={"td": {"class": "longest"}}, order_by=("name", "pk")
    )
    send_at = tables.Column(
        verbose_name=_("Started"),
        initial_sort_descending=True,
        order_by=("send_at", "pk"),
        attrs={"td": {"class": "moment"}},
    )
    recipients = tables.Column(
        attrs=NUMBER, initial_sort_descending=True, verbose_name=_("Rows"), order_by=("recipients", "pk")
    )
    delivered_share = ShareColumn(_("Delivered, %"), "arrived")
    opened_share = ShareColumn(_("Opened, %"), "opened")
    unsent = CountColumn("Unsent")
    sent = CountColumn("Sent")
    soft_bounced = CountColumn("Soft Bounced")
    bounced = CountColumn("Bounced")
    failed = CountColumn("Failed")
    blocked = CountColumn("Blocked")
    delivered = CountColumn("Delivered")
    opened = CountColumn("Opened")
    duplicate = CountColumn("Duplicate")
    no_email_selected = CountColumn("No Email Selected")

    class Meta:
        order_by_field = "sort"
        attrs = {"class": "table summary"}

    def render_name(self, record: Broadcast) -> SafeString:
        page = reverse("reports:broadcast-report", args=[record.pk])
        about = record.broadcast_type.name if record.broadcast_type else ""
        if self.shows_school:
            about = f"{about} · {record.school}"
        return format_html('<div><a href="{}">{}</a><br><span class="muted">{}</span></div>', page, record, about)

    def render_send_at(self, record: Broadcast) -> SafeString | str:
        """Only what is not simply sent has its status beside it."""
        when = moment(record.send_at, record.school)
        if record.status == Broadcast.Status.SENT:
            return when
        pill = '<div>{} <span class="pill status-{}">{}</span></div>'
        return format_html(pill, when, record.status, record.get_status_display())

    def render_recipients(self, value: int, record: Broadcast) -> SafeString:
        return format_html(
            '<a href="{}?broadcast={}">{}</a>', reverse("reports:email-log"), record.pk, intcomma(value)
        )
