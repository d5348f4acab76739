"""An address that does not work, and what it should have been."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from broadcasts.addresses import address_key, explain_invalid
from broadcasts.models import EmailAddress


class CorrectAddressForm(forms.Form):
    address = forms.CharField(
        label=gettext_lazy("Right address"),
        max_length=320,
        # Browsers let type=email have no letters but ASCII's before the @, whatever the setting says.
        widget=forms.TextInput({"inputmode": "email", "autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": gettext_lazy("Type the right address.")},
    )

    def __init__(self, *args: Any, wrong: EmailAddress, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.wrong = wrong

    def clean_address(self) -> str:
        typed: str = self.cleaned_data["address"]
        if problem := explain_invalid(typed):
            raise ValidationError(problem)
        # What was no address may have become one by a setting.
        if self.wrong.is_valid and address_key(typed) == self.wrong.key:
            raise ValidationError(_("That is the address there is. Type another one, or press “It is right”."))
        return typed
