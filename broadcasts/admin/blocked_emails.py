"""The Blocked Email list. Every change goes through `broadcasts.blocking`."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from broadcasts import audit
from broadcasts.addresses import address_key, explain_invalid
from broadcasts.admin.block_file import BlockFileForm, check_page, confirm_file
from broadcasts.admin.block_many import BlockManyForm, Pasted, block_pasted, what_is_left
from broadcasts.admin.recording import RecordedAdmin, time_of
from broadcasts.blocking import block_addresses, unblock_addresses
from broadcasts.blocking_export import blocked_file
from broadcasts.models import BlockedEmail
from broadcasts.roles import signed_in_user
from broadcasts.table_files import Form


class BlockedEmailForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = BlockedEmail
        fields = ["address", "level", "reason"]

    def clean_address(self) -> str:
        address = str(self.cleaned_data["address"])
        if why := explain_invalid(address):
            raise ValidationError(why)
        if BlockedEmail.objects.filter(key=address_key(address)).exists():
            raise ValidationError(_("This address is on the list already."))
        return address


@admin.register(BlockedEmail)
class BlockedEmailAdmin(RecordedAdmin[BlockedEmail]):
    form = BlockedEmailForm
    change_list_template = "admin/broadcasts/blockedemail/change_list.html"
    list_display = ["address", "level", "reason", "source", "added_by", "added"]
    list_filter = ["added_at", "source", "level"]
    list_select_related = ["added_by"]
    list_per_page = 50
    search_fields = ["address", "level", "reason"]
    show_full_result_count = False
    readonly_fields = ["added"]
    actions = ["export_selected", "export_selected_xlsx"]
    added = time_of("added_at", gettext_lazy("added"))

    def get_fields(self, request: HttpRequest, obj: BlockedEmail | None = None) -> Any:  # noqa: ARG002
        return (
            ["address", "level", "reason", "source", "added_by", "added"] if obj else ["address", "level", "reason"]
        )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        """An entry says what was known when it was made: take it off and add it anew."""
        return False

    def save_model(self, request: HttpRequest, obj: BlockedEmail, form: Any, change: bool) -> None:  # noqa: ARG002, FBT001
        user = signed_in_user(request)
        source = BlockedEmail.Source.STAFF
        block_addresses([obj.address], reason=obj.reason, source=source, by=user, level=obj.level)
        obj.pk = BlockedEmail.objects.get(key=address_key(obj.address)).pk

    def delete_model(self, request: HttpRequest, obj: BlockedEmail) -> None:
        unblock_addresses([obj.address], by=signed_in_user(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[BlockedEmail]) -> None:
        unblock_addresses(queryset.values_list("address", flat=True), by=signed_in_user(request))

    def record(self, request: HttpRequest, deed: str, obj: Any, **details: Any) -> None:
        """`broadcasts.blocking` has written it."""

    def get_urls(self) -> list[URLPattern]:
        own = [
            path("add-many/", self.admin_site.admin_view(self.add_many), name="broadcasts_blockedemail_add_many"),
            path("import/", self.admin_site.admin_view(self.import_file), name="broadcasts_blockedemail_import"),
            path("export/", self.admin_site.admin_view(self.export), name="broadcasts_blockedemail_export"),
        ]
        return own + super().get_urls()

    def add_many(self, request: HttpRequest) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = BlockManyForm(request.POST or None)
        pasted = Pasted()
        if form.is_valid():
            pasted = block_pasted(**form.cleaned_data, by=signed_in_user(request))
            self.tell_what_became_of(request, pasted)
            if not pasted.invalid:
                return redirect("admin:broadcasts_blockedemail_changelist")
            form = BlockManyForm(initial=what_is_left(pasted, form.cleaned_data))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Add many addresses"),
            "opts": self.opts,
            "form": form,
            "invalid": pasted.invalid,
        }
        return TemplateResponse(request, "admin/broadcasts/blockedemail/add_many.html", context)

    def tell_what_became_of(self, request: HttpRequest, pasted: Pasted) -> None:
        if pasted.added:
            count = len(pasted.added)
            words = ngettext("%(count)s address is blocked now.", "%(count)s addresses are blocked now.", count)
            self.message_user(request, words % {"count": count}, messages.SUCCESS)
        if pasted.known:
            count = len(pasted.known)
            words = ngettext(
                "%(count)s was on the list already or given twice: %(addresses)s",
                "%(count)s were on the list already or given twice: %(addresses)s",
                count,
            )
            shown = ", ".join(pasted.known[:20]) + (" …" if count > 20 else "")
            self.message_user(request, words % {"count": count, "addresses": shown}, messages.INFO)

    def import_file(self, request: HttpRequest) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        if "ticket" in request.POST:
            return self.confirm_import(request)
        form = BlockFileForm(request.POST, request.FILES) if request.method == "POST" else BlockFileForm()
        context = {**self.admin_site.each_context(request), "title": _("Import a CSV file"), "opts": self.opts}
        if not form.is_valid():
            page = "admin/broadcasts/blockedemail/import.html"
            return TemplateResponse(request, page, context | {"form": form}, status=422 if form.is_bound else 200)
        context |= check_page(form.read, form.cleaned_data["file"].name, signed_in_user(request))
        return TemplateResponse(request, "admin/broadcasts/blockedemail/import_check.html", context)

    def confirm_import(self, request: HttpRequest) -> HttpResponse:
        added = confirm_file(request, signed_in_user(request))
        if added is None:
            words = _("That check is more than an hour old. Nothing was stored: choose the file again.")
            self.message_user(request, words, messages.ERROR)
            return redirect("admin:broadcasts_blockedemail_import")
        count = len(added)
        words = ngettext("%(count)s address is blocked now.", "%(count)s addresses are blocked now.", count)
        self.message_user(request, words % {"count": f"{count:,}"}, messages.SUCCESS)
        return redirect("admin:broadcasts_blockedemail_changelist")

    def export(self, request: HttpRequest) -> HttpResponseBase:
        """The list as it is searched, filtered and sorted; `format` and `raw` are not for Django's own page."""
        form = Form.read(request.GET.dict())
        asked = request.GET.copy()
        for name in ("format", "raw"):
            asked.pop(name, None)
        request.GET = asked  # type: ignore[assignment]
        return self.file_response(request, self.get_changelist_instance(request).get_queryset(request), form)

    @admin.action(description=gettext_lazy("Export selected as CSV"))
    def export_selected(self, request: HttpRequest, queryset: QuerySet[BlockedEmail]) -> HttpResponseBase:
        return self.file_response(request, queryset, Form("csv"))

    @admin.action(description=gettext_lazy("Export selected as XLSX"))
    def export_selected_xlsx(self, request: HttpRequest, queryset: QuerySet[BlockedEmail]) -> HttpResponseBase:
        return self.file_response(request, queryset, Form("xlsx"))

    def file_response(
        self, request: HttpRequest, blocked: QuerySet[BlockedEmail], form: Form
    ) -> StreamingHttpResponse:
        user, label = signed_in_user(request), self.opts.verbose_name_plural
        details: dict[str, Any] = {"rows": blocked.count(), **form.details}
        audit.record(user, "blocked_email.exported", BlockedEmail(), label=str(label), **details)
        return blocked_file(blocked).response(form)
