from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from broadcasts.models import Broadcast, Delivery
from reports.email_log.exporting import export_chunks


class Command(BaseCommand):
    help = "Writes the Email Log as CSV, all of it or one broadcast's. Times are on the clock of each row's school."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--broadcast", type=int, metavar="N", help="only this broadcast's rows")
        parser.add_argument("--format", choices=["csv"], default="csv")
        parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="standard output without it")

    def handle(self, **options: Any) -> None:
        rows = Delivery.objects.order_by("broadcast_id", "pk")
        if (number := options["broadcast"]) is not None:
            if not Broadcast.objects.filter(pk=number).exists():
                raise CommandError(f"There is no broadcast {number}.", returncode=2)
            rows = rows.filter(broadcast=number)
        if options["output"] is None:
            for chunk in export_chunks(rows):
                self.stdout.write(chunk, ending="")
            return
        try:
            with options["output"].open("w", encoding="utf-8", newline="") as file:
                file.writelines(export_chunks(rows))
        except OSError as error:
            raise CommandError(f"{options['output']} cannot be written: {error.strerror}.", returncode=2) from error
