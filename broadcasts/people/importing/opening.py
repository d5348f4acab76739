"""An import's file, opened as what it is."""

from typing import BinaryIO
from zipfile import ZipFile

from django.utils.translation import gettext as _

from broadcasts.models import Import
from broadcasts.people.columns import UnreadableFile
from broadcasts.people.decoding import EMPTY, FOREIGN, SAVE_AS_CSV
from broadcasts.people.importing.matching import columns_of
from broadcasts.people.importing.oneroster.package import USERS_FILE, find_members
from broadcasts.people.importing.oneroster.source import RosterSource
from broadcasts.people.importing.people_rows import TabularSource
from broadcasts.people.importing.rows import Source, Warnings
from broadcasts.people.importing.tables import open_table
from broadcasts.people.importing.tabular import name_headings
from broadcasts.people.importing.unzipping import open_zip
from broadcasts.people.importing.xlsx_file import WORKBOOK

ZIP = b"PK"
MAGIC_BYTES = 8


def detect_format(file: BinaryIO, name: str) -> Import.Format:
    """By what is in it, whatever its name. Raises UnreadableFile. Leaves the file at its start."""
    file.seek(0)
    start = file.read(MAGIC_BYTES)
    file.seek(0)
    if start.startswith(ZIP):
        with open_zip(file) as archive:
            found = _format_of_zip(archive)
        file.seek(0)
        return found
    if not start.strip():
        raise UnreadableFile(str(EMPTY))
    for magic, what in FOREIGN:
        if start.startswith(magic):
            raise UnreadableFile(f"{what} {SAVE_AS_CSV}")
    if start.lstrip().startswith(b"<"):
        raise UnreadableFile(f"{_('This is a web page or an XML file, not a CSV file.')} {SAVE_AS_CSV}")
    if name.casefold().endswith((".zip", ".xlsx")):
        raise UnreadableFile(
            _("“%(name)s” is damaged, or is not what its name says. Export it again and import the new file.")
            % {"name": name[:100]}
        )
    return Import.Format.CSV


def open_source(import_: Import) -> Source:
    """Raises UnreadableFile, here or while its rows are read."""
    if import_.format == Import.Format.ONEROSTER:
        return RosterSource(import_)
    warnings = Warnings()
    table = open_table(import_, warnings)
    columns = columns_of(import_, name_headings(table.headings))
    return TabularSource(table, columns, import_, warnings)


def _format_of_zip(archive: ZipFile) -> Import.Format:
    if WORKBOOK in archive.namelist():
        return Import.Format.XLSX
    if {"manifest.csv", USERS_FILE} & find_members(archive).keys():
        return Import.Format.ONEROSTER
    raise UnreadableFile(
        _(
            "This zip file is neither a OneRoster export, which has a users.csv in it, nor an Excel workbook. Import "
            "the CSV files in it one by one."
        )
    )
