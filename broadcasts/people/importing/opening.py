"""Opening an import's file with the reader of its format."""

from typing import BinaryIO

from broadcasts.models import Import
from broadcasts.people.importing.rows import Source


def open_source(import_: Import) -> Source:
    raise NotImplementedError


def detect_format(file: BinaryIO, name: str) -> Import.Format:
    raise NotImplementedError
