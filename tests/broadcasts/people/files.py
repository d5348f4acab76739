"""Files of recipients as offices send them."""

import io
from collections.abc import Sequence

from django.core.files.base import ContentFile

from broadcasts.models import List, School, Upload
from broadcasts.people.reading import Recipients, read_recipients

Cells = Sequence[str]


def as_csv(*rows: Cells, delimiter: str = ",", encoding: str = "utf-8") -> bytes:
    return "".join(delimiter.join(row) + "\r\n" for row in rows).encode(encoding)


def read(data: bytes | str, name: str = "families.csv") -> Recipients:
    return read_recipients(io.BytesIO(data.encode() if isinstance(data, str) else data), name)


def make_upload(school: School, data: str, into: List | None = None, name: str = "Families") -> Upload:
    return Upload.objects.create(
        school=school,
        list=into,
        list_name=into.name if into else name,
        file=ContentFile(data.encode(), "families.csv"),
        file_name="families.csv",
    )
