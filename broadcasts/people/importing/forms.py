"""What the office fills in on the way: the file, what its columns mean, and that it is really meant."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from django import forms
from django.conf import settings
from django.contrib.humanize.templatetags.humanize import intcomma
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from broadcasts.models import Import, School, User
from broadcasts.people.columns import UnreadableFile
from broadcasts.people.importing.matching import MEANINGS, Preview, check_columns, remembered_headings
from broadcasts.people.importing.oneroster.package import is_delta
from broadcasts.people.importing.opening import detect_format

DISTRICT = "district"
SAMPLES = 3  # of a column, those with something in them


class ImportForm(forms.Form):
    school = forms.ChoiceField(
        label=gettext_lazy("School"),
        help_text=gettext_lazy("Its people are compared with the file."),
        error_messages={"required": gettext_lazy("Choose whose people are in the file.")},
    )
    file = forms.FileField(
        label=gettext_lazy("File"),
        allow_empty_file=True,  # our own words are clearer
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.txt,.tsv,.xlsx,.zip,text/csv"}),
        help_text=gettext_lazy("CSV, Excel workbook (.xlsx) or OneRoster zip. Nothing is stored until you confirm."),
        error_messages={"required": gettext_lazy("Choose the file from your student information system.")},
    )
    holds = forms.ChoiceField(
        label=gettext_lazy("What is in the file"),
        widget=forms.RadioSelect,
        choices=[
            ("everybody", gettext_lazy("Everybody: whoever it does not name has left")),
            ("changes", gettext_lazy("Only additions and changes: everybody else stays as they are")),
        ],
        error_messages={"required": gettext_lazy("Say whether the file names everybody or only what is new.")},
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.schools = list(user.schools)
        self.format = ""
        if len(self.schools) == 1:
            self.initial.setdefault("school", str(self.schools[0].pk))
        if len(self.schools) == 1 and not user.is_administrator:
            del self.fields["school"]
            return
        district = [(DISTRICT, _("All schools of the district"))] if user.is_administrator else []
        schools = [(str(school.pk), school.name) for school in self.schools]
        field = cast("forms.ChoiceField", self.fields["school"])
        field.choices = [("", _("Choose a school")), *district, *schools]
        if district:
            field.help_text = _("For the whole district, the file must say which school everybody belongs to.")

    @property
    def chosen_school(self) -> School | None:
        """Once the form is valid. None: the whole district."""
        if "school" not in self.fields:
            return self.schools[0]
        return next((one for one in self.schools if str(one.pk) == self.cleaned_data["school"]), None)

    @property
    def is_complete(self) -> bool:
        return bool(self.cleaned_data["holds"] == "everybody")

    def clean_file(self) -> "UploadedFile[bytes]":
        """What is no file of ours is refused beside its field."""
        file: UploadedFile[bytes] = self.cleaned_data["file"]
        if (file.size or 0) > settings.MAX_IMPORT_BYTES:
            limit = filesizeformat(settings.MAX_IMPORT_BYTES)
            raise ValidationError(
                _("The file is larger than %(limit)s. Ask for one file for each school and import them one by one.")
                % {"limit": limit}
            )
        try:
            self.format = detect_format(cast("BinaryIO", file), file.name or "")
        except UnreadableFile as reason:
            raise ValidationError(str(reason)) from reason
        file.seek(0)
        return file

    def clean(self) -> None:
        file = self.cleaned_data.get("file")
        if self.format == Import.Format.ONEROSTER and file and self.cleaned_data.get("holds") == "everybody":
            if self._says_it_is_a_delta(file):
                self.add_error("holds", _("This zip itself says that it holds changes only. Choose that."))
            file.seek(0)

    def _says_it_is_a_delta(self, file: BinaryIO) -> bool:
        try:
            return is_delta(file)
        except UnreadableFile as reason:
            self.add_error("file", str(reason))
            return False


@dataclass(frozen=True)
class ColumnRow:
    heading: str
    samples: list[str]
    field: forms.BoundField
    is_remembered: bool


class ColumnsForm(forms.Form):
    """One choice per heading of the file, in the order of the file."""

    def __init__(self, data: Mapping[str, Any] | None, preview: Preview, of_import: Import) -> None:
        super().__init__(data)
        self.preview, self.is_district = preview, of_import.school_id is None
        self.remembered = remembered_headings(preview.headings, of_import.school)
        self.headings = list(preview.headings)
        for place, heading in enumerate(self.headings):
            self.fields[f"column_{place}"] = forms.ChoiceField(
                label=_("What “%(heading)s” is") % {"heading": heading},
                choices=list(MEANINGS.items()),
                required=False,
                initial=of_import.columns.get(heading, preview.guessed.get(heading, "")),
            )

    @property
    def columns(self) -> dict[str, str]:
        """Heading → meaning, also of those that are left out: that is remembered too."""
        return {heading: self.cleaned_data.get(f"column_{place}", "") for place, heading in enumerate(self.headings)}

    def rows(self) -> Iterator[ColumnRow]:
        for place, heading in enumerate(self.headings):
            samples = [row[place] for row in self.preview.samples if place < len(row) and row[place].strip()]
            yield ColumnRow(heading, samples[:SAMPLES], self[f"column_{place}"], heading in self.remembered)

    def clean(self) -> None:
        if not self.errors:
            for problem in check_columns(self.columns, is_district=self.is_district):
                self.add_error(None, problem)


class ConfirmForm(forms.Form):
    """Whoever is missing from a complete file leaves only after somebody saw how many and ticked it."""

    use_required_attribute = False  # the number is asked for with the tick only
    deactivate = forms.BooleanField(required=False)
    typed = forms.CharField(max_length=20, label=gettext_lazy("Number of people"))

    def __init__(self, data: Mapping[str, Any] | None, missing: int, *, needs_number: bool) -> None:
        super().__init__(data)
        self.missing = missing
        if missing:
            self._say_how_many()
        else:
            del self.fields["deactivate"]
        if missing and needs_number:
            self._ask_for_number()
        else:
            del self.fields["typed"]

    def _say_how_many(self) -> None:
        field = self.fields["deactivate"]
        field.label = ngettext("Make %(number)s person inactive", "Make %(number)s people inactive", self.missing) % {
            "number": intcomma(self.missing)
        }
        field.help_text = _(
            "They get no more email; what was sent to them stays in the Email Log. Without the tick they stay."
        )

    def _ask_for_number(self) -> None:
        field = self.fields["typed"]
        field.required = not self.is_bound or bool(self["deactivate"].data)
        field.error_messages["required"] = self._how_to_confirm()
        field.widget.attrs |= {"inputmode": "numeric", "autocomplete": "off"}
        field.help_text = _(
            "That is more than a fifth of everybody. If you tick the box, type %(number)s here too."
        ) % {"number": intcomma(self.missing)}

    @property
    def deactivates(self) -> bool:
        return bool(self.cleaned_data.get("deactivate"))

    @property
    def typed_number(self) -> int | None:
        """`1,204`, `1 204` and `1204` are the same number."""
        digits = "".join(self.cleaned_data.get("typed", "").replace(",", "").replace(".", "").split())
        return int(digits) if digits.isdecimal() else None

    def clean_typed(self) -> str:
        typed: str = self.cleaned_data["typed"]
        if self.deactivates and self.typed_number != self.missing:
            raise ValidationError(self._how_to_confirm())
        return typed

    def _how_to_confirm(self) -> str:
        return ngettext(
            "Nothing was stored. To make %(number)s person inactive, type %(number)s here.",
            "Nothing was stored. To make %(number)s people inactive, type %(number)s here.",
            self.missing,
        ) % {"number": intcomma(self.missing)}
