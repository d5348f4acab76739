"""Which rows of the Email Log somebody asks for. Everything is in the address of the page."""

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import django_filters
from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import QuerySet
from django.forms.utils import flatatt
from django.http import QueryDict
from django.template.defaultfilters import date as format_date
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from broadcasts.models import Broadcast, BroadcastType, Delivery, School, Sender, User
from broadcasts.results import LABELS, Result
from reports.email_log.days import within_days
from reports.email_log.wanted import Wanted, words_of
from reports.explanations import slug_of
from reports.result_groups import GROUPS, labels_of

BROADCASTS_TO_CHOOSE_FROM = 200
ATTEMPTS = {"0": (0, 0), "1": (1, 1), "2": (2, 2), "more": (3, 30_000)}
OF_BROADCASTS = {"broadcast": "pk", "type": "broadcast_type__slug", "school": "school", "sender": "sender"}
OFFERED = ("name", "prepared_at", "school_id")
MORE = ("sender", "attempts", "doubt", "late")
REASONABLE_DAYS = [
    MinValueValidator(date(2000, 1, 1), _("Choose a day after the year 1999.")),
    MaxValueValidator(date(2100, 1, 1), _("Choose a day before the year 2100.")),
]
NOT_A_DAY = {"invalid": _("This is not a day. Write it like 2026-05-11.")}


class LongSelect(forms.Select):
    """Django renders a template for each choice; hundreds of broadcasts would take longer than the table."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:  # noqa: ARG002
        chosen = {str(one) for one in self.format_value(value)}
        options = [(pk, mark_safe(" selected") if str(pk) in chosen else "", words) for pk, words in self.choices]
        listed = format_html_join("", '<option value="{}"{}>{}</option>', options)
        own = flatatt(self.build_attrs(self.attrs, {"name": name, **(attrs or {})}))
        return format_html("<select{}>{}</select>", own, listed)


def _in_words(field: forms.BoundField, value: object) -> str:
    """What was chosen in this field; of a box, which says it itself, nothing."""
    if isinstance(value, bool):
        return ""
    if isinstance(value, date):
        return format_date(value, "M j, Y")
    if isinstance(field.field, forms.ModelChoiceField):
        return str(value)
    return str(dict(getattr(field.field, "choices", ())).get(value, value))


class DeliveryFilterForm(forms.Form):
    def clean(self) -> dict[str, Any]:
        values = self.cleaned_data
        first, last = values.get("date_from"), values.get("date_to")
        if first and last and first > last:
            self.add_error("date_to", gettext("The last day is before the first day. Change one of them."))
        return values


def type_choices() -> list[tuple[str, str]]:
    return list(BroadcastType.objects.values_list("slug", "name"))


def _name(broadcast: Broadcast, school: School, *, with_school: bool) -> str:
    day = format_date(timezone.localtime(broadcast.prepared_at, ZoneInfo(school.time_zone)), "M j, Y")
    return " · ".join([str(broadcast), day, *([school.name] if with_school else [])])


class DeliveryFilter(django_filters.FilterSet):  # type: ignore[misc]
    q = django_filters.CharFilter(
        label=_("Name or address"),
        max_length=200,
        help_text=_("A part is enough."),
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off"}),
    )
    broadcast = django_filters.ModelChoiceFilter(
        label=_("Broadcast"),
        widget=LongSelect,
        queryset=Broadcast.objects.none(),
        empty_label=_("All broadcasts"),
        error_messages={"invalid_choice": _("There is no such broadcast. Choose one from the list.")},
    )
    type = django_filters.ChoiceFilter(
        label=_("Type"),
        choices=type_choices,
        empty_label=_("All types"),
        error_messages={"invalid_choice": _("There is no such type. Choose one from the list.")},
    )
    school = django_filters.ModelChoiceFilter(
        label=_("School"),
        queryset=School.objects.none(),
        empty_label=_("All schools"),
        error_messages={"invalid_choice": _("There is no such school. Choose one from the list.")},
    )
    date_from = django_filters.DateFilter(
        label=_("First day"),
        error_messages=NOT_A_DAY,
        validators=REASONABLE_DAYS,
        help_text=_(
            "The days are those of the Last Attempt; rows without an attempt go by the day their broadcast started."
        ),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    date_to = django_filters.DateFilter(
        label=_("Last day"),
        error_messages=NOT_A_DAY,
        validators=REASONABLE_DAYS,
        help_text=_("This day is included."),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    result = django_filters.ChoiceFilter(
        label=_("Delivery Results"),
        choices=[
            *((slug_of(label), Result(codes[0]).label) for label, codes in LABELS.items()),
            *((group.slug, group.label) for group in GROUPS.values()),
        ],
        widget=forms.HiddenInput,
        error_messages={"invalid_choice": _("There is no such result. Choose one from the list.")},
    )

    sender = django_filters.ModelChoiceFilter(
        label=_("Sender"),
        queryset=Sender.objects.none(),
        empty_label=_("All senders"),
        error_messages={"invalid_choice": _("There is no such sender. Choose one from the list.")},
    )
    attempts = django_filters.ChoiceFilter(
        label=_("Attempts"),
        choices=[("0", _("never tried")), ("1", _("once")), ("2", _("twice")), ("more", _("three times or more"))],
        empty_label=_("Any number"),
        error_messages={"invalid_choice": _("There is no such number. Choose one from the list.")},
    )
    doubt = django_filters.BooleanFilter(
        label=_("Only emails in doubt"),
        widget=forms.CheckboxInput,
        help_text=_(
            "The connection broke before the mail server said whether it took them, so nobody knows if they arrive."
        ),
    )

    late = django_filters.BooleanFilter(
        label=_("Only emails that bounced later"),
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
        super().__init__(data, Delivery.objects.none())
        self.user = user
        self.schools = list(user.schools)
        self.has_several_schools = len(self.schools) > 1
        self.broadcasts = Broadcast.objects.visible_to(user).filter(prepared_at__isnull=False)
        self.filters["broadcast"].queryset = self.broadcasts
        self.filters["school"].queryset = user.schools
        seen = self.broadcasts.order_by().values("sender")
        self.filters["sender"].queryset = Sender.objects.filter(pk__in=seen)
        self._shorten_choices(self.broadcasts)
        if not self.has_several_schools:
            self.form.fields["school"].widget = forms.HiddenInput()

    def _shorten_choices(self, broadcasts: QuerySet[Broadcast]) -> None:
        """Years of broadcasts would make the page heavy: offer the latest, and the chosen one."""
        field = self.form.fields["broadcast"]
        offered = list(broadcasts.only(*OFFERED).order_by("-pk")[:BROADCASTS_TO_CHOOSE_FROM])
        if self.chosen_broadcast and self.chosen_broadcast not in offered:
            offered.append(self.chosen_broadcast)
        schools = {school.pk: school for school in self.schools}
        several = self.has_several_schools
        named = [(each.pk, _name(each, schools[each.school_id], with_school=several)) for each in offered]
        field.widget.choices = [("", field.empty_label), *named]

    @property
    def chosen_broadcast(self) -> Broadcast | None:
        """The one broadcast that the rows are limited to."""
        chosen = self.form.cleaned_data.get("broadcast") if not self.errors.get("broadcast") else None
        return chosen if isinstance(chosen, Broadcast) else None

    @property
    def slug(self) -> str:
        """The slug of the chosen label, or of a group of them; or empty."""
        return self.form.cleaned_data.get("result") or ""

    @property
    def labels(self) -> tuple[str, ...]:
        """Those of the ten that are wanted; none: any."""
        return labels_of(self.slug)

    @property
    def is_filtered(self) -> bool:
        return bool(self.errors) or any(self.form.cleaned_data.values())

    @property
    def in_words(self) -> list[tuple[str, str]]:
        """What is asked for as the form says it: a print shows no form."""
        asked = self.form.cleaned_data
        return [
            (str(field.label), _in_words(field, asked[field.name])) for field in self.form if asked.get(field.name)
        ]

    @property
    def first_fields(self) -> list[forms.BoundField]:
        return [field for field in self.form.visible_fields() if field.name not in MORE]

    @property
    def more_fields(self) -> list[forms.BoundField]:
        return [self.form[name] for name in MORE]

    @property
    def asks_for_more(self) -> bool:
        """Whether a filter that is otherwise folded away is in use."""
        return any(self.form.cleaned_data.get(name) for name in MORE) or any(self.errors.get(name) for name in MORE)

    @property
    def wanted(self) -> Wanted | None:
        """None: something asked for makes no sense, and rows that nobody asked for would pass for the answer."""
        if not self.is_valid():
            return None
        asked = self.form.cleaned_data
        wanted = Wanted(
            broadcasts=self._wanted_broadcasts(asked),
            results=[int(code) for label in self.labels for code in LABELS[label]],
            attempts=ATTEMPTS.get(asked["attempts"]),
            words=words_of(asked["q"]),
            late=bool(asked["late"]),
            doubt=bool(asked["doubt"]),
        )
        return within_days(wanted, self.broadcasts, self.schools, asked["date_from"], asked["date_to"])

    def _wanted_broadcasts(self, asked: dict[str, Any]) -> list[int] | None:
        narrowed = self.broadcasts
        for name, lookup in OF_BROADCASTS.items():
            if asked[name]:
                narrowed = narrowed.filter(**{lookup: getattr(asked[name], "pk", asked[name])})
        if self.user.is_administrator and narrowed is self.broadcasts:
            return None
        return list(narrowed.order_by().values_list("pk", flat=True))
