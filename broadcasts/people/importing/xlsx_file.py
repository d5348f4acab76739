"""An Excel workbook: its first sheet that has something in it, record by record."""

import io
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from xml.etree.ElementTree import Element
from xml.parsers.expat import ExpatError
from zipfile import ZipFile

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring
from django.utils.translation import gettext as _

from broadcasts.people.columns import UnreadableFile
from broadcasts.people.decoding import EMPTY
from broadcasts.people.importing.csv_file import Opener
from broadcasts.people.importing.rows import Warnings
from broadcasts.people.importing.tabular import Record, refuse_columns
from broadcasts.people.importing.unzipping import explaining_damage, open_inside, open_zip
from broadcasts.people.importing.xlsx_sheet import NAMESPACE, STRICT_NAMESPACE, Formats, read_rows, read_strings

LARGEST_PART = 5 * 1024 * 1024  # of those that are read as a whole: they say how the workbook looks
LARGEST_STRINGS = 150 * 1024 * 1024  # these stay in memory
WORKBOOK = "xl/workbook.xml"
RELATIONS = "xl/_rels/workbook.xml.rels"
STRINGS, STYLES = "xl/sharedStrings.xml", "xl/styles.xml"
RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
STRICT_RELATION = "{http://purl.oclc.org/ooxml/officeDocument/relationships}id"


class XlsxTable:
    def __init__(self, opener: Opener, warnings: Warnings) -> None:
        self._open, self._warnings = opener, warnings
        with self._archive() as archive:
            everything = list(_sheets(archive))
            sheets = [(name, part) for name, part in everything if _count_rows(archive, part)]
            if not sheets:
                _look_for_damage(archive, [part for _name, part in everything])
                raise UnreadableFile(str(EMPTY))
            self._part = sheets[0][1]
            self._warn_of_others([name for name, _part in sheets])
            self.total = max(_count_rows(archive, self._part) - 1, 0)
        first = next(self._all(Warnings()), None)
        if first is None:
            raise UnreadableFile(str(EMPTY))
        self.headings = _without_blank_end(list(first.cells))
        refuse_columns(len(self.headings))

    def records(self) -> Iterator[Record]:
        found = self._all(self._warnings)
        next(found)
        yield from found

    def _all(self, warnings: Warnings) -> Iterator[Record]:
        with self._archive() as archive:
            strings = _strings(archive)
            formats = _formats(archive)
            with open_inside(archive, self._part) as sheet:
                yield from read_rows(sheet, strings, formats, warnings)

    @contextmanager
    def _archive(self) -> Iterator[ZipFile]:
        with ExitStack() as stack:
            file = stack.enter_context(self._open())
            stack.enter_context(_explaining_xml())
            stack.enter_context(explaining_damage(""))
            yield stack.enter_context(open_zip(file))

    def _warn_of_others(self, names: list[str]) -> None:
        for name in names[1:]:
            self._warnings.add(_("Only the first sheet with people is read: “%(name)s”") % {"name": names[0]}, name)


@contextmanager
def _explaining_xml() -> Iterator[None]:
    try:
        yield
    except DefusedXmlException as error:
        raise UnreadableFile(
            _(
                "The workbook has definitions in it that no spreadsheet program writes (an XML entity). It is not "
                "read: it may be made to do harm."
            )
        ) from error
    except (ParseError, ExpatError, KeyError, ValueError) as error:
        raise UnreadableFile(
            _(
                "The workbook is damaged or was not written by a spreadsheet program. Open it there, save it as an "
                "Excel workbook or as “CSV UTF-8”, and import that file."
            )
        ) from error


def _sheets(archive: ZipFile) -> Iterator[tuple[str, str]]:
    """Names and parts of the sheets, in the order of their tabs; hidden ones after those that are seen."""
    targets = {one.get("Id"): one.get("Target", "") for one in _part(archive, RELATIONS)}
    sheets = [sheet for sheet in _part(archive, WORKBOOK).iter() if sheet.tag.endswith("}sheet")]
    for sheet in sorted(sheets, key=lambda one: one.get("state", "visible") != "visible"):
        target = targets.get(sheet.get(RELATION) or sheet.get(STRICT_RELATION)) or ""
        part = target.removeprefix("/") if target.startswith("/") else f"xl/{target}"
        if part in archive.namelist():
            yield sheet.get("name", "")[:100], part


def _look_for_damage(archive: ZipFile, parts: list[str]) -> None:
    """A sheet that was cut before its first value is not empty."""
    for part in parts:
        with open_inside(archive, part) as sheet:
            for _record in read_rows(sheet, [], Formats([]), Warnings()):
                pass


def _part(archive: ZipFile, name: str) -> Element:
    if archive.getinfo(name).file_size > LARGEST_PART:
        raise UnreadableFile(
            _("The workbook has too many formats or sheets. Copy the people into a new workbook as values only.")
        )
    with open_inside(archive, name) as part:
        root: Element = fromstring(part.read())
    return root


def _count_rows(archive: ZipFile, part: str) -> int:
    """Rows with a value, roughly: quicker than reading them."""
    if part not in archive.namelist():
        return 0
    count, before = 0, b""
    has_value = False
    with open_inside(archive, part) as sheet:
        for chunk in iter(lambda: sheet.read(io.DEFAULT_BUFFER_SIZE * 16), b""):
            text = before + chunk
            count += text.count(b"</row>") + text.count(b":row>")
            has_value = has_value or b"v>" in text or b"is>" in text or b"f>" in text
            before = text[-5:] if not text.endswith(b"</row>") else b""
    return max(count, 1) if has_value else 0


def _strings(archive: ZipFile) -> list[str]:
    if STRINGS not in archive.namelist():
        return []
    if archive.getinfo(STRINGS).file_size > LARGEST_STRINGS:
        raise UnreadableFile(
            _("The workbook has too much text in it. Save it as “CSV UTF-8” and import that file instead.")
        )
    with open_inside(archive, STRINGS) as part:
        return read_strings(part)


def _formats(archive: ZipFile) -> Formats:
    has_1904 = any(one.get("date1904") in {"1", "true"} for one in _part(archive, WORKBOOK).iter())
    if STYLES not in archive.namelist():
        return Formats([], has_1904=has_1904)
    styles = _part(archive, STYLES)
    codes = {
        int(one.get("numFmtId", 0)): one.get("formatCode", "")
        for one in styles.iter()
        if one.tag in {f"{NAMESPACE}numFmt", f"{STRICT_NAMESPACE}numFmt"}
    }
    used = [int(one.get("numFmtId", 0)) for cells in styles.iter() if cells.tag.endswith("}cellXfs") for one in cells]
    return Formats([(number, codes.get(number)) for number in used], has_1904=has_1904)


def _without_blank_end(cells: list[str]) -> list[str]:
    while cells and not cells[-1].strip():
        cells.pop()
    return cells
