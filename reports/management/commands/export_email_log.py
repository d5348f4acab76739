from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from broadcasts.models import Broadcast, Delivery
from reports.email_log.exporting import export_chunks, record_export


class Command(BaseCommand):
    help = "Writes the Email Log as CSV, all of it or one broadcast's. Times are on the clock of each row's school."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--broadcast", type=int, metavar="N", help="only this broadcast's rows")
        parser.add_argument("--format", choices=["csv"], default="csv")
        parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="standard output without it")

    def handle(self, **options: Any) -> None:
        number, output = options["broadcast"], options["output"]
        broadcast = Broadcast.objects.select_related("school").filter(pk=number).first()
        if number is not None and broadcast is None:
            raise CommandError(f"There is no broadcast {number}.", returncode=2)
        if output is None:
            for chunk in _export(broadcast):
                self.stdout.write(chunk, ending="")
            return
        try:
            with output.open("w", encoding="utf-8", newline="") as file:
                file.writelines(_export(broadcast))
        except OSError as error:
            raise CommandError(f"{output} cannot be written: {error.strerror}.", returncode=2) from error


def _export(broadcast: Broadcast | None) -> Iterator[str]:
    rows = Delivery.objects.order_by("broadcast_id", "pk")
    if broadcast:
        rows = rows.filter(broadcast=broadcast)
    record_export(None, broadcast, rows.count(), {"broadcast": str(broadcast.pk)} if broadcast else {})
    return export_chunks(rows)
