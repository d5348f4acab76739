"""Which broadcast types to switch on or off for many people at once."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from broadcasts.models import BroadcastType

ON, OFF = "on", "off"
CHOICES = [("", gettext_lazy("Leave as it is")), (ON, gettext_lazy("Switch on")), (OFF, gettext_lazy("Switch off"))]


class SwitchForm(forms.Form):
    only_valid = forms.BooleanField(
        label=gettext_lazy("Only valid addresses"),
        required=False,
        help_text=gettext_lazy("Leaves out those that no mail can be addressed to."),
    )

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        self.kinds = {f"type_{kind.pk}": kind for kind in BroadcastType.objects.filter(is_active=True)}
        types = {
            name: forms.ChoiceField(
                label=kind.name,
                choices=CHOICES,
                required=False,
                help_text=_("Required: families cannot switch it off themselves.") if kind.is_required else "",
            )
            for name, kind in self.kinds.items()
        }
        self.fields = {**types, **self.fields}

    @property
    def type_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.kinds]

    def clean(self) -> None:
        if not self.errors and not self.wanted:
            raise ValidationError(_("Say for at least one type whether it is to be switched on or off."))

    @property
    def wanted(self) -> dict[BroadcastType, bool]:
        chosen = {name: self.cleaned_data.get(name) for name in self.kinds}
        return {kind: chosen[name] == ON for name, kind in self.kinds.items() if chosen[name]}
