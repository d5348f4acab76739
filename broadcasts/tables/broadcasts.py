"""All broadcasts of a school, newest first, each with what became of it."""

from collections.abc import Mapping

import django_tables2 as tables
from django.contrib.humanize.templatetags.humanize import intcomma
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from broadcasts.models import Broadcast
from broadcasts.templatetags.messenger import moment

NUMBER = {"th": {"class": "number"}, "td": {"class": "number"}}


class BroadcastTable(tables.Table):  # type: ignore[misc]
    counts: Mapping[int, Mapping[str, int]] = {}

    name = tables.Column(verbose_name=gettext_lazy("Broadcast"), empty_values=(), attrs={"td": {"class": "long"}})
    school = tables.Column()
    status = tables.Column()
    send_at = tables.Column(verbose_name=gettext_lazy("Started"), attrs={"td": {"class": "moment"}})
    recipients = tables.Column(verbose_name=gettext_lazy("Recipients"), empty_values=(), attrs=NUMBER)
    results = tables.Column(verbose_name=gettext_lazy("Delivery Results"), empty_values=())

    class Meta:
        orderable = False
        caption = gettext_lazy("Broadcasts, newest first")

    def render_name(self, record: Broadcast) -> SafeString:
        page = "broadcasts:broadcast-edit" if record.is_editable else "broadcasts:broadcast-detail"
        return format_html(
            '<div><a href="{}">{}</a><br><span class="muted">{}</span></div>',
            reverse(page, args=[record.pk]),
            record,
            record.broadcast_type or _("No type yet"),
        )

    def render_status(self, record: Broadcast) -> SafeString:
        return format_html('<span class="pill status-{}">{}</span>', record.status, record.get_status_display())

    def render_send_at(self, record: Broadcast) -> SafeString:
        when = format_html('<span class="nowrap">{}</span>', moment(record.send_at, record.school))
        if record.sent_by is None:
            return when
        words = format_html(_("{when} by {who}"), when=when, who=record.sent_by.display_name)
        return format_html("<span>{}</span>", words)

    def render_recipients(self, record: Broadcast) -> str:
        total = sum(self.counts.get(record.pk, {}).values())
        return intcomma(total) if total else "—"

    def render_results(self, record: Broadcast) -> SafeString | str:
        counts = self.counts.get(record.pk, {})
        if not any(counts.values()):
            return "—"
        log = reverse("reports:email-log")
        return format_html_join(
            " ",
            '<a class="result result-{}" href="{}?broadcast={}&amp;result={}">{} {}</a>',
            (
                (slugify(label), log, record.pk, slugify(label), intcomma(count), label)
                for label, count in counts.items()
                if count
            ),
        )
