"""What somebody fills in before something is done to the people of many rows."""

from typing import Any
from uuid import uuid4

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from broadcasts.blocking import OnList
from broadcasts.models import BlockLevel, School
from broadcasts.people.cells import read_name


class BlockRowsForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=500,
        help_text=gettext_lazy("For example: “Left the school in June.” It is kept with each address."),
        error_messages={"required": gettext_lazy("Say why. It is kept with each address.")},
    )
    level = forms.ChoiceField(
        label=gettext_lazy("Blocks"),
        choices=BlockLevel.choices,
        initial=BlockLevel.EVERYTHING,
        widget=forms.RadioSelect,
        help_text=gettext_lazy("“Everything except Emergency” still lets broadcasts of an emergency type through."),
    )
    # How many addresses the reader was told of.
    expected = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: Any, found: OnList) -> None:
        super().__init__(data, initial={"expected": found.addresses, "level": BlockLevel.EVERYTHING})
        self.found = found

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        expected = values.get("expected")
        if expected is None or expected < self.found.addresses:
            words = _("There are more addresses now than this page said. Look at the number again, and then confirm.")
            posted: Any = self.data
            self.data = posted.dict() | {"expected": str(self.found.addresses)}
            raise forms.ValidationError(words)
        return values


class ListOfRowsForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("Name of the list"),
        max_length=200,
        error_messages={"required": gettext_lazy("Give the list a name.")},
    )
    press = forms.CharField(required=False, max_length=36, widget=forms.HiddenInput)

    def __init__(self, data: Any, name: str) -> None:
        super().__init__(data, initial={"name": name[:200], "press": uuid4()})

    def clean_name(self) -> str:
        name = read_name(self.cleaned_data["name"])
        if not name:
            raise forms.ValidationError(_("Give the list a name."))
        return name


class SchoolOfRowsForm(forms.Form):
    of_school = forms.ModelChoiceField(
        School.objects.none(),
        label=gettext_lazy("School"),
        empty_label=gettext_lazy("Choose a school"),
        error_messages={
            "required": gettext_lazy("Choose a school: a list belongs to one."),
            "invalid_choice": gettext_lazy("None of these rows is of this school. Choose one from the list."),
        },
    )

    def __init__(self, data: Any, schools: list[School]) -> None:
        super().__init__(data)
        self.fields["of_school"].queryset = School.objects.filter(  # type: ignore[attr-defined]
            pk__in=[school.pk for school in schools]
        )
