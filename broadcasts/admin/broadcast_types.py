from django.contrib import admin
from django.utils.translation import ngettext_lazy

from broadcasts.admin.recording import RecordedAdmin
from broadcasts.models import BroadcastType


@admin.register(BroadcastType)
class BroadcastTypeAdmin(RecordedAdmin[BroadcastType]):
    list_display = ["name", "slug", "is_emergency", "is_required", "is_default", "is_active", "position"]
    list_filter = ["is_emergency", "is_required", "is_default", "is_active"]
    search_fields = ["name", "slug"]
    prepopulated_fields = {"slug": ["name"]}
    fields = [
        "name",
        "slug",
        "is_emergency",
        "is_required",
        "is_default",
        "is_active",
        "repeat_when_in_doubt",
        "position",
    ]
    in_use_by = [
        (
            "broadcasts",
            ngettext_lazy("%(count)s broadcast has this type", "%(count)s broadcasts have this type", "count"),
        ),
        (
            "contact_types",
            ngettext_lazy(
                "%(count)s email address has a choice for this type",
                "%(count)s email addresses have a choice for this type",
                "count",
            ),
        ),
    ]
