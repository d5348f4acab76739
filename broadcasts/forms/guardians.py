"""Who is whose guardian, and who is not to be contacted about a student."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from broadcasts.forms.people import read_address
from broadcasts.models import Guardianship, Person, User
from broadcasts.people.cells import read_name
from broadcasts.people.finding import find_people
from broadcasts.people.relating import Relation

SOMEBODY_NEW = "new"
FOUND = 20


class RelationForm(forms.Form):
    """Each field remembers what the page showed, as in PersonForm."""

    category = forms.ChoiceField(
        label=gettext_lazy("Category"), choices=Guardianship.Category.choices, show_hidden_initial=True
    )
    priority = forms.IntegerField(
        label=gettext_lazy("Priority"),
        min_value=1,
        max_value=99,
        show_hidden_initial=True,
        help_text=gettext_lazy("1 is called first."),
        error_messages={"required": gettext_lazy("Write a number: 1 is called first.")},
    )
    do_not_contact = forms.BooleanField(
        label=gettext_lazy("Do not contact"),
        required=False,
        show_hidden_initial=True,
        help_text=gettext_lazy(
            "For a court order. Nothing about this student is sent to this person, whatever the list and the "
            "broadcast type, emergencies too."
        ),
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=200,
        required=False,
        help_text=gettext_lazy(
            "Needed when you set or lift “do not contact”: for example the date of the court order. It is kept on "
            "record."
        ),
    )

    def clean_reason(self) -> str:
        return " ".join(self.cleaned_data["reason"].split())

    def clean(self) -> None:
        if (
            "do_not_contact" in self.changed_data
            and not self.cleaned_data.get("reason")
            and "reason" not in self.errors
        ):
            self.add_error("reason", _("Write in a few words why “do not contact” changes."))

    @property
    def changes(self) -> dict[str, str | int | bool]:
        return {name: self.cleaned_data[name] for name in self.changed_data if name != "reason"}

    @property
    def reason_given(self) -> str:
        return str(self.cleaned_data["reason"])


class GuardianForm(RelationForm):
    """One of the people who were found, or somebody new."""

    q = forms.CharField(
        label=gettext_lazy("Name, address or SIS id"),
        max_length=200,
        required=False,
        widget=forms.TextInput({"type": "search", "autocomplete": "off"}),
    )
    person = forms.ChoiceField(
        label=gettext_lazy("Who is it?"),
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Choose one of these people, or say that it is somebody new.")},
    )
    name = forms.CharField(
        label=gettext_lazy("Name"), max_length=200, required=False, help_text=gettext_lazy("Needed for somebody new.")
    )
    address = forms.CharField(
        label=gettext_lazy("Email address"),
        max_length=320,
        required=False,
        widget=forms.TextInput({"inputmode": "email", "autocomplete": "off", "spellcheck": "false"}),
    )
    field_order = ("q", "person", "name", "address", "category", "priority", "do_not_contact", "reason")

    def __init__(self, data: Any, *, student: Person, user: User, text: str) -> None:
        super().__init__(data, initial={"priority": student.guardianships.count() + 1, "q": text})
        guardians = student.guardianships.values("guardian")
        people = find_people(user, text).exclude(pk=student.pk).exclude(pk__in=guardians) if text.strip() else None
        self.found = {str(one.pk): one for one in people.prefetch_related("addresses")[:FOUND]} if people else {}
        choices = [(pk, _described(person)) for pk, person in self.found.items()]
        new = (SOMEBODY_NEW, _("Somebody who is not in the directory"))
        self.fields["person"].choices = [*choices, new]  # type: ignore[attr-defined]
        if not choices:
            self.initial["person"] = SOMEBODY_NEW

    def clean_name(self) -> str:
        return read_name(self.cleaned_data["name"])

    def clean_address(self) -> str:
        return read_address(self.cleaned_data["address"]) if self.cleaned_data["address"].strip() else ""

    def clean(self) -> None:
        super().clean()
        is_new = self.cleaned_data.get("person") == SOMEBODY_NEW
        if is_new and not self.cleaned_data.get("name") and "name" not in self.errors:
            self.add_error("name", _("Write the name of the new person."))

    @property
    def chosen(self) -> Person | None:
        """None: somebody new."""
        return self.found.get(self.cleaned_data["person"])

    @property
    def relation(self) -> Relation:
        chosen = self.cleaned_data
        return Relation(chosen["category"], chosen["priority"], chosen["do_not_contact"], chosen["reason"])


class RemovalForm(forms.Form):
    """Lifting a court order by removing the row must not happen by a slip."""

    sure = forms.BooleanField(
        label=gettext_lazy("I know that “do not contact” goes with it"),
        help_text=gettext_lazy("Without this row, lists of the student's guardians no longer leave this person out."),
        error_messages={"required": gettext_lazy("Tick this if the mark is to go, or keep the guardian.")},
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=200,
        help_text=gettext_lazy("It is kept on record."),
        error_messages={"required": gettext_lazy("Write in a few words why “do not contact” goes.")},
    )


def _described(person: Person) -> str:
    addresses = [address.address for address in person.addresses.all() if address.is_active]
    return " · ".join([person.name, str(person.get_kind_display()), *addresses[:2]])
