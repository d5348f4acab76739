"""Finding people in the directory, and writing down who they are."""

from collections.abc import Iterable
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from broadcasts.addresses import explain_invalid
from broadcasts.models import List, Person, School, User
from broadcasts.people.cells import read_language, read_name
from broadcasts.people.finding import find_people
from broadcasts.people.lists.resolving import people_on
from broadcasts.templatetags.messenger import language_name

WITHOUT_GRADE = "-"
ACTIVE = {"yes": True, "no": False}


class PersonFilterForm(forms.Form):
    """The address of the page holds the choice, for the list and for what is done to everybody on it."""

    q = forms.CharField(
        label=gettext_lazy("Name, address or SIS id"),
        required=False,
        max_length=200,
        widget=forms.TextInput({"type": "search", "autocomplete": "off"}),
    )
    school = forms.ModelChoiceField(
        School.objects.none(), label=gettext_lazy("School"), required=False, empty_label=gettext_lazy("Every school")
    )
    kind = forms.ChoiceField(
        label=gettext_lazy("Kind"), required=False, choices=[("", gettext_lazy("Every kind")), *Person.Kind.choices]
    )
    grade = forms.ChoiceField(label=gettext_lazy("Grade"), required=False)
    language = forms.ChoiceField(label=gettext_lazy("Language"), required=False)
    active = forms.ChoiceField(
        label=gettext_lazy("Active"),
        required=False,
        choices=[
            ("", gettext_lazy("Active or not")),
            ("yes", gettext_lazy("Active")),
            ("no", gettext_lazy("Not active")),
        ],
    )
    list = forms.ModelChoiceField(List.objects.none(), required=False, widget=forms.HiddenInput)

    def __init__(self, data: Any, *, user: User) -> None:
        super().__init__(data)
        self.user = user
        cast("forms.ModelChoiceField[School]", self.fields["school"]).queryset = user.schools
        cast("forms.ModelChoiceField[List]", self.fields["list"]).queryset = List.objects.visible_to(user)
        if user.schools.count() < 2:
            del self.fields["school"]
        self._offer_what_there_is()

    @property
    def is_used(self) -> bool:
        return any(self.data.get(name) for name in self.fields)

    @property
    def chosen_list(self) -> List | None:
        return self.cleaned_data.get("list") if self.is_valid() else None

    def people(self) -> QuerySet[Person]:
        """Nobody while a choice does not exist: people that nobody asked for would pass for the answer."""
        if not self.is_valid():
            return Person.objects.none()
        chosen = self.cleaned_data
        people = find_people(self.user, chosen["q"])
        if chosen.get("school"):
            people = people.of_schools([chosen["school"]])  # type: ignore[attr-defined]
        if chosen["grade"]:
            people = people.filter(grade="" if chosen["grade"] == WITHOUT_GRADE else chosen["grade"])
        if chosen["active"]:
            people = people.filter(is_active=ACTIVE[chosen["active"]])
        if chosen["list"]:
            people = people.filter(pk__in=people_on([chosen["list"]], chosen["list"].school_id).people.values("pk"))
        equal = {name: chosen[name] for name in ("kind", "language") if chosen[name]}
        return people.filter(**equal)

    def _offer_what_there_is(self) -> None:
        """One look at the directory for both."""
        people = Person.objects.visible_to(self.user).order_by()
        pairs = set(people.values_list("grade", "language").distinct())
        grades = sorted({grade for grade, _language in pairs if grade}, key=_by_number)
        named = sorted((language_name(code), code) for code in {code for _grade, code in pairs})
        self._choices(
            "grade", _("Every grade"), [*((one, one) for one in grades), (WITHOUT_GRADE, _("Without grade"))]
        )
        self._choices("language", _("Every language"), [(code, name) for name, code in named])

    def _choices(self, field: str, every: str, choices: Iterable[tuple[str, str]]) -> None:
        cast("forms.ChoiceField", self.fields[field]).choices = [("", every), *choices]


def _by_number(grade: str) -> tuple[int, str]:
    """2 before 10, and both after Kindergarten."""
    return (int(grade) if grade.isdecimal() else -1, grade)


class PersonForm(forms.Form):
    """Each field remembers what the page showed: who saves an old page changes only what they typed."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=200,
        show_hidden_initial=True,
        error_messages={"required": gettext_lazy("Write the person's name.")},
    )
    kind = forms.ChoiceField(label=gettext_lazy("Kind"), choices=Person.Kind.choices, show_hidden_initial=True)
    grade = forms.CharField(
        label=gettext_lazy("Grade"),
        max_length=20,
        required=False,
        show_hidden_initial=True,
        help_text=gettext_lazy("As the school writes it, like 5 or K. Lists by grade go by it."),
    )
    language = forms.CharField(
        label=gettext_lazy("Language"),
        max_length=40,
        show_hidden_initial=True,
        help_text=gettext_lazy("A code like es, or a name like Spanish. Emails in this language are chosen by it."),
        error_messages={"required": gettext_lazy("Write the language of this person's emails.")},
    )
    is_active = forms.BooleanField(
        label=gettext_lazy("Active"),
        required=False,
        show_hidden_initial=True,
        help_text=gettext_lazy("Somebody who is not active gets no broadcasts, whatever list they are on."),
    )

    def clean_name(self) -> str:
        name = read_name(self.cleaned_data["name"])
        if not name:
            raise ValidationError(self.fields["name"].error_messages["required"])
        return name

    def clean_grade(self) -> str:
        return " ".join(self.cleaned_data["grade"].split())

    def clean_language(self) -> str:
        code = read_language(self.cleaned_data["language"])
        if not code:
            raise ValidationError(_("This is not a language we know. Write a code like es, or a name like Spanish."))
        return code

    @property
    def changes(self) -> dict[str, str | bool]:
        return {name: self.cleaned_data[name] for name in self.changed_data}


def read_address(text: str) -> str:
    """Refuses with the reason."""
    if reason := explain_invalid(text):
        raise ValidationError(reason)
    return text.strip()


class AddressForm(forms.Form):
    address = forms.CharField(
        label=gettext_lazy("Email address"),
        max_length=320,
        widget=forms.TextInput({"inputmode": "email", "autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": gettext_lazy("Write the email address.")},
    )

    def clean_address(self) -> str:
        return read_address(self.cleaned_data["address"])


class NewPersonForm(PersonForm):
    school = forms.ModelChoiceField(School.objects.none(), label=gettext_lazy("School"), empty_label=None)
    address = forms.CharField(
        label=gettext_lazy("Email address"),
        max_length=320,
        required=False,
        widget=forms.TextInput({"inputmode": "email", "autocomplete": "off", "spellcheck": "false"}),
        help_text=gettext_lazy("More addresses can be added on the person's page."),
    )
    field_order = ("school", "name", "kind", "grade", "language", "address")

    def __init__(self, data: Any, *, user: User) -> None:
        self.schools = list(user.schools)
        language = self.schools[0].language if self.schools else "en"
        super().__init__(data, initial={"kind": Person.Kind.GUARDIAN, "language": language})
        cast("forms.ModelChoiceField[School]", self.fields["school"]).queryset = user.schools
        del self.fields["is_active"]
        if len(self.schools) == 1:
            del self.fields["school"]

    def clean_address(self) -> str:
        return read_address(self.cleaned_data["address"]) if self.cleaned_data["address"].strip() else ""

    @property
    def chosen_school(self) -> School:
        school: School = self.cleaned_data["school"] if "school" in self.fields else self.schools[0]
        return school

    @property
    def person(self) -> dict[str, str | bool]:
        return {name: self.cleaned_data[name] for name in ("name", "kind", "grade", "language")}
