from typing import Any

from django import forms
from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.utils.translation import ngettext_lazy

from broadcasts.admin.recording import RecordedAdmin
from broadcasts.delivering.quiet_hours import look_again
from broadcasts.models import School


@admin.register(School)
class SchoolAdmin(RecordedAdmin[School]):
    list_display = ["name", "slug", "sis_id", "time_zone", "language"]
    search_fields = ["name", "slug", "sis_id"]
    prepopulated_fields = {"slug": ["name"]}
    fields = ["name", "slug", "sis_id", "time_zone", "language", ("quiet_from", "quiet_until")]
    # Django's own offers the hour of the server.
    formfield_overrides = {models.TimeField: {"widget": forms.TimeInput({"type": "time"}, "%H:%M")}}
    in_use_by = [
        ("people", ngettext_lazy("%(count)s person belongs to it", "%(count)s people belong to it", "count")),
        ("lists", ngettext_lazy("%(count)s list belongs to it", "%(count)s lists belong to it", "count")),
        (
            "broadcasts",
            ngettext_lazy("%(count)s broadcast belongs to it", "%(count)s broadcasts belong to it", "count"),
        ),
    ]

    def save_model(self, request: HttpRequest, obj: School, form: Any, change: bool) -> None:  # noqa: FBT001
        super().save_model(request, obj, form, change)
        look_again(obj)
