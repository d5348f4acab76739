from pathlib import Path
from typing import IO, Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.http import QueryDict

from broadcasts.models import User
from reports.email_log.files import export_of, note_export
from reports.email_log.pages import EmailLog
from reports.views.export import rows_of

# Option → the name in the Email Log's address.
FILTERS = {
    "text": ("q", "a part of names or addresses"),
    "broadcast": ("broadcast", "only the rows of the broadcast with this number"),
    "type": ("type", "only this broadcast type, by its short name"),
    "school": ("school", "only the school with this number"),
    "sender": ("sender", "only the sender with this number"),
    "result": ("result", "only this Delivery Result, like soft-bounced, or did-not-get-it or got-it"),
    "attempts": ("attempts", "0, 1, 2 or more"),
    "from": ("date_from", "the first day, like 2026-05-11"),
    "to": ("date_to", "the last day"),
    "sort": ("sort", "a column of the page, with a minus before it to turn it round"),
}


class Command(BaseCommand):
    help = "Writes the Email Log or a part of it as CSV or XLSX. Times are on the clock of each row's school."

    def add_arguments(self, parser: CommandParser) -> None:
        for option, (name, words) in FILTERS.items():
            parser.add_argument(f"--{option}", dest=name, default="", help=words)
        parser.add_argument("--late", action="store_true", help="only emails that bounced later")
        parser.add_argument("--doubt", action="store_true", help="only emails in doubt")
        parser.add_argument("--format", choices=["csv", "xlsx"], default="csv")
        parser.add_argument(
            "--raw", action="store_true", help="cells as they are, also those that look like formulas"
        )
        parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="standard output without it")

    def handle(self, **options: Any) -> None:
        log = _log(options)
        output, is_xlsx = options["output"], options["format"] == "xlsx"
        if is_xlsx and output is None:
            raise CommandError("A workbook needs a file: say --output FILE.", returncode=2)
        if output is None:
            for chunk in self._chunks(log, options):
                self.stdout.write(chunk.decode(), ending="")
            return
        try:
            with output.open("wb") as file:
                self._write(log, options, file)
        except OSError as error:
            raise CommandError(f"{output} cannot be written: {error.strerror}.", returncode=2) from error

    def _write(self, log: EmailLog, options: dict[str, Any], file: IO[bytes]) -> None:
        if options["format"] == "csv":
            file.writelines(self._chunks(log, options))
            return
        note_export(log, "xlsx", rows_of(log), is_raw=False, by_shell=True)
        export_of(log, is_raw=False).write_xlsx(file)

    def _chunks(self, log: EmailLog, options: dict[str, Any]) -> Any:
        note_export(log, "csv", rows_of(log), is_raw=options["raw"], by_shell=True)
        return export_of(log, is_raw=options["raw"]).csv()


def _log(options: dict[str, Any]) -> EmailLog:
    asked = QueryDict(mutable=True)
    for name, _ in FILTERS.values():
        if options[name]:
            asked[name] = str(options[name])
    for name in ("late", "doubt"):
        if options[name]:
            asked[name] = "on"
    log = EmailLog(asked, User(is_superuser=True, is_active=True))  # who has the server's shell sees everything
    if log.filter.errors:
        words = [f"--{name}: {' '.join(found)}" for name, found in log.filter.errors.items()]
        raise CommandError(" ".join(words), returncode=2)
    return log
