"""Which days, and which school: what the address of the page says."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from broadcasts.models import School, User
from reports.email_log.filters import NOT_A_DAY, REASONABLE_DAYS

DEFAULT = "90-days"
SCHOOL_YEAR_BEGINS = (8, 1)


@dataclass(frozen=True)
class Period:
    """Both days are included; they are days of each broadcast's school."""

    first: date
    last: date


def school_year(today: date) -> Period:
    begins = today.replace(month=SCHOOL_YEAR_BEGINS[0], day=SCHOOL_YEAR_BEGINS[1])
    return Period(begins if begins <= today else begins.replace(year=begins.year - 1), today)


def periods(today: date) -> dict[str, Period]:
    return {
        "30-days": Period(today - timedelta(days=29), today),
        DEFAULT: Period(today - timedelta(days=89), today),
        "school-year": school_year(today),
    }


NAMES: Mapping[str, Promise] = {
    "30-days": _("Last 30 days"),
    DEFAULT: _("Last 90 days"),
    "school-year": _("This school year"),
}


def _day() -> forms.DateField:
    return forms.DateField(
        error_messages={**NOT_A_DAY, "required": _("Choose a day.")},
        validators=REASONABLE_DAYS,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )


def _school(user: User) -> "forms.ModelChoiceField[School]":
    return forms.ModelChoiceField(
        label=_("School"),
        queryset=user.schools,
        required=False,
        empty_label=_("All schools"),
        error_messages={"invalid_choice": _("There is no such school. Choose one from the list.")},
    )


class PeriodForm(forms.Form):
    first = _day()
    last = _day()

    def __init__(self, params: QueryDict, user: User, today: date) -> None:
        """Without days in the address, those of the period that it names."""
        self.periods = periods(today)
        data = {name: params[name] for name in ("first", "last", "school") if name in params}
        if not ("first" in data or "last" in data):
            named = self.periods.get(params.get("period", ""), self.periods[DEFAULT])
            data |= {"first": named.first.isoformat(), "last": named.last.isoformat()}
        super().__init__(data)
        self.fields["first"].label, self.fields["last"].label = _("First day"), _("Last day")
        self.fields["last"].help_text = _(
            "Both days are included. A broadcast belongs to the day, on its school's clock, on which it began to be "
            "sent."
        )
        if user.schools.count() > 1:
            self.fields["school"] = _school(user)

    def clean(self) -> dict[str, Any]:
        first, last = self.cleaned_data.get("first"), self.cleaned_data.get("last")
        if first and last and first > last:
            self.add_error("last", gettext("The last day is before the first day. Change one of them."))
        return self.cleaned_data

    @property
    def period(self) -> Period:
        return Period(self.cleaned_data["first"], self.cleaned_data["last"])

    @property
    def school_chosen(self) -> School | None:
        return self.cleaned_data.get("school")

    @property
    def shortcuts(self) -> list[tuple[str, Promise, bool]]:
        """Name in the address, words, and whether it is what the page shows."""
        shown = self.period if self.is_valid() else None
        return [(name, NAMES[name], period == shown) for name, period in self.periods.items()]
