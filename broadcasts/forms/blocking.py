"""Why a block is lifted."""

from django import forms
from django.utils.translation import gettext_lazy as _


class LiftForm(forms.Form):
    reason = forms.CharField(
        label=_("Why may we write to it again?"),
        max_length=500,
        help_text=_("For example: “The mother called on May 3 and asked for our emails.” It is kept on record."),
        error_messages={"required": _("Say why. It is kept on record with your name.")},
    )
