"""Exports that take too long for a page: written by a worker, kept in the database for a day, for one user alone."""

import tempfile
from collections.abc import Iterator
from datetime import timedelta
from typing import IO

from django.db import transaction
from django.db.models import Q
from django.http import QueryDict
from django.utils import timezone

from broadcasts.counting import count_all
from broadcasts.models import User
from reports.email_log.exporting import Export, record_export
from reports.email_log.pages import EmailLog
from reports.email_log.signs import Signs
from reports.models import ExportFile, ExportPiece

PIECE = 1024 * 1024
# A writer that gave no sign for this long is dead, and another may begin anew.
PATIENCE = timedelta(minutes=2)
# What is written while the page waits. A workbook takes twenty times as long as lines of text.
AT_ONCE = {"csv": 200_000, "xlsx": 5_000}
# Finding and sorting rows takes as long as walking through their broadcasts does for three times as many.
FEW, PART = 50_000, 3
Status = ExportFile.Status


def export_of(log: EmailLog, *, is_raw: bool) -> Export:
    assert log.wanted is not None  # noqa: S101 - the doors have asked
    walked = sum(count_all(log.wanted.broadcasts).values())
    return Export(log.wanted, log.sort, is_raw, are_few=log.total.rows <= max(FEW, walked // PART))


def order_file(log: EmailLog, file_format: str, rows: int, *, is_raw: bool) -> ExportFile:
    """Note what is wanted. The caller wakes a worker on commit."""
    with transaction.atomic():
        file = ExportFile.objects.create(
            user=log.user, format=file_format, is_raw=is_raw, query=log.params.urlencode(), rows_expected=rows
        )
        note_export(log, file_format, rows, is_raw=is_raw)
    return file


def note_export(log: EmailLog, file_format: str, rows: int, *, is_raw: bool, by_shell: bool = False) -> None:
    details = dict(log.as_details)
    if file_format != "csv":
        details["format"] = file_format
    if is_raw:
        details["raw"] = "on"
    record_export(None if by_shell else log.user, log.filter.chosen_broadcast, rows, details)


def write_file(file_id: int) -> bool:
    """False: it is written already, by somebody else, or nobody wants it any more."""
    now = timezone.now()
    dead = Q(status=Status.WRITING, worked_on_at__lt=now - PATIENCE)
    free = ExportFile.objects.filter(Q(status=Status.WAITING) | dead, pk=file_id, expires_at__gt=now)
    if not free.update(status=Status.WRITING, worked_on_at=now, rows_written=0):
        return False
    file = ExportFile.objects.select_related("user").get(pk=file_id)
    file.pieces.all().delete()
    try:
        with tempfile.TemporaryFile(prefix="messenger-export-") as written, Signs(file) as signs:
            _write(file, written, signs)
            size = _store(file, written, signs)
    except Exception:
        # Not one that somebody else has written meanwhile.
        ExportFile.objects.filter(pk=file_id, status=Status.WRITING).update(status=Status.FAILED)
        raise
    return bool(ExportFile.objects.filter(pk=file_id, status=Status.WRITING).update(status=Status.READY, size=size))


def _write(file: ExportFile, written: IO[bytes], signs: Signs) -> None:
    export = export_of(EmailLog(QueryDict(file.query), file.user), is_raw=file.is_raw)
    if file.format == "xlsx":
        export.write_xlsx(written, lambda: signs.half(1))
        return
    for lines in export.csv():
        written.write(lines)
        signs.half(lines.count(b"\n"))


def _store(file: ExportFile, written: IO[bytes], signs: Signs) -> int:
    size = written.tell()
    written.seek(0)
    pieces = -(-size // PIECE)
    for number in range(pieces):
        ExportPiece.objects.create(file=file, number=number, content=written.read(PIECE))
        signs.half(file.rows_expected / pieces)
    return size


def read_file(file: ExportFile) -> Iterator[bytes]:
    """Piece by piece."""
    for number in range(-(-file.size // PIECE)):
        content = file.pieces.filter(number=number).values_list("content", flat=True).first()
        if content is None:  # swept away meanwhile: a download that breaks off is better than half a file
            raise OSError("The export expired while it was being read.")
        yield bytes(content)


def sweep_files() -> int:
    """Take away what has expired."""
    expired = ExportFile.objects.filter(expires_at__lte=timezone.now())
    ExportPiece.objects.filter(file__in=expired).delete()
    return expired.delete()[0]


def files_of(user: User) -> list[ExportFile]:
    return list(ExportFile.objects.filter(user=user, expires_at__gt=timezone.now()))


def to_resume(files: list[ExportFile]) -> list[int]:
    """Of those that a page shows: the ones that nobody seems to be writing."""
    long_ago = timezone.now() - PATIENCE
    return [
        file.pk
        for file in files
        if file.status in (Status.WAITING, Status.WRITING) and (file.worked_on_at or file.created_at) < long_ago
    ]
