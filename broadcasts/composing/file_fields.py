"""The form's fields for files. What is wrong with a file is said by the steps, not here."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile


class _ManyFiles(forms.FileInput):
    allow_multiple_selected = True


class ManyFilesField(forms.Field):
    """Several at once; empty files are let through, to be named one by one."""

    widget = _ManyFiles

    def clean(self, value: Any) -> "Sequence[UploadedFile[bytes]]":
        return [file for file in value or [] if isinstance(file, UploadedFile)]


class OneFileField(forms.Field):
    widget = forms.FileInput

    def clean(self, value: Any) -> "UploadedFile[bytes] | None":
        return value if isinstance(value, UploadedFile) else None
