"""Files of student information systems, and what was read of them."""

import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from django.core.files.base import ContentFile
from openpyxl import Workbook

from broadcasts.models import Import, School
from broadcasts.people.importing.opening import detect_format, open_source
from broadcasts.people.importing.rows import GuardianRow, PersonRow, Source
from tests.broadcasts.people.importing.oneroster_words import as_text, words

MANIFEST = "propertyName,value\nmanifest.version,1.0\noneroster.version,1.1\nfile.users,bulk\nfile.orgs,bulk\n"
DELTA = MANIFEST.replace("users,bulk", "users,delta").replace("orgs,bulk", "orgs,absent")
ORGS = (
    "sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId\n"
    "d,,,District,district,,\nl,,,Lincoln,school,,d\nj,,,Jefferson,school,,d\n"
)
ENROLLMENTS = "sourcedId,classSourcedId,schoolSourcedId,userSourcedId,role\n"
ROLES = "sourcedId,userSourcedId,roleType,role,beginDate,endDate,orgSourcedId\n"
USER_COLUMNS = words(
    "sourcedId enabledUser orgSourcedIds role username givenName familyName email agentSourcedIds grades"
)
USER_COLUMNS_12 = [*[one for one in USER_COLUMNS if one not in {"orgSourcedIds", "role"}], "primaryOrgSourcedId"]


@dataclass
class Read:
    people: dict[str, PersonRow] = field(default_factory=dict)  # by id, else by name
    rejected: list[PersonRow] = field(default_factory=list)
    links: list[GuardianRow] = field(default_factory=list)
    warnings: Mapping[str, int] = field(default_factory=dict)
    places: Mapping[str, list[str]] = field(default_factory=dict)

    @property
    def pairs(self) -> set[tuple[str, str]]:
        return {(link.student_sis_id, link.guardian_sis_id) for link in self.links}

    @property
    def reason(self) -> str:
        return " ".join(reason for row in self.rejected for reason in row.reasons)


def make_import(
    data: bytes | str,
    school: School | None,
    *,
    name: str = "people.csv",
    columns: dict[str, str] | None = None,
) -> Import:
    raw = data.encode() if isinstance(data, str) else data
    return Import.objects.create(
        school=school,
        format=detect_format(io.BytesIO(raw), name),
        file=ContentFile(raw, name),
        file_name=name,
        columns=columns or {},
    )


def read_all(source: Source) -> Read:
    found = Read()
    for row in source.rows():
        if isinstance(row, GuardianRow):
            found.links.append(row)
        elif row.reasons:
            found.rejected.append(row)
        else:
            found.people[row.sis_id or row.name] = row
    found.warnings, found.places = source.warnings.counts, source.warnings.places
    return found


def read(data: bytes | str, school: School | None, *, columns: dict[str, str] | None = None, name: str = "a") -> Read:
    return read_all(open_source(make_import(data, school, columns=columns, name=name)))


def as_xlsx(*rows: Sequence[object], more_sheets: Mapping[str, Iterable[Sequence[object]]] | None = None) -> bytes:
    book = Workbook()
    sheets = {"People": rows, **(more_sheets or {})}
    for place, (title, cells) in enumerate(sheets.items()):
        sheet = book.create_sheet(title, place)
        for row in cells:
            sheet.append(list(row))
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def as_zip(files: Mapping[str, str | bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return stream.getvalue()


def members_of(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def users_csv(*users: Mapping[str, str], columns: Sequence[str] = USER_COLUMNS) -> str:
    """Active students of Lincoln called Amber Brook, except for what is said."""
    usual = {
        "enabledUser": "true",
        "orgSourcedIds": "l",
        "role": "student",
        "givenName": "Amber",
        "familyName": "Brook",
    }
    rows = [[(usual | dict(user)).get(column, "") for column in columns] for user in users]
    return as_text([columns, *rows])


def as_roster(*users: Mapping[str, str], columns: Sequence[str] = USER_COLUMNS, **files: str | None) -> bytes:
    """A OneRoster 1.1 zip of these users. `files`: others, or other contents; None: not there."""
    there = {"manifest": MANIFEST, "orgs": ORGS, "users": users_csv(*users, columns=columns), **files}
    return as_zip({f"{name}.csv": text for name, text in there.items() if text is not None})


def read_roster(data: bytes, school: School | None = None) -> Read:
    return read(data, school, name="roster.zip")


def with_roles(
    *users: dict[str, str], roles: str, manifest: str = MANIFEST + "file.roles,bulk\n", **files: str | None
) -> bytes:
    return as_roster(*users, columns=USER_COLUMNS_12, roles=ROLES + roles, manifest=manifest, **files)
