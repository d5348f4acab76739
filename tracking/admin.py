from typing import Any

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
from tracking.models import RefusedPost, UnusedEvent, UnusedReport
from tracking.webhooks.refusing import WHAT_TO_DO
from tracking.webhooks.trying_again import try_again


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


@admin.register(UnusedEvent)
class UnusedEventAdmin(ReadOnlyAdmin[UnusedEvent]):
    list_display = ["received", "provider", "reason", "is_whole"]
    list_filter = ["provider", "received_at"]
    search_fields = ["reason", "raw"]
    fields = ["received", "provider", "reason", "is_whole", "said"]
    readonly_fields = ["received", "said"]
    show_full_result_count = False
    actions = ["use_again"]
    received = time_of("received_at", _("received"))

    @admin.display(description=_("what it said"))
    def said(self, unused: UnusedEvent) -> SafeString:
        return format_html("<pre>{}</pre>", unused.raw)

    @admin.action(description=_("Try to use the selected events again"))
    def use_again(self, request: HttpRequest, queryset: QuerySet[UnusedEvent]) -> Any:
        chosen = len(queryset)
        used = try_again(queryset, by=signed_in_user(request))
        words = ngettext("%(used)s event could be used.", "%(used)s events could be used.", used) % {"used": used}
        if chosen > used:
            stay = _("The others stay here; each says why.")
            self.message_user(request, f"{words} {stay}", messages.WARNING)
        else:
            self.message_user(request, words, messages.SUCCESS)


@admin.register(RefusedPost)
class RefusedPostAdmin(ReadOnlyAdmin[RefusedPost]):
    """Counts only: what strangers post is not kept."""

    list_display = ["provider", "reason", "times", "first", "last", "what_to_do"]
    list_filter = ["provider", "reason", "day"]
    fields = ["provider", "reason", "times", "first", "last", "what_to_do"]
    readonly_fields = ["first", "last", "what_to_do"]
    show_full_result_count = False
    first, last = time_of("first_at", _("first")), time_of("last_at", _("last"))

    @admin.display(description=_("what to do"))
    def what_to_do(self, refused: RefusedPost) -> str:
        return str(WHAT_TO_DO.get(refused.reason, ""))
