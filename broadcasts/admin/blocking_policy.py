"""What puts addresses on the Blocked Email list by itself: one row, so its list is that row."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from broadcasts.admin.recording import RecordedAdmin
from broadcasts.models import BlockingPolicy


@admin.register(BlockingPolicy)
class BlockingPolicyAdmin(RecordedAdmin[BlockingPolicy]):
    fieldsets = (
        (
            _("Addresses that Fail"),
            {"fields": ["blocks_failures", "failures", "within_days", "failures_level"]},
        ),
        (_("Complaints"), {"fields": ["complaint_level"]}),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return self.change_view(request, "1", extra_context=extra_context)

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> BlockingPolicy | None:
        """The defaults until somebody saves something else."""
        return super().get_object(request, object_id, from_field) or (
            BlockingPolicy(pk=1) if object_id == "1" else None
        )
