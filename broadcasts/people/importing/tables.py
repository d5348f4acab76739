"""The one table of a CSV file or a workbook."""

from broadcasts.models import Import
from broadcasts.people.importing.csv_file import CsvTable
from broadcasts.people.importing.rows import Warnings
from broadcasts.people.importing.stored_file import open_stored
from broadcasts.people.importing.tabular import Table
from broadcasts.people.importing.xlsx_file import XlsxTable


def open_table(import_: Import, warnings: Warnings | None = None) -> Table:
    """Raises UnreadableFile. The warnings grow while it is read."""
    if import_.format == Import.Format.XLSX:
        return XlsxTable(lambda: open_stored(import_), Warnings() if warnings is None else warnings)
    return CsvTable(lambda: open_stored(import_))
