"""`python -m tests.benchmarks [ROWS]`: measure on the database that DATABASE_URL names, or on a fresh SQLite file.

The database is filled and not emptied: give it one of its own (`make bench` does).
"""

import os
import sys
import tempfile

import django
from django.core.management import call_command

ROWS = 100_000


def main() -> None:
    rows = int(sys.argv[1]) if sys.argv[1:] else ROWS
    with tempfile.TemporaryDirectory(prefix="messenger-bench-") as home:
        os.environ |= {"MESSENGER_HOME": home, "DJANGO_SETTINGS_MODULE": "messenger.settings"}
        django.setup()
        measure(rows)


def measure(rows: int) -> None:
    from django.db import connection

    from tests.benchmarks import (
        bounces,
        compiling,
        email_log,
        importing,
        lists,
        pixel,
        preparing,
        providers,
        school,
        sending,
        webhooks,
    )

    call_command("migrate", verbosity=0)
    print(f"\n{connection.display_name}, {rows:,} recipients")
    print(f"{'work':44}{'time':>10}{'per second':>14}{'ratio':>34}")
    broadcast = school.make(rows)
    for work in (preparing, email_log, compiling, sending, providers, bounces, webhooks, pixel):
        print(*work.measure(broadcast), sep="\n", flush=True)
    print(*importing.measure(rows), sep="\n", flush=True)
    # After the others: it fills the directory and the Email Log further.
    print(*lists.measure(rows), sep="\n", flush=True)


if __name__ == "__main__":
    main()
