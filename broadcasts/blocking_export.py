"""The Blocked Email list as a file: its page's columns, and what a spreadsheet needs besides."""

from collections.abc import Iterator
from datetime import tzinfo

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from broadcasts.models import BlockedEmail
from broadcasts.table_files import Row, TableFile, iso


def blocked_file(blocked: QuerySet[BlockedEmail]) -> TableFile:
    """It can be imported again (`blocking_file`)."""
    header = [_("Address"), _("Blocks"), _("Reason"), _("Source"), _("Added by"), _("Added"), _("Added (ISO)")]
    return TableFile("blocked-emails", str(BlockedEmail._meta.verbose_name_plural), header, _rows(blocked))  # noqa: SLF001


def _rows(blocked: QuerySet[BlockedEmail]) -> Iterator[Row]:
    # The school's clock is put away when the response starts to stream.
    clock = timezone.get_current_timezone()
    return (_row(entry, clock) for entry in blocked.select_related("added_by").iterator(chunk_size=2000))


def _row(entry: BlockedEmail, clock: tzinfo) -> Row:
    added = entry.added_at.astimezone(clock)
    who = entry.added_by.display_name if entry.added_by else ""
    level, source = str(entry.get_level_display()), str(entry.get_source_display())
    return (entry.address, level, entry.reason, source, who, added, iso(added))
