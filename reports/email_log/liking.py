"""How one user likes the Email Log: what is remembered between visits. What rows it shows is in its address alone."""

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from broadcasts.models import User
from reports.email_log.pages import PLACES, ROWS_A_PAGE
from reports.email_log.table import ALWAYS_SHOWN, COLUMNS
from reports.models import LogView

MAY_HIDE = [(name, label) for name, label in COLUMNS.items() if name not in ALWAYS_SHOWN]


class ColumnsForm(forms.Form):
    columns = forms.MultipleChoiceField(
        label=_("Columns"), choices=MAY_HIDE, required=False, widget=forms.CheckboxSelectMultiple
    )
    rows = forms.TypedChoiceField(label=_("Rows a page"), choices=[(n, n) for n in ROWS_A_PAGE], coerce=int)
    query = forms.CharField(required=False, max_length=2000, widget=forms.HiddenInput)

    @classmethod
    def of(cls, liking: LogView) -> "ColumnsForm":
        shown = [name for name, _ in MAY_HIDE if name not in liking.hidden]
        return cls(initial={"columns": shown, "rows": liking.rows})

    def clean_query(self) -> str:
        """The filters and the order; no page, for pages may have another size now."""
        asked = QueryDict(self.cleaned_data["query"], mutable=True)
        for name in (*PLACES, "per_page"):
            asked.pop(name, None)
        return asked.urlencode()


def liking_of(user: User) -> LogView:
    return LogView.objects.filter(user=user).first() or LogView(user=user)


def remember(user: User, form: ColumnsForm) -> None:
    shown = form.cleaned_data["columns"]
    hidden = [name for name, _ in MAY_HIDE if name not in shown]
    LogView.objects.update_or_create(user=user, defaults={"hidden": hidden, "rows": form.cleaned_data["rows"]})
