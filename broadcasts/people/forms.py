"""What the office fills in to upload recipients, to find people in a list, and to name a list."""

from typing import TYPE_CHECKING, Any, BinaryIO, cast

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from broadcasts.addresses import address_key
from broadcasts.models import EmailAddress, List, Person, School, User
from broadcasts.people.cells import read_name
from broadcasts.people.reading import UnreadableFile, read_recipients

if TYPE_CHECKING:
    ModelChoice = forms.ModelChoiceField[List]
else:
    ModelChoice = forms.ModelChoiceField


class ListChoice(ModelChoice):
    """Says whose list it is when there is a choice of schools."""

    shows_school = False

    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.name} ({obj.school})" if self.shows_school else str(obj.name)


class UploadForm(forms.Form):
    school = forms.ModelChoiceField(
        School.objects.none(),
        label=gettext_lazy("School of the new list"),
        empty_label=None,
        help_text=gettext_lazy("Its people are compared with the file."),
    )
    existing = ListChoice(
        List.objects.none(),
        label=gettext_lazy("Add to"),
        required=False,
        empty_label=gettext_lazy("A new list"),
        help_text=gettext_lazy("People who are on the list already and not in the file stay on it."),
    )
    name = forms.CharField(
        label=gettext_lazy("Name of the new list"),
        max_length=200,
        help_text=gettext_lazy("For example: Grade 5 families. Leave it empty when you add to a list."),
        error_messages={"required": gettext_lazy("Give the new list a name, or choose a list to add to.")},
    )
    file = forms.FileField(
        label=gettext_lazy("File"),
        allow_empty_file=True,  # our own words are clearer
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.txt,.tsv,text/csv"}),
        help_text=gettext_lazy(
            "A CSV file, as every spreadsheet program saves it. Nothing is stored until you say so."
        ),
        error_messages={"required": gettext_lazy("Choose the file with the recipients.")},
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.schools = list(user.schools)
        cast("forms.ModelChoiceField[School]", self.fields["school"]).queryset = user.schools
        existing = cast("ListChoice", self.fields["existing"])
        existing.queryset = List.objects.visible_to(user).select_related("school")
        existing.shows_school = len(self.schools) > 1
        self.fields["name"].required = not self["existing"].value()
        if len(self.schools) == 1:
            del self.fields["school"]

    def clean_name(self) -> str:
        name, field = read_name(self.cleaned_data["name"]), self.fields["name"]
        if field.required and not name:
            raise ValidationError(field.error_messages["required"])
        return name

    def clean_file(self) -> "UploadedFile[bytes]":
        """Read it once here, so that a file that is of no use is refused beside its field."""
        file: UploadedFile[bytes] = self.cleaned_data["file"]
        try:
            read_recipients(cast("BinaryIO", file), file.name or "")
        except UnreadableFile as reason:
            raise ValidationError(str(reason)) from reason
        file.seek(0)
        return file

    def clean(self) -> None:
        existing, name = self.cleaned_data.get("existing"), self.cleaned_data.get("name")
        if existing and name:
            self.add_error("name", _("Either add to a list or name a new one: leave one of the two empty."))
        if name and not existing and not {"existing", "school"} & self.errors.keys():
            self._check_new_name(name)

    @property
    def chosen_school(self) -> School:
        """Once the form is valid: the chosen list's, else the chosen one, else the only one."""
        existing: List | None = self.cleaned_data.get("existing")
        if existing:
            return existing.school
        school: School = self.cleaned_data["school"] if "school" in self.fields else self.schools[0]
        return school

    def _check_new_name(self, name: str) -> None:
        if is_taken(self.chosen_school, name):
            self.add_error("name", _("There is a list of this name. Add to that list, or take another name."))


class RenameForm(forms.Form):
    """For an upload whose list name was taken meanwhile."""

    name = forms.CharField(label=gettext_lazy("Name of the new list"), max_length=200)

    def __init__(self, *args: Any, school: School, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.school = school

    def clean_name(self) -> str:
        name = read_name(self.cleaned_data["name"])
        if is_taken(self.school, name):
            raise ValidationError(_("There is a list of this name too. Take another one."))
        return name


class FindPeopleForm(forms.Form):
    q = forms.CharField(
        label=gettext_lazy("Name or address contains"),
        required=False,
        max_length=200,
        widget=forms.TextInput({"type": "search"}),
    )

    def filter(self, people: QuerySet[Person]) -> QuerySet[Person]:
        words = self.cleaned_data["q"] if self.is_valid() else ""
        if not words:
            return people
        by_address = EmailAddress.objects.filter(key__contains=address_key(words)).values("person")
        return people.filter(Q(name__icontains=words) | Q(pk__in=by_address))


def is_taken(school: School, name: str) -> bool:
    return List.objects.filter(school=school, name__iexact=name).exists()
