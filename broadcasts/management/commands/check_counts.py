from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from broadcasts.keeping_counts import differences, missing_triggers, repair_counts
from broadcasts.results import Result


class Command(BaseCommand):
    help = "Compare the counts of results that pages show with the rows themselves. Exit 1 where they differ."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--repair", action="store_true", help="Count all rows anew. Sending waits meanwhile; pages do not."
        )

    def handle(self, *args: Any, repair: bool = False, **options: Any) -> None:
        missing, differing = sorted(missing_triggers()), differences()
        for trigger in missing:
            self.stdout.write(f"The trigger {trigger} is missing: changes are not counted.")
        for found in differing:
            label = Result(found.result).label
            self.stdout.write(
                f"Broadcast {found.broadcast_id}, {label}: {found.rows} rows, but counted are {found.counted}."
            )
        if not missing and not differing:
            self.stdout.write("Every count is that of the rows.")
        elif repair:
            repair_counts()
            self.stdout.write("Counted anew.")
        else:
            raise CommandError("Run check_counts --repair to count anew.")
