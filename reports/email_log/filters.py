"""Which rows of the Email Log somebody asks for. Everything is in the address of the page."""

from collections import defaultdict
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import django_filters
from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce
from django.http import QueryDict
from django.template.defaultfilters import date as format_date
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from broadcasts.delivering.doubts import doubtful
from broadcasts.models import Broadcast, BroadcastType, Delivery, User
from broadcasts.results import LABELS, Result
from reports.explanations import LABELS_BY_SLUG, slug_of

BROADCASTS_TO_CHOOSE_FROM = 200
MOST_WORDS = 8
REASONABLE_DAYS = [
    MinValueValidator(date(2000, 1, 1), _("Choose a day after the year 1999.")),
    MaxValueValidator(date(2100, 1, 1), _("Choose a day before the year 2100.")),
]
NOT_A_DAY = {"invalid": _("This is not a day. Write it like 2026-05-11.")}


class DeliveryFilterForm(forms.Form):
    def clean(self) -> dict[str, Any]:
        values = self.cleaned_data
        first, last = values.get("date_from"), values.get("date_to")
        if first and last and first > last:
            self.add_error("date_to", gettext("The last day is before the first day. Change one of them."))
        return values


def type_choices() -> list[tuple[str, str]]:
    return list(BroadcastType.objects.values_list("slug", "name"))


def _name(broadcast: Broadcast, *, with_school: bool) -> str:
    day = format_date(timezone.localtime(broadcast.prepared_at, ZoneInfo(broadcast.school.time_zone)), "M j, Y")
    return " · ".join([str(broadcast), day, *([broadcast.school.name] if with_school else [])])


class DeliveryFilter(django_filters.FilterSet):  # type: ignore[misc]
    q = django_filters.CharFilter(
        label=_("Name or address"),
        method="filter_text",
        max_length=200,
        help_text=_("A part is enough."),
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off"}),
    )
    broadcast = django_filters.ModelChoiceFilter(
        label=_("Broadcast"),
        queryset=Broadcast.objects.none(),
        empty_label=_("All broadcasts"),
        error_messages={"invalid_choice": _("There is no such broadcast. Choose one from the list.")},
    )
    type = django_filters.ChoiceFilter(
        label=_("Type"),
        field_name="broadcast__broadcast_type__slug",
        choices=type_choices,
        empty_label=_("All types"),
        error_messages={"invalid_choice": _("There is no such type. Choose one from the list.")},
    )
    date_from = django_filters.DateFilter(
        label=_("First day"),
        method="filter_from",
        error_messages=NOT_A_DAY,
        validators=REASONABLE_DAYS,
        help_text=_(
            "The days are those of the Last Attempt; rows without an attempt go by the day their broadcast started."
        ),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    date_to = django_filters.DateFilter(
        label=_("Last day"),
        method="filter_to",
        error_messages=NOT_A_DAY,
        validators=REASONABLE_DAYS,
        help_text=_("This day is included."),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    result = django_filters.ChoiceFilter(
        label=_("Delivery Results"),
        method="filter_result",
        choices=[(slug_of(label), Result(codes[0]).label) for label, codes in LABELS.items()],
        widget=forms.HiddenInput,
        error_messages={"invalid_choice": _("There is no such result. Choose one from the list.")},
    )

    doubt = django_filters.BooleanFilter(
        label=_("Only emails in doubt"),
        method="filter_doubt",
        widget=forms.CheckboxInput,
        help_text=_(
            "The connection broke before the mail server said whether it took them, so nobody knows if they arrive."
        ),
    )

    late = django_filters.BooleanFilter(
        label=_("Only emails that bounced later"),
        method="filter_late",
        widget=forms.CheckboxInput,
        help_text=_("They counted as Delivered or Opened first, and then came back."),
    )

    class Meta:
        model = Delivery
        fields: list[str] = []
        form = DeliveryFilterForm

    def __init__(self, params: QueryDict, user: User) -> None:
        data = params.copy()
        if "result" in data:  # links may carry the label as well as its slug
            data["result"] = slug_of(str(params["result"])).replace("_", "-")
        super().__init__(data, Delivery.objects.visible_to(user))
        self.user = user
        self.has_several_schools = user.schools.count() > 1
        broadcasts = Broadcast.objects.visible_to(user).filter(prepared_at__isnull=False)
        self.filters["broadcast"].queryset = broadcasts
        self._shorten_choices(broadcasts)

    def _shorten_choices(self, broadcasts: QuerySet[Broadcast]) -> None:
        """Years of broadcasts would make the page heavy: offer the latest, and the chosen one."""
        field = self.form.fields["broadcast"]
        offered = list(broadcasts.select_related("school")[:BROADCASTS_TO_CHOOSE_FROM])
        if self.chosen_broadcast and self.chosen_broadcast not in offered:
            offered.append(self.chosen_broadcast)
        named = [(each.pk, _name(each, with_school=self.has_several_schools)) for each in offered]
        field.widget.choices = [("", field.empty_label), *named]

    @property
    def chosen_broadcast(self) -> Broadcast | None:
        """The one broadcast that the rows are limited to."""
        chosen = self.form.cleaned_data.get("broadcast") if not self.errors.get("broadcast") else None
        return chosen if isinstance(chosen, Broadcast) else None

    @property
    def label(self) -> str:
        """The chosen one of the ten labels, or empty."""
        return LABELS_BY_SLUG.get(self.form.cleaned_data.get("result") or "", "")

    @property
    def is_filtered(self) -> bool:
        return bool(self.errors) or any(self.form.cleaned_data.values())

    @property
    def asks_for_more(self) -> bool:
        """Whether a filter that is otherwise folded away is in use."""
        return any(self.form.cleaned_data.get(name) for name in ("doubt", "late"))

    def any_result(self) -> "QuerySet[Delivery]":
        """What all other filters leave: what the counts beside the results count."""
        rows: QuerySet[Delivery] = self.queryset
        if not self.is_valid():
            return rows.none()  # rows that nobody asked for would pass for the answer
        for name, value in self.form.cleaned_data.items():
            if name != "result":
                rows = self.filters[name].filter(rows, value)
        return rows

    def filter_queryset(self, queryset: "QuerySet[Delivery]") -> "QuerySet[Delivery]":  # noqa: ARG002
        return self.filter_result(self.any_result(), "result", self.form.cleaned_data.get("result"))

    def filter_result(self, rows: "QuerySet[Delivery]", _name: str, slug: str | None) -> "QuerySet[Delivery]":
        return rows.filter(result__in=LABELS[LABELS_BY_SLUG[slug]]) if slug else rows

    def filter_text(self, rows: "QuerySet[Delivery]", _name: str, text: str) -> "QuerySet[Delivery]":
        words = text.split()
        for word in words if len(words) <= MOST_WORDS else [text]:
            rows = rows.filter(Q(name__icontains=word) | Q(email__icontains=word))
        return rows

    def filter_doubt(self, rows: "QuerySet[Delivery]", _name: str, only: bool) -> "QuerySet[Delivery]":  # noqa: FBT001
        return rows.filter(doubtful(timezone.now())) if only else rows

    def filter_late(self, rows: "QuerySet[Delivery]", _name: str, only: bool) -> "QuerySet[Delivery]":  # noqa: FBT001
        return rows.filter(late_bounce_at__isnull=False) if only else rows

    def filter_from(self, rows: "QuerySet[Delivery]", _name: str, day: date) -> "QuerySet[Delivery]":
        return self._on_school_days(rows, "gte", day)

    def filter_to(self, rows: "QuerySet[Delivery]", _name: str, day: date) -> "QuerySet[Delivery]":
        return self._on_school_days(rows, "lt", day + timedelta(days=1))

    def _on_school_days(self, rows: "QuerySet[Delivery]", lookup: str, day: date) -> "QuerySet[Delivery]":
        """A day begins when it begins at the row's school."""
        schools: dict[str, list[int]] = defaultdict(list)
        for pk, zone in self.user.schools.values_list("pk", "time_zone"):
            schools[zone].append(pk)
        begins = {zone: datetime.combine(day, time.min, ZoneInfo(zone)) for zone in schools}
        wanted = Q(pk__in=[])
        for zone, pks in schools.items():
            condition = Q(**{f"when__{lookup}": begins[zone]})
            wanted |= condition if len(schools) == 1 else condition & Q(broadcast__school__in=pks)
        return rows.alias(when=Coalesce("last_attempt_at", "broadcast__prepared_at")).filter(wanted)
