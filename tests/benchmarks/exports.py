"""The Email Log as CSV, beside a queryset and Python's csv: `python -m tests.benchmarks.exports [ROWS]`.

After `log_data`. The peer writes its cells as they are, with no guard and no words for times.
"""

import csv
import io
import os
import resource
import sys
import tempfile
from itertools import islice

import django
from django.core.management import call_command

ROWS, PEER_ROWS, BOOK_ROWS = 1_000_000, 50_000, 20_000


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="messenger-bench-") as home:
        os.environ |= {"MESSENGER_HOME": home, "DJANGO_SETTINGS_MODULE": "messenger.settings"}
        django.setup()
        call_command("migrate", verbosity=0)
        measure(int(sys.argv[1]) if sys.argv[1:] else ROWS)


def measure(rows: int) -> None:
    from broadcasts.models import Delivery
    from broadcasts.workbook import write_workbook
    from reports.email_log.copying import with_doubts
    from reports.email_log.exporting import FIELDS, HEADER, Export
    from reports.email_log.sorting import Sort
    from reports.email_log.wanted import Wanted
    from tests.benchmarks.figures import timed

    per_broadcast = Delivery.objects.count() // Delivery.objects.values("broadcast").distinct().count()
    newest = Delivery.objects.order_by("-broadcast_id").values_list("broadcast_id", flat=True).distinct()
    export = Export(Wanted(broadcasts=list(newest[: max(rows // per_broadcast, 1)])), Sort())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with timed("CSV, guarded") as ours:
        ours.rows = sum(chunk.count(b"\r\n") for chunk in export.csv())
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    with timed("queryset.iterator() and csv.writer", PEER_ROWS) as peer:
        found = with_doubts(Delivery.objects.order_by("-broadcast_id", "pk")).values_list(*FIELDS)
        csv.writer(io.StringIO()).writerows(islice(found.iterator(chunk_size=2000), PEER_ROWS))
    ours.seconds_per_row_against(peer)
    with timed("XLSX", BOOK_ROWS) as book, tempfile.TemporaryFile() as file:
        write_workbook(HEADER, islice(export.rows(in_words=False), BOOK_ROWS), file, "Email Log")
    print(peer, ours, book, f"memory grew by {grown:.0f} MB", sep="\n")


if __name__ == "__main__":
    main()
