import json

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from broadcasts.admin.recording import ReadOnlyAdmin, time_of
from broadcasts.deeds import actions_named, words_for
from broadcasts.models import AuditEntry


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin[AuditEntry]):
    list_display = ["time", "actor_name", "deed", "object_label", "school"]
    list_filter = ["at", "school", "object_type"]
    list_select_related = ["school"]
    search_fields = ["actor_name", "action", "object_label"]
    fields = ["time", "actor_name", "deed", "object_type", "object_label", "school", "all_details"]
    readonly_fields = ["time", "deed", "all_details"]
    show_full_result_count = False
    time = time_of("at", _("when"))

    @admin.display(description=_("what"), ordering="action")
    def deed(self, entry: AuditEntry) -> str:
        return capfirst(words_for(entry.action))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[AuditEntry], search_term: str
    ) -> tuple[QuerySet[AuditEntry], bool]:
        found, has_duplicates = super().get_search_results(request, queryset, search_term)
        named = actions_named(search_term.strip()) if search_term.strip() else []
        return (found | queryset.filter(action__in=named) if named else found), has_duplicates

    @admin.display(description=_("details"))
    def all_details(self, entry: AuditEntry) -> SafeString:
        return format_html("<pre>{}</pre>", json.dumps(entry.details, indent=2, ensure_ascii=False))
