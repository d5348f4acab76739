"""Zip files that strangers packed: nothing is written to disk, and nothing is unpacked beyond a limit."""

import lzma
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast
from zipfile import BadZipFile, ZipFile, ZipInfo

from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from broadcasts.people.columns import UnreadableFile

MOST_MEMBERS = 10_000
# Tables of people shrink to a tenth, those of a program's making to a fiftieth; a bomb to a thousandth.
MOST_SHRUNK = 200
SMALL = 10 * 1024 * 1024
ENCRYPTED = 0x1


def open_zip(file: BinaryIO) -> ZipFile:
    """Python reads no more of a member than its entry says, so that checking the entries is enough."""
    archive = _open(file)
    members = archive.infolist()
    if len(members) > MOST_MEMBERS:
        raise UnreadableFile(_("The zip file has too many files in it. Import the zip file that your system made."))
    for member in members:
        _refuse_encrypted(member)
        _refuse_shrunk(member)
    _refuse_large(sum(member.file_size for member in members))
    return archive


def _open(file: BinaryIO) -> ZipFile:
    with explaining_damage(""):
        try:
            return ZipFile(file)
        except (ValueError, OSError) as error:  # places and names that cannot be
            raise BadZipFile from error


def open_inside(archive: ZipFile, member: ZipInfo | str) -> BinaryIO:
    try:
        return cast("BinaryIO", archive.open(member))
    except (ValueError, OSError, RuntimeError) as error:
        raise BadZipFile from error


@contextmanager
def explaining_damage(name: str) -> Iterator[None]:
    """Around all reading: damage is found where it is met."""
    try:
        yield
    except (BadZipFile, EOFError, zlib.error, lzma.LZMAError, NotImplementedError) as error:
        what = _("The zip file") if not name else _("“%(name)s” in the zip file") % {"name": name[:100]}
        raise UnreadableFile(
            _("%(what)s is damaged or was cut off on its way. Export it again and import the new file.")
            % {"what": what}
        ) from error


def _refuse_encrypted(member: ZipInfo) -> None:
    if member.flag_bits & ENCRYPTED:
        raise UnreadableFile(_("The zip file has a password. Export it again without one."))


def _refuse_shrunk(member: ZipInfo) -> None:
    if member.file_size > max(SMALL, MOST_SHRUNK * member.compress_size):
        raise UnreadableFile(
            _(
                "“%(name)s” in the zip file would grow to %(size)s, which no list of people does. It is not read: it "
                "may be made to do harm."
            )
            % {"name": member.filename[:100], "size": filesizeformat(member.file_size)}
        )


def _refuse_large(size: int) -> None:
    if size > settings.MAX_IMPORT_UNPACKED_BYTES:
        raise UnreadableFile(
            _("Unpacked, the file is larger than %(limit)s. Leave out what Messenger does not need.")
            % {"limit": filesizeformat(settings.MAX_IMPORT_UNPACKED_BYTES)}
        )
