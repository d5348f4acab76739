import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from reports.operations.status import Status, take_status
from reports.operations.wording import describe

WRONG = 1


class Command(BaseCommand):
    help = (
        "What is due, in doubt and stuck, who works and what waits in the queues, with what to do about it. "
        "Exit status: 0 all is well, 1 something is wrong."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="one line of JSON instead of words")

    def handle(self, *args: Any, **options: Any) -> None:
        status = take_status()
        if options["json"]:
            self.stdout.write(json.dumps(_as_json(status), default=str))
        else:
            for line in describe(status):
                self.stdout.write(line)
        if status.problems:
            raise CommandError(f"Something is wrong ({len(status.problems)}).", returncode=WRONG)


def _as_json(status: Status) -> dict[str, Any]:
    return asdict(status) | {"ok": not status.problems}
