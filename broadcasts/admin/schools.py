from django.contrib import admin
from django.utils.translation import ngettext_lazy

from broadcasts.admin.recording import RecordedAdmin
from broadcasts.models import School


@admin.register(School)
class SchoolAdmin(RecordedAdmin[School]):
    list_display = ["name", "slug", "sis_id", "time_zone", "language"]
    search_fields = ["name", "slug", "sis_id"]
    prepopulated_fields = {"slug": ["name"]}
    fields = ["name", "slug", "sis_id", "time_zone", "language", ("quiet_from", "quiet_until")]
    in_use_by = [
        ("people", ngettext_lazy("%(count)s person belongs to it", "%(count)s people belong to it", "count")),
        ("lists", ngettext_lazy("%(count)s list belongs to it", "%(count)s lists belong to it", "count")),
        (
            "broadcasts",
            ngettext_lazy("%(count)s broadcast belongs to it", "%(count)s broadcasts belong to it", "count"),
        ),
    ]
