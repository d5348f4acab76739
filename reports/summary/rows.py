"""All broadcasts that have begun, each with its ten counts, as a query that can be sorted by any of them."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.db.models import Case, F, FloatField, QuerySet, Sum, Value, When
from django.db.models.functions import Coalesce, NullIf
from django.utils.translation import gettext_lazy as _

from broadcasts.models import Broadcast, BroadcastType, School, User
from broadcasts.results import LABELS
from reports.explanations import slug_of
from reports.rates import ARRIVED, TRIED

Status = Broadcast.Status
# Column name → the codes it counts. Names are those of the columns and of the address's `sort`.
COUNTED: Mapping[str, tuple[int, ...]] = {
    **{slug_of(label).replace("-", "_"): codes for label, codes in LABELS.items()},
    "tried": TRIED,
    "arrived": ARRIVED,
}
BEGUN = [choice for choice in Status.choices if choice[0] != Status.DRAFT]


def summarise(user: User) -> QuerySet[Broadcast]:
    """With the counts as attributes; all of one query are of one moment."""
    begun = Broadcast.objects.visible_to(user).exclude(status=Status.DRAFT)
    sums: dict[str, Any] = {name: _sum(codes) for name, codes in COUNTED.items()}
    counted = begun.annotate(recipients=Coalesce(Sum("result_counts__count"), 0), **sums)
    share = Value(1.0, output_field=FloatField()) / NullIf(F("tried"), 0)
    return counted.annotate(delivered_share=F("arrived") * share, opened_share=F("opened") * share)


def _sum(codes: tuple[int, ...]) -> Coalesce:
    return Coalesce(Sum(Case(When(result_counts__result__in=codes, then="result_counts__count"))), 0)


class SummaryForm(forms.Form):
    q = forms.CharField(
        label=_("Subject contains"), required=False, max_length=255, widget=forms.TextInput({"type": "search"})
    )
    type = forms.ModelChoiceField(
        label=_("Type"), required=False, queryset=BroadcastType.objects.all(), to_field_name="slug",
        empty_label=_("All types"),
    )  # fmt: skip
    school = forms.ModelChoiceField(
        label=_("School"), required=False, queryset=School.objects.none(), to_field_name="slug",
        empty_label=_("All schools"),
    )  # fmt: skip
    status = forms.ChoiceField(label=_("Status"), required=False, choices=[("", _("Every status")), *BEGUN])
    since = forms.DateField(
        label=_("Sent on or after"),
        required=False,
        error_messages={"invalid": _("This is not a day. Write it like 2026-05-11.")},
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    def __init__(self, data: Any, user: User) -> None:
        super().__init__(data)
        schools = user.schools
        self.fields["school"].queryset = schools  # type: ignore[attr-defined]
        if schools.count() < 2:
            del self.fields["school"]

    @property
    def is_used(self) -> bool:
        return any(self.data.get(name) for name in self.fields)

    def filter(self, broadcasts: QuerySet[Broadcast]) -> QuerySet[Broadcast]:
        """A choice that does not exist filters nothing; the form says so."""
        self.full_clean()
        conditions = {
            "q": "name__icontains",
            "type": "broadcast_type",
            "school": "school",
            "status": "status",
            "since": "send_at__date__gte",
        }
        chosen = {
            condition: value for name, condition in conditions.items() if (value := self.cleaned_data.get(name))
        }
        return broadcasts.filter(**chosen)
