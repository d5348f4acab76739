"""A OneRoster zip: which files it has, and what its manifest says of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import BinaryIO
from zipfile import ZipFile, ZipInfo

from django.utils.translation import gettext as _

from broadcasts.people.columns import UnreadableFile
from broadcasts.people.importing.oneroster.table import MANIFEST, Layout, RosterTable
from broadcasts.people.importing.rows import Warnings
from broadcasts.people.importing.unzipping import explaining_damage, open_inside, open_zip

NOT_THE_PACKAGE = "__MACOSX"
USERS_FILE = "users.csv"
NEEDED = ("users", "roles", "orgs")


class Package:
    def __init__(self, archive: ZipFile, warnings: Warnings) -> None:
        self.warnings = warnings
        self._archive = archive
        self._members = find_members(archive)
        self._tables: dict[str, RosterTable] = {}
        if USERS_FILE not in self._members:
            raise UnreadableFile(
                _("There is no users.csv in the zip file, so there is nobody to import. Export all files again.")
            )
        self._check_manifest()

    @cached_property
    def manifest(self) -> dict[str, str]:
        """Casefolded; empty when there is none."""
        if MANIFEST.file not in self._members:
            return {}
        table = self.table(MANIFEST)
        return {table.cell(row, "propertyName").casefold(): table.cell(row, "value") for row in table.rows()}

    def mode(self, name: str) -> str:
        """bulk, delta or absent."""
        said = self.manifest.get(f"file.{name}".casefold(), "").casefold()
        return said if said == "delta" and self.has(name) else "bulk" if self.has(name) else "absent"

    @property
    def is_delta(self) -> bool:
        return any(self.mode(name) == "delta" for name in NEEDED)

    def has(self, name: str) -> bool:
        return f"{name.casefold()}.csv" in self._members

    def table(self, layout: Layout) -> RosterTable:
        """What is tolerated in its headings is said once, however often it is read."""
        if layout.file not in self._tables:
            member = self._members[layout.file.casefold()]
            self._tables[layout.file] = RosterTable(lambda: open_member(self._archive, member), layout, self.warnings)
        return self._tables[layout.file]

    def _check_manifest(self) -> None:
        if not self.manifest:
            self.warnings.add(_("The manifest is missing: the file is taken to be complete"), MANIFEST.file)
        for name in NEEDED:
            said = self.manifest.get(f"file.{name}", "absent").casefold()
            if said in {"bulk", "delta"} and not self.has(name):
                raise UnreadableFile(
                    _(
                        "manifest.csv says that there is a %(name)s.csv, but the zip file does not have it. Export "
                        "all files again."
                    )
                    % {"name": name}
                )
            if said == "absent" and self.manifest and self.has(name):
                self.warnings.add(_("A file is there although the manifest says that it is not"), f"{name}.csv")


@contextmanager
def open_package(file: BinaryIO, warnings: Warnings) -> Iterator[Package]:
    with explaining_damage(""), open_zip(file) as archive:
        yield Package(archive, warnings)


def is_delta(file: BinaryIO) -> bool:
    """Whether it holds changes only, by its manifest: then nobody whom it does not name has left."""
    with open_package(file, Warnings()) as package:
        return package.is_delta


def find_members(archive: ZipFile) -> dict[str, ZipInfo]:
    """CSV files at the root, or in the one folder that somebody zipped, by their casefolded names."""
    found: dict[str, ZipInfo] = {}
    for member in sorted(archive.infolist(), key=lambda one: one.filename.count("/")):
        folder, _slash, name = member.filename.replace("\\", "/").rpartition("/")
        if not name.casefold().endswith(".csv") or "/" in folder or folder == NOT_THE_PACKAGE:
            continue
        other = found.get(name.casefold())
        if other and other.filename.count("/") == member.filename.count("/"):
            raise UnreadableFile(
                _("There are two files called %(name)s in the zip file. Export it again.") % {"name": name}
            )
        found.setdefault(name.casefold(), member)
    return found


@contextmanager
def open_member(archive: ZipFile, member: ZipInfo) -> Iterator[BinaryIO]:
    with explaining_damage(member.filename), open_inside(archive, member) as file:
        yield file
