"""Finding a broadcast in the list of them; the URL holds the choice."""

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from broadcasts.models import Broadcast


class BroadcastFilterForm(forms.Form):
    q = forms.CharField(
        label=_("Subject contains"), required=False, max_length=255, widget=forms.TextInput({"type": "search"})
    )
    status = forms.ChoiceField(
        label=_("Status"), required=False, choices=[("", _("Every status")), *Broadcast.Status.choices]
    )

    def filter(self, broadcasts: QuerySet[Broadcast]) -> QuerySet[Broadcast]:
        """A choice that does not exist filters nothing; the form says so."""
        self.full_clean()
        chosen = self.cleaned_data
        if words := chosen.get("q"):
            broadcasts = broadcasts.filter(name__icontains=words)
        if status := chosen.get("status"):
            broadcasts = broadcasts.filter(status=status)
        return broadcasts

    @property
    def is_used(self) -> bool:
        return any(self.data.get(name) for name in self.fields)
