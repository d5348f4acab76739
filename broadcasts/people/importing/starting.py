"""A new import: the file is kept, and once its columns are known it may be read."""

import uuid
from collections.abc import Mapping

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from broadcasts import audit
from broadcasts.models import Import, School, User
from broadcasts.people.importing.matching import remember_columns
from broadcasts.people.importing.staging import start_staging

SUFFIXES = {Import.Format.CSV: "csv", Import.Format.XLSX: "xlsx", Import.Format.ONEROSTER: "zip"}


def keep_file(
    file: "UploadedFile[bytes]", form: Import.Format, school: School | None, by: User, *, is_complete: bool
) -> Import:
    """Nothing of it is read yet. `school` None: the whole district."""
    name = file.name or ""
    file.name = f"{uuid.uuid4()}.{SUFFIXES[form]}"  # what the user called it never reaches the disk
    with transaction.atomic():
        kept = Import.objects.create(
            school=school,
            format=form,
            is_complete=is_complete,
            file=file,
            file_name=name[-255:],
            uploaded_by=by,
        )
        audit.record(by, "import.uploaded", kept, school=school, is_complete=is_complete)
    return kept


def match_columns(matched: Import, columns: Mapping[str, str]) -> bool:
    """From here on a worker may read it: enqueue `stage` on commit. False: it is being read, or past that."""
    with transaction.atomic():
        if not start_staging(matched):
            return False
        Import.objects.filter(pk=matched.pk).update(columns=dict(columns))
        remember_columns(matched.school, columns)
    return True
