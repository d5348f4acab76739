from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from broadcasts.admin.recording import ReadOnlyAdmin, time_of
from broadcasts.roles import signed_in_user
from tracking.bounces.reading_again import read_again
from tracking.models import UnusedReport


@admin.register(UnusedReport)
class UnusedReportAdmin(ReadOnlyAdmin[UnusedReport]):
    list_display = ["received", "envelope_recipient", "reason"]
    list_filter = ["received_at"]
    search_fields = ["envelope_recipient", "reason"]
    fields = ["received", "envelope_recipient", "reason", "message"]
    readonly_fields = ["received", "message"]
    show_full_result_count = False
    actions = ["read_chosen_again"]
    received = time_of("received_at", _("received"))

    @admin.display(description=_("the message"))
    def message(self, report: UnusedReport) -> SafeString:
        return format_html("<pre>{}</pre>", report.raw)

    @admin.action(description=_("Read again"), permissions=["view"])
    def read_chosen_again(self, request: HttpRequest, chosen: QuerySet[UnusedReport]) -> None:
        used, unused = read_again(chosen, signed_in_user(request))
        if used:
            words = ngettext("%(count)d report was of use.", "%(count)d reports were of use.", used)
            self.message_user(request, words % {"count": used}, messages.SUCCESS)
        if unused:
            words = ngettext("%(count)d report is still of no use.", "%(count)d reports are still of no use.", unused)
            self.message_user(request, words % {"count": unused}, messages.WARNING)
