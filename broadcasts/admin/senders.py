import unicodedata

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext_lazy

from broadcasts.addresses import explain_invalid
from broadcasts.admin.recording import RecordedAdmin
from broadcasts.models import Sender


class SenderForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Sender
        fields = ["school", "name", "address", "reply_to", "max_per_minute", "is_active"]

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        if any(unicodedata.category(character) in {"Cc", "Zl", "Zp"} for character in name):
            raise ValidationError(_("A From name is one line: take out the line break."))
        return name

    def clean_address(self) -> str:
        return self._mailable("address")

    def clean_reply_to(self) -> str:
        return self._mailable("reply_to")

    def _mailable(self, field: str) -> str:
        address = str(self.cleaned_data[field])
        if address and (why := explain_invalid(address, of_sender=True)):
            raise ValidationError(why)
        return address


@admin.register(Sender)
class SenderAdmin(RecordedAdmin[Sender]):
    form = SenderForm
    list_display = ["name", "address", "reply_to", "school", "max_per_minute", "is_active"]
    list_filter = ["is_active", "school"]
    list_select_related = ["school"]
    search_fields = ["name", "address", "reply_to"]
    in_use_by = [
        (
            "broadcasts",
            ngettext_lazy("%(count)s broadcast comes from it", "%(count)s broadcasts come from it", "count"),
        ),
    ]
