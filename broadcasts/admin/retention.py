"""How long things are kept: the rules, what they would remove at this moment, and what they have removed."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from broadcasts.admin.recording import ReadOnlyAdmin, RecordedAdmin, time_of
from broadcasts.forgetting.rounds import forecast
from broadcasts.models import Removal, RetentionRule


@admin.register(RetentionRule)
class RetentionRuleAdmin(RecordedAdmin[RetentionRule]):
    list_display = ["what", "whose", "how_long", "changed"]
    list_display_links = ["what"]
    list_select_related = ["school"]
    fields = ["kind", "school", "days"]
    change_list_template = "admin/broadcasts/retentionrule/change_list.html"
    changed = time_of("changed_at", _("changed"))

    @admin.display(description=_("what"), ordering="kind")
    def what(self, rule: RetentionRule) -> str:
        return rule.get_kind_display()

    @admin.display(description=_("school"), ordering="school__name")
    def whose(self, rule: RetentionRule) -> str:
        if rule.kind == RetentionRule.Kind.UNUSED:
            return "-"
        return str(rule.school or _("all that have no rule of their own"))

    @admin.display(description=_("kept for"), ordering="days")
    def how_long(self, rule: RetentionRule) -> str:
        return str(_("%(days)s days") % {"days": rule.days} if rule.days else _("ever"))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        now = timezone.now()
        shown = {"forecast": forecast(now), "now": now} if request.method == "GET" else {}
        titled = {"title": _("Retention rules")} | shown
        return super().changelist_view(request, (extra_context or {}) | titled)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        return super().formfield_for_foreignkey(db_field, request, **{"empty_label": _("All schools")} | kwargs)


@admin.register(Removal)
class RemovalAdmin(ReadOnlyAdmin[Removal]):
    list_display = ["broadcast", "school", "kind", "rows", "begun", "ended"]
    list_filter = ["kind", "broadcast__school"]
    search_fields = ["broadcast__name"]
    fields = ["broadcast", "school", "kind", "days", "rows", "begun", "ended"]
    readonly_fields = ["school", "begun", "ended"]
    show_full_result_count = False
    begun = time_of("begun_at", _("begun"))
    ended = time_of("ended_at", _("ended"))

    @admin.display(description=_("school"), ordering="broadcast__school__name")
    def school(self, removal: Removal) -> str:
        return removal.broadcast.school.name

    def get_queryset(self, request: HttpRequest) -> QuerySet[Removal]:
        return super().get_queryset(request).select_related("broadcast__school")
