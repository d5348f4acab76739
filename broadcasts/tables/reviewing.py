"""The names behind one number of the review page."""

import django_tables2 as tables
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from broadcasts.models import Delivery
from broadcasts.preparing.reach import ReachRow


class NamesTable(tables.Table):  # type: ignore[misc]
    name = tables.Column(verbose_name=gettext_lazy("Name"))
    email = tables.Column(verbose_name=gettext_lazy("Email"))
    reason = tables.Column(verbose_name=gettext_lazy("Why"), empty_values=())

    class Meta:
        orderable = False

    def render_reason(self, record: ReachRow) -> str | SafeString:
        if record.note == Delivery.Note.SHARED and record.shared_with:
            return format_html(_("{name} gets it at this address"), name=record.shared_with)
        return record.reason
