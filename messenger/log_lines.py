"""How a line of the log reads: for people (plain), or for what collects logs (json). Neither names an address."""

import json
import logging
from datetime import UTC, datetime
from typing import Any

from broadcasts.addresses import without_addresses
from broadcasts.at_work import process_name, work_of_this_thread


class Line(logging.Formatter):
    """Words of mail servers and of the database name addresses; the log of a school is read by others."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        return line if record.levelno < logging.INFO else without_addresses(line)


class JsonLine(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = json.dumps(self._fields(record), ensure_ascii=False, default=str)
        return line if record.levelno < logging.INFO else without_addresses(line)

    def _fields(self, record: logging.LogRecord) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "worker": f"{process_name()}:{record.threadName}",
        }
        if work := work_of_this_thread():
            fields[work.what] = work.pk
        fields |= {name: getattr(record, name) for name in ("broadcast", "counts") if hasattr(record, name)}
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return fields
