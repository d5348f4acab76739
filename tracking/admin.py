from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from broadcasts.admin.recording import ReadOnlyAdmin, time_of
from tracking.models import UnusedReport


@admin.register(UnusedReport)
class UnusedReportAdmin(ReadOnlyAdmin[UnusedReport]):
    list_display = ["received", "envelope_recipient", "reason"]
    list_filter = ["received_at"]
    search_fields = ["envelope_recipient", "reason"]
    fields = ["received", "envelope_recipient", "reason", "message"]
    readonly_fields = ["received", "message"]
    show_full_result_count = False
    received = time_of("received_at", _("received"))

    @admin.display(description=_("the message"))
    def message(self, report: UnusedReport) -> SafeString:
        return format_html("<pre>{}</pre>", report.raw)
