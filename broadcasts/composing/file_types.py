"""Which files may go out with a broadcast: by name and by what is really in them. Nothing that runs anything."""

import io
import re
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

ZIP = b"PK\x03\x04"
OFFICE = "application/vnd.openxmlformats-officedocument."
OPEN_DOCUMENT = "application/vnd.oasis.opendocument."
LARGEST_PART = 1024 * 1024
# Line breaks, tabulators and the mark of a new page; anything else below the blank is no text.
_NO_TEXT = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")
_BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff")


class NotAllowed(Exception):
    """Its words say what is wrong with a file and what to do."""


@dataclass(frozen=True)
class FileType:
    name: Promise | str
    content_type: str
    is_real: Callable[[bytes], bool]
    is_picture: bool = False


def begins_with(*signs: bytes) -> Callable[[bytes], bool]:
    return lambda content: content.startswith(signs)


def is_text(content: bytes) -> bool:
    return content.startswith(_BYTE_ORDER_MARKS) or not _NO_TEXT.search(content)


def is_calendar(content: bytes) -> bool:
    return content.removeprefix(b"\xef\xbb\xbf").lstrip().upper().startswith(b"BEGIN:VCALENDAR") and is_text(content)


def is_web_picture(content: bytes) -> bool:
    return content[:4] == b"RIFF" and content[8:12] == b"WEBP"


def is_office(folder: str) -> Callable[[bytes], bool]:
    """Word, Excel and PowerPoint since 2007: a ZIP file with a table of contents, and its text in this folder."""

    def check(content: bytes) -> bool:
        names = _names_inside(content)
        return "[Content_Types].xml" in names and any(name.startswith(folder) for name in names)

    return check


def is_open_document(content_type: str) -> Callable[[bytes], bool]:
    def check(content: bytes) -> bool:
        return _part(content, "mimetype").strip() == content_type.encode()

    return check


def _names_inside(content: bytes) -> list[str]:
    if not content.startswith(ZIP):
        return []
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            return package.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, EOFError):
        return []


def _part(content: bytes, name: str) -> bytes:
    """One small file of a ZIP file; empty where there is none."""
    if name not in _names_inside(content):
        return b""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as package, package.open(name) as part:
            return part.read(LARGEST_PART)
    except (zipfile.BadZipFile, zlib.error, ValueError, NotImplementedError, RuntimeError, OSError, EOFError):
        return b""


def has_macros(content: bytes) -> bool:
    """Programs inside of an Office or OpenDocument file, whatever its name says."""
    names = [name.lower() for name in _names_inside(content)]
    return (
        any(name.rpartition("/")[2].startswith("vbaproject") for name in names)
        or any(name.startswith(("basic/", "scripts/")) for name in names)
        or b"macroenabled" in _part(content, "[Content_Types].xml").lower()
    )


def _office(name: str, kind: str, folder: str) -> FileType:
    return FileType(name, OFFICE + kind, is_office(folder))


def _open(name: str, kind: str) -> FileType:
    return FileType(name, OPEN_DOCUMENT + kind, is_open_document(OPEN_DOCUMENT + kind))


JPEG = FileType("JPEG", "image/jpeg", begins_with(b"\xff\xd8\xff"), is_picture=True)

ALLOWED: Mapping[str, FileType] = {
    "pdf": FileType("PDF", "application/pdf", begins_with(b"%PDF-")),
    "docx": _office("Word (.docx)", "wordprocessingml.document", "word/"),
    "xlsx": _office("Excel (.xlsx)", "spreadsheetml.sheet", "xl/"),
    "pptx": _office("PowerPoint (.pptx)", "presentationml.presentation", "ppt/"),
    "odt": _open("OpenDocument (.odt)", "text"),
    "ods": _open("OpenDocument (.ods)", "spreadsheet"),
    "odp": _open("OpenDocument (.odp)", "presentation"),
    "txt": FileType(gettext_lazy("plain text (.txt)"), "text/plain", is_text),
    "csv": FileType("CSV", "text/csv", is_text),
    "ics": FileType(gettext_lazy("calendar dates (.ics)"), "text/calendar", is_calendar),
    "png": FileType("PNG", "image/png", begins_with(b"\x89PNG\r\n\x1a\n"), is_picture=True),
    "jpg": JPEG,
    "jpeg": JPEG,
    "gif": FileType("GIF", "image/gif", begins_with(b"GIF87a", b"GIF89a"), is_picture=True),
    # Outlook shows none of these inside of a message.
    "webp": FileType("WebP", "image/webp", is_web_picture),
}

_PROGRAMS = (
    *("apk", "app", "bat", "cmd", "com", "cpl", "dll", "dmg", "exe", "hta", "iso", "jar", "js", "jse", "lnk"),
    *("mjs", "msi", "pif", "ps1", "py", "reg", "scr", "sh", "vb", "vbe", "vbs", "wsf"),
)
_ARCHIVES = ("zip", "rar", "7z", "gz", "tgz", "tar", "bz2", "xz", "cab")
_PAGES = ("htm", "html", "xhtml", "mht", "shtml", "svg", "svgz", "xml")
_MACROS = ("docm", "dotm", "xlsm", "xltm", "xlsb", "pptm", "ppsm", "xlam")
_OLD_OFFICE = ("doc", "dot", "xls", "xlt", "ppt", "pps", "rtf")
_PHONE_PICTURES = ("heic", "heif", "avif", "tif", "tiff", "bmp")

REASONS: Mapping[str, Promise] = {
    **dict.fromkeys(
        _PROGRAMS, gettext_lazy("Programs cannot be attached: mail servers refuse emails that carry them.")
    ),
    **dict.fromkeys(
        _ARCHIVES,
        gettext_lazy(
            "Archives like ZIP cannot be attached: nobody can see what is in them, and many mail servers refuse "
            "them. Attach the files one by one."
        ),
    ),
    **dict.fromkeys(
        _PAGES,
        gettext_lazy("Web pages and drawings like SVG can hold programs. Save it as a PDF and attach that."),
    ),
    **dict.fromkeys(
        _MACROS, gettext_lazy("It may hold macros, which are programs. Save it without macros, or as a PDF.")
    ),
    **dict.fromkeys(
        _OLD_OFFICE,
        gettext_lazy("This old format may hold macros. Save it as .docx, .xlsx or .pptx, or as a PDF."),
    ),
    **dict.fromkeys(
        _PHONE_PICTURES, gettext_lazy("Few mail programs show this kind of picture. Save it as JPEG or PNG.")
    ),
}


def extension_of(filename: str) -> str:
    return filename.rpartition(".")[2].lower() if "." in filename else ""


def find_type(filename: str, content: bytes, *, is_inline: bool = False) -> FileType:
    """By its extension, when that is what it really is. Raises NotAllowed."""
    extension = extension_of(filename)
    found = ALLOWED.get(extension)
    if found is None or (is_inline and not found.is_picture):
        raise NotAllowed(_why_not(extension, is_inline=is_inline))
    if has_macros(content):
        raise NotAllowed(str(REASONS["docm"]))
    if not found.is_real(content):
        raise NotAllowed(
            _("It is called .%(extension)s, but it is no %(type)s. Open it in its own program and save it again.")
            % {"extension": extension, "type": found.name}
        )
    return found


def _why_not(extension: str, *, is_inline: bool) -> str:
    if is_inline:
        return _("A picture in the message must be a JPEG, PNG or GIF. Other files can be attached.")
    if extension in REASONS:
        return str(REASONS[extension])
    return _("Files of this type cannot be attached. What can be: %(types)s.") % {"types": allowed_types()}


def allowed_types() -> str:
    return ", ".join(dict.fromkeys(str(one.name) for one in ALLOWED.values()))


def accepted_by_browsers(*, pictures_only: bool = False) -> str:
    """For a file field's `accept`."""
    return ",".join(f".{extension}" for extension, one in ALLOWED.items() if one.is_picture or not pictures_only)
