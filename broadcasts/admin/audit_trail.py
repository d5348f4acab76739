import json

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from broadcasts.admin.recording import ReadOnlyAdmin
from broadcasts.models import AuditEntry


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin[AuditEntry]):
    list_display = ["at", "actor_name", "action", "object_label", "school"]
    list_filter = ["at", "school", "object_type"]
    list_select_related = ["school"]
    search_fields = ["actor_name", "action", "object_label"]
    fields = ["at", "actor_name", "action", "object_type", "object_label", "school", "all_details"]
    readonly_fields = ["all_details"]
    show_full_result_count = False

    @admin.display(description=_("details"))
    def all_details(self, entry: AuditEntry) -> SafeString:
        return format_html("<pre>{}</pre>", json.dumps(entry.details, indent=2, ensure_ascii=False))
