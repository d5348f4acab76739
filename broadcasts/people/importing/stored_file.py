"""The bytes of an import, from wherever uploaded files are kept."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from broadcasts.models import Import
from broadcasts.people.columns import UnreadableFile

log = logging.getLogger(__name__)


@contextmanager
def open_stored(import_: Import) -> Iterator[BinaryIO]:
    """Each caller has a place of its own in the file."""
    try:
        stored = import_.file.storage.open(import_.file.name or "", "rb")
    except (FileNotFoundError, ValueError, IsADirectoryError) as error:
        words = "Import %s: its file is not in %s; the web and housekeeping must share this folder"
        log.error(words, import_.pk, settings.MEDIA_ROOT, extra={"import": import_.pk})
        raise UnreadableFile(_("The file is no longer here. Upload it again.")) from error
    with stored:
        refuse_large(stored.size)
        yield cast("BinaryIO", stored.file)


def refuse_large(size: int) -> None:
    if size > settings.MAX_IMPORT_BYTES:
        raise UnreadableFile(
            _(
                "The file is larger than %(limit)s. Split it into smaller files that hold changes only, and import "
                "them one after the other."
            )
            % {"limit": filesizeformat(settings.MAX_IMPORT_BYTES)}
        )
