"""What a list says, as the office fills it in. Its rules are rows beside it (rule_rows.py)."""

from collections.abc import Iterable
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from broadcasts.models import Guardianship, List, School
from broadcasts.people.cells import read_name
from broadcasts.people.lists.circles import name_for
from broadcasts.people.lists.definitions import Definition, Rule


class _Lists(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    school: School
    shows_school = False

    def label_from_instance(self, obj: Any) -> str:
        name = name_for(obj, self.school)
        return f"{name} ({obj.school})" if self.shows_school and name == obj.name else name


class ListForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=200,
        help_text=gettext_lazy("For example: Grade 5 families."),
        error_messages={"required": gettext_lazy("Give the list a name.")},
    )
    target = forms.ChoiceField(
        label=gettext_lazy("Who is written to"),
        choices=List.Target.choices,
        widget=forms.RadioSelect,
        help_text=gettext_lazy(
            "The contacts are the people whom you add or who fit the rules, students for example."
        ),
    )
    categories = forms.MultipleChoiceField(
        label=gettext_lazy("Only these guardians"),
        choices=Guardianship.Category.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("Nothing ticked: guardians of every category. A mark “do not contact” always holds."),
    )
    included = _Lists(
        List.objects.none(),
        label=gettext_lazy("Include everybody of these lists"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    excluded = _Lists(
        List.objects.none(),
        label=gettext_lazy("Leave out everybody of these lists"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("Who is on one of them is left out, whatever else says that they are on this list."),
    )
    is_published = forms.BooleanField(
        label=gettext_lazy("Publish it to other schools"),
        required=False,
        help_text=gettext_lazy("Their staff may send to it and see who is on it. Only your school may change it."),
    )

    def __init__(self, *args: Any, found: List, definition: Definition, **kwargs: Any) -> None:
        initial = {
            "name": found.name,
            "target": definition.target,
            "categories": definition.categories,
            "included": definition.included,
            "excluded": definition.excluded,
            "is_published": definition.is_published,
        }
        super().__init__(*args, **{**kwargs, "initial": initial})
        self.found, self.before = found, definition
        others = List.objects.usable_by(found.school).exclude(pk=found.pk).select_related("school")
        others |= List.objects.filter(pk__in=definition.parts).select_related("school")
        for name in ("included", "excluded"):
            field = cast("_Lists", self.fields[name])
            field.queryset, field.school = others, found.school
            field.shows_school = any(one.school_id != found.school_id for one in others)
        self.has_others = bool(others)

    def clean_name(self) -> str:
        name = read_name(self.cleaned_data["name"])
        if not name:
            raise ValidationError(_("Give the list a name."))
        same = List.objects.filter(school=self.found.school, name__iexact=name).exclude(pk=self.found.pk)
        if same.exists():
            raise ValidationError(_("There is a list of this name. Take another name."))
        return name

    def clean(self) -> None:
        both = set(self.cleaned_data.get("included", ())) & set(self.cleaned_data.get("excluded", ()))
        if both:
            words = _("%(list)s is ticked in both places: either include it or leave it out.")
            self.add_error(
                "excluded", words % {"list": ", ".join(sorted(name_for(one, self.found.school) for one in both))}
            )

    def definition(self, rules: Iterable[Rule]) -> Definition:
        """What the form says; for a field that is filled in wrongly, what the list says until now."""
        said = self.cleaned_data
        included = _numbers(said["included"]) if "included" in said else self.before.included
        excluded = _numbers(said["excluded"]) if "excluded" in said else self.before.excluded
        return Definition(
            school_id=self.found.school_id,
            number=self.found.pk,
            is_by_rules=self.found.is_by_rules,
            target=said.get("target", self.before.target),
            categories=tuple(said.get("categories", self.before.categories)),
            is_published=said.get("is_published", self.before.is_published),
            rules=tuple(rules),
            included=included,
            excluded=excluded,
        )


def _numbers(lists: Iterable[List]) -> tuple[int, ...]:
    return tuple(sorted(one.pk for one in lists))
