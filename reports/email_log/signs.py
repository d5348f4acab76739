"""How far a file is, told while it is written."""

import logging
from threading import Event, Thread
from types import TracebackType
from typing import Self

from django.db import Error, connection
from django.utils import timezone

from reports.models import ExportFile

log = logging.getLogger(__name__)


class Signs:
    """Within it the file's row says so every second, on a connection of its own: the writer's is busy for minutes.

    A row of the log counts as half when it is written and wholly when it is stored, which takes as long.
    """

    SECONDS = 1.0

    def __init__(self, file: ExportFile) -> None:
        self._file = ExportFile.objects.filter(pk=file.pk, status=ExportFile.Status.WRITING)
        self._rows, self._ended = 0.0, Event()
        self._thread = Thread(target=self._run, name="signs-of-export", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def half(self, rows: float) -> None:
        """So many were written, or stored."""
        self._rows += rows / 2

    def _run(self) -> None:
        try:
            while not self._ended.wait(self.SECONDS):
                self._tell()
        finally:
            connection.close()

    def _tell(self) -> None:
        try:
            self._file.update(rows_written=int(self._rows), worked_on_at=timezone.now())
        except Error:  # the next one may do
            log.warning("How far an export is could not be noted", exc_info=True)
            connection.close()
