"""What watching costs beside a log of many rows: `python -m tests.benchmarks.operations [ROWS]`.

PostgreSQL only (under tests.with_servers). A tenth of the rows is due and a few are in doubt; what reads a big table
whole, or takes long, is printed.
"""

import os
import statistics
import sys
import tempfile
import time

import django
from django.core.management import call_command

ROWS, BROADCASTS, CALLS = 5_000_000, 200, 7
SLOW_MS = 50
DELIVERIES = """
INSERT INTO broadcasts_delivery (broadcast_id, name, email, address_key, language, result, note, is_sendable,
    attempts, last_attempt_at, state)
SELECT %s + n %% %s, 'Family', 'family' || n || '@homes.example', n::text, 'en', 10, '', true, 1,
    now() - interval '1 day', 0
FROM generate_series(1, %s) AS n
"""
ATTEMPTS = """
INSERT INTO broadcasts_attempt (delivery_id, number, at, outcome, result, phase, code, enhanced_code, text, rule)
SELECT id, 1, last_attempt_at, CASE WHEN id % 50000 = 0 THEN 'in_doubt' ELSE 'accepted' END, 10, 'body', 250, '',
    'taken', '' FROM broadcasts_delivery
"""
DUE = """
UPDATE broadcasts_delivery SET result = 0, attempts = 0, state = 1 WHERE broadcast_id >= %s
"""
DOUBTFUL = "UPDATE broadcasts_delivery SET state = %s WHERE id %% 50000 = %s"
LEASES = """
INSERT INTO broadcasts_lease (token, broadcast_id, until, rows, is_open)
SELECT gen_random_uuid(), broadcast_id, '2020-01-01', json_agg(id), false FROM broadcasts_delivery
WHERE state = 2 GROUP BY broadcast_id
"""


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="messenger-bench-") as home:
        os.environ |= {"MESSENGER_HOME": home, "DJANGO_SETTINGS_MODULE": "messenger.settings"}
        django.setup()
        measure(int(sys.argv[1]) if sys.argv[1:] else ROWS)


def fill(rows: int) -> None:
    from django.db import connection
    from django.utils import timezone

    from broadcasts.models import Broadcast
    from tests import factory

    call_command("migrate", verbosity=0)
    made = [factory.make_broadcast() for _ in range(BROADCASTS)]
    first = made[0].pk
    busy = made[-BROADCASTS // 10].pk
    Broadcast.objects.update(status="sent")
    Broadcast.objects.filter(pk__gte=busy).update(status="sending", prepared_at=timezone.now(), next_row=0)
    with connection.cursor() as cursor:
        cursor.execute(DELIVERIES, [first, BROADCASTS, rows])
        cursor.execute(ATTEMPTS)
        cursor.execute(DUE, [busy])
        cursor.execute(DOUBTFUL, [2, 1])
        cursor.execute(DOUBTFUL, [3, 0])
        cursor.execute(LEASES)
        cursor.execute("VACUUM ANALYZE")


def measure(rows: int) -> None:
    fill(rows)
    from django.db import connection
    from django.test.utils import CaptureQueriesContext
    from django.utils import timezone

    from reports.operations.metrics import collect
    from reports.operations.readiness import check_everything
    from reports.operations.status import take_status

    print(f"\n{rows:,} deliveries, {rows // 10:,} of them due")
    for name, work in (
        ("/metrics", lambda: list(collect(timezone.now()))),
        ("/readyz", check_everything),
        ("delivery_status", take_status),
    ):
        times = []
        for _ in range(CALLS):
            start = time.perf_counter()
            with CaptureQueriesContext(connection) as captured:
                work()
            times.append(time.perf_counter() - start)
        print(f"{name:20}{statistics.median(times) * 1000:8.0f} ms {len(captured):4} statements")
        for query in captured:
            tell_whole_reads(query["sql"])


def tell_whole_reads(sql: str) -> None:
    from django.db import connection

    if not sql.startswith("SELECT"):
        return
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF, COSTS OFF) {sql}")
        plan = [line for (line,) in cursor.fetchall()]
    big = [line for line in plan if "Seq Scan" in line and ("delivery" in line or "attempt" in line)]
    took = float(plan[-1].split()[2])
    if big or took > SLOW_MS:
        print(f"    {took:.0f} ms: {sql[:140]}", *big, sep="\n      ")


if __name__ == "__main__":
    main()
