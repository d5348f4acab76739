"""Small files of every kind that may be attached, and of kinds that may not."""

import io
import zipfile
from collections.abc import Mapping

from broadcasts.composing.file_types import OFFICE, OPEN_DOCUMENT
from tests import factory

EXE = b"MZ\x90\x00\x03\x00\x00\x00"
ICS = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n"
GIF = b"GIF89a\x01\x00\x01\x00\x00\x00\x00;"
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00\xff\xc0\x00\x0b\x08\x00\x20\x03\x20\x01"
WEBP = b"RIFF\x1a\x00\x00\x00WEBPVP8L"


def package(parts: Mapping[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        for name, content in parts.items():
            made.writestr(name, content)
    return file.getvalue()


def office(folder: str, **more: bytes) -> bytes:
    return package({"[Content_Types].xml": b"<Types/>", f"{folder}/document.xml": b"<x/>", **more})


def open_document(kind: str, **more: bytes) -> bytes:
    return package({"mimetype": (OPEN_DOCUMENT + kind).encode(), "content.xml": b"<x/>", **more})


GOOD: Mapping[str, tuple[bytes, str]] = {
    "a.pdf": (factory.PDF, "application/pdf"),
    "a.PDF": (factory.PDF, "application/pdf"),
    "a.docx": (office("word"), OFFICE + "wordprocessingml.document"),
    "a.xlsx": (office("xl"), OFFICE + "spreadsheetml.sheet"),
    "a.pptx": (office("ppt"), OFFICE + "presentationml.presentation"),
    "a.odt": (open_document("text"), OPEN_DOCUMENT + "text"),
    "a.ods": (open_document("spreadsheet"), OPEN_DOCUMENT + "spreadsheet"),
    "a.odp": (open_document("presentation"), OPEN_DOCUMENT + "presentation"),
    "a.txt": ("Größe\r\n\t1".encode("cp1252"), "text/plain"),
    "b.txt": ("Größe".encode("utf-16"), "text/plain"),
    "a.csv": (b"name,email\n", "text/csv"),
    "a.ics": (b"\xef\xbb\xbf" + ICS, "text/calendar"),
    "a.png": (factory.PNG, "image/png"),
    "a.jpg": (JPEG, "image/jpeg"),
    "a.jpeg": (JPEG, "image/jpeg"),
    "a.gif": (GIF, "image/gif"),
    "a.webp": (WEBP, "image/webp"),
}

BAD: Mapping[str, tuple[bytes, str]] = {
    "setup.exe": (EXE, "Programs cannot be attached"),
    "menu.pdf.exe": (factory.PDF, "Programs cannot be attached"),
    "run.js": (b"alert(1)", "Programs cannot be attached"),
    "run.sh": (b"#!/bin/sh", "Programs cannot be attached"),
    "page.html": (b"<html>", "Web pages"),
    "logo.svg": (b"<svg/>", "Web pages"),
    "all.zip": (package({"a": b"a"}), "Archives like ZIP"),
    "old.doc": (b"\xd0\xcf\x11\xe0", "old format"),
    "new.docm": (office("word"), "macros"),
    "phone.heic": (b"\0\0\0\x18ftypheic", "JPEG or PNG"),
    "thing.xyz": (b"x", "What can be: PDF"),
    "no-extension": (factory.PDF, "What can be: PDF"),
    # Called what it is not.
    "menu.pdf": (EXE, "it is no PDF"),
    "page.pdf": (b"<html><script>", "it is no PDF"),
    "photo.png": (factory.PDF, "it is no PNG"),
    "photo.jpg": (b"<svg onload=alert(1)>", "it is no JPEG"),
    "notes.txt": (EXE, "it is no plain text"),
    "dates.ics": (b"hello", "it is no calendar"),
    "zip.docx": (package({"a": b"a"}), "it is no Word"),
    "sheet.docx": (office("xl"), "it is no Word"),
    "broken.docx": (office("word")[:40], "it is no Word"),
    "text.odt": (open_document("spreadsheet"), "it is no OpenDocument"),
    # Programs inside.
    "macros.docx": (office("word", **{"word/vbaProject.bin": b"x"}), "macros"),
    "renamed.docx": (
        package({"[Content_Types].xml": b"vnd.ms-word.document.macroEnabled", "word/a": b""}),
        "macros",
    ),
    "macros.odt": (open_document("text", **{"Basic/Standard/Module1.xml": b"x"}), "macros"),
    "scripts.ods": (open_document("spreadsheet", **{"Scripts/python/x.py": b"x"}), "macros"),
}
