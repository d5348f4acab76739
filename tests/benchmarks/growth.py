"""How preparing and sending grow with a broadcast: `python -m tests.benchmarks.growth [ROWS...]`, on PostgreSQL.

The school is made by SQL. Prints for each size the time of preparing (beside the bare statement into
a table with the same indexes), the time of sending by two workers, and the most memory that one of them used.
"""

import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import django
from django.core.management import call_command

ROWS = (10_000, 100_000, 1_000_000)
PEOPLE = """
INSERT INTO broadcasts_person (school_id, name, kind, language, grade, is_active, is_imported, created_at, sis_id)
SELECT %s, 'Family ' || n, 'guardian', 'en', '', true, false, now(), '' FROM generate_series(1, %s) AS n
"""
ADDRESSES = """
INSERT INTO broadcasts_emailaddress (person_id, address, key, is_valid, is_active, position, by_hand)
SELECT id, 'family' || id || '@homes.example', 'family' || id || '@homes.example', true, true, 0, false
FROM broadcasts_person
"""
TYPES = """
INSERT INTO broadcasts_contacttype (address_id, broadcast_type_id, receives, chosen_by, changed_at)
SELECT id, %s, true, '', now() FROM broadcasts_emailaddress
"""
MEMBERS = """
INSERT INTO broadcasts_listmember (list_id, person_id) SELECT %s, id FROM broadcasts_person
"""
COLUMNS = "broadcast_id, person_id, address_id, name, email, address_key, language, result, note, is_sendable, state"
BARE = """
CREATE TABLE bare (LIKE broadcasts_delivery INCLUDING ALL) WITH (fillfactor = 80);
INSERT INTO bare ({columns}) SELECT {columns} FROM broadcasts_delivery WHERE broadcast_id = %s ORDER BY id
"""


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="messenger-bench-") as home:
        os.environ |= {"MESSENGER_HOME": home, "DJANGO_SETTINGS_MODULE": "messenger.settings"}
        django.setup()
        measure([int(word) for word in sys.argv[1:]] or ROWS)


def measure(sizes: Sequence[int]) -> None:
    print(f"{'recipients':>11}{'preparing':>11}{'x bare':>8}{'sending':>11}{'per second':>12}{'memory':>9}")
    for rows in sizes:
        call_command("migrate", verbosity=0)
        print(f"{rows:>11,}{''.join(measure_one(rows))}", flush=True)
        call_command("flush", interactive=False, verbosity=0)


def measure_one(rows: int) -> Sequence[str]:
    from django.utils import timezone

    from broadcasts.models import Broadcast
    from broadcasts.preparing.preparing import prepare_deliveries
    from tests.benchmarks import school, sending

    broadcast = make_school(rows)
    Broadcast.objects.filter(pk=broadcast).update(status="preparing", send_at=timezone.now())
    start = time.perf_counter()
    assert prepare_deliveries(broadcast)
    prepared = time.perf_counter() - start
    bare = insert_bare(broadcast)
    school.settle()
    with (
        tempfile.TemporaryDirectory(prefix="messenger-sink-") as folder,
        sending.running_sink(Path(folder)) as port,
        sending.working(Broadcast.objects.get(pk=broadcast), port) as workers,
    ):
        memory = Memory(worker.pid for worker in workers)
        start = time.perf_counter()
        with memory:
            sending.go(workers)
        sent = time.perf_counter() - start
    return f"{prepared:>9.2f} s{prepared / bare:>8.2f}{sent:>9.1f} s{rows / sent:>12,.0f}{memory.most // 2**20:>6} MB"


def make_school(rows: int) -> int:
    from django.db import connection

    from tests import factory

    broadcast = factory.make_broadcast()
    kind = factory.make_type()
    with connection.cursor() as cursor:
        cursor.execute(PEOPLE, [broadcast.school_id, rows])
        cursor.execute(ADDRESSES)
        cursor.execute(TYPES, [kind.pk])
        cursor.execute(MEMBERS, [broadcast.lists.get().pk])
        cursor.execute("ANALYZE")
    return broadcast.pk


def insert_bare(broadcast: int) -> float:
    """The same rows into a table with the same indexes, and nothing else that a delivery needs."""
    from django.db import connection

    create, insert = BARE.format(columns=COLUMNS).strip().split(";")
    with connection.cursor() as cursor:
        cursor.execute(create)
        start = time.perf_counter()
        cursor.execute(insert, [broadcast])
        took = time.perf_counter() - start
        cursor.execute("DROP TABLE bare")
    return took


class Memory:
    """Looks at some processes while the block runs; `most`: bytes, of the one that used most."""

    def __init__(self, pids: Iterable[int]) -> None:
        self.pids = list(pids)
        self.most = 0
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_error: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _look(self) -> None:
        page = os.sysconf("SC_PAGE_SIZE")
        while not self._is_over.wait(0.5):
            for pid in self.pids:
                statm = Path(f"/proc/{pid}/statm")
                if statm.exists() and (words := statm.read_text().split()):
                    self.most = max(self.most, int(words[1]) * page)


if __name__ == "__main__":
    main()
