from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from broadcasts.forgetting.rounds import Line, follow_rules, forecast


class Command(BaseCommand):
    help = (
        "Remove what the retention rules no longer keep. The sweep has it done once a day; this does it now. "
        "It may be stopped at any time and goes on where it was."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="Say what would be removed, and change nothing.")
        parser.add_argument(
            "--at-once", action="store_true", help="Follow rules that were made or changed within the last day too."
        )

    def handle(self, *args: Any, dry_run: bool = False, at_once: bool = False, **options: Any) -> None:
        now = timezone.now()
        lines = forecast(now)
        if not lines:
            self.stdout.write("There are no rules that remove anything: everything is kept for ever.")
            return
        for line in _as_table(lines, at_once=at_once):
            self.stdout.write(line)
        if dry_run:
            self.stdout.write("Nothing was changed.")
            return
        follow_rules(now, at_once=at_once)
        left = sum(line.rows for line in forecast(now) if at_once or line.scope.begins_at <= now)
        self.stdout.write(f"Done. {left} rows are left." if left else "Done.")


def _as_table(lines: list[Line], *, at_once: bool) -> list[str]:
    now = timezone.now()
    head = ("school", "what", "days", "broadcasts", "rows", "")
    cells = [head]
    for line in lines:
        scope = line.scope
        waits = scope.begins_at > now and not at_once
        cells.append(
            (
                str(scope.school or "(of no school)"),
                str(scope.kind.value),
                str(scope.days),
                str(line.broadcasts or ""),
                str(line.rows),
                f"begins {scope.begins_at:%Y-%m-%d %H:%M} UTC" if waits else "",
            )
        )
    widths = [max(len(row[at]) for row in cells) for at in range(len(head))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
