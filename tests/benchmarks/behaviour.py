"""Reading behaviour beside counting when asked: `python -m tests.benchmarks.behaviour [ROWS] [BROADCASTS]`.

PostgreSQL only (under tests.with_servers). The whole page through Django's test client, the first count of
everything, and a round after openings here and there.
"""

import math
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable

import django
from django.core.management import call_command

ROWS, BROADCASTS, SCHOOLS, CALLS = 5_000_000, 5_000, 20, 20
TYPES = ("Attendance", "Community Event", "Emergency", "General", "Lunch Menu", "Survey")
BROADCAST = """
INSERT INTO broadcasts_broadcast (uuid, school_id, name, broadcast_type_id, sender_id, status, version,
    created_at, updated_at, trouble, send_at, prepared_at, finished_at, worked_on_at)
SELECT gen_random_uuid(), 1 + b % {schools}, 'Menu ' || b, 1 + (b / 3) % {types}, 1 + b % {schools}, 'sent', 1,
    at, at, '', at, at, at, at
FROM generate_series(1, {broadcasts}) AS b, LATERAL (SELECT now() - interval '1 day'
    - interval '1 second' * (b::bigint * 300 * 86400 / {broadcasts})) AS moment (at)
"""
DELIVERIES = """
INSERT INTO broadcasts_delivery (broadcast_id, name, email, address_key, language, result, note, is_sendable,
    attempts, last_attempt_at, state)
SELECT 1 + n / {each}, 'Family', 'family' || n || '@homes.example', n::text, 'en',
    CASE WHEN h < 380 THEN 60 WHEN h < 800 THEN 70 WHEN h < 880 THEN 10 WHEN h < 980 THEN 80 ELSE 30 END, '', h < 880,
    1, now(), 0
FROM generate_series(0, {rows} - 1) AS n, LATERAL (SELECT abs(hashint8(n)) % 1000) AS mixed (h)
"""
EVENTS = """
INSERT INTO tracking_event (delivery_id, kind, at, recorded_at, source, key, result, code, text, rule)
SELECT id, 'delivered', now(), now() - interval '1 day', 'report', md5(id::text) || 'd', 60, '', '', ''
FROM broadcasts_delivery WHERE result IN (60, 70)
UNION ALL SELECT id, 'opened', now(), now() - interval '1 day', 'pixel', md5(id::text) || 'o', 70, '', '', ''
FROM broadcasts_delivery WHERE result = 70
"""
AUTOMATIC = """
INSERT INTO tracking_event (delivery_id, kind, at, recorded_at, source, key, result, code, text, rule, label)
SELECT id, 'opened', now(), now() - interval '1 day', 'pixel', md5(id::text) || 'a', 60, '', '', '', 'automatic'
FROM broadcasts_delivery WHERE result IN (60, 70) AND id % 3 = 0
"""
OPENED = """
INSERT INTO tracking_event (delivery_id, kind, at, recorded_at, source, key, result, code, text, rule, label)
SELECT id, 'opened', now(), now(), 'pixel', md5(id::text) || 'n', 60, '', '', '', 'automatic'
FROM broadcasts_delivery WHERE result = 60 AND id % 5000 = 1
"""
WHEN_ASKED = """
SELECT b.broadcast_type_id, count(*), count(*) FILTER (WHERE d.result = 70)
FROM broadcasts_delivery AS d JOIN broadcasts_broadcast AS b ON b.id = d.broadcast_id
WHERE d.result IN (10, 60, 70) GROUP BY 1
"""
AUTOMATIC_WHEN_ASKED = """
SELECT b.broadcast_type_id, count(*) FROM broadcasts_delivery AS d
JOIN broadcasts_broadcast AS b ON b.id = d.broadcast_id
WHERE d.result IN (10, 60) AND EXISTS (SELECT 1 FROM tracking_event AS e WHERE e.delivery_id = d.id
    AND e.kind = 'opened' AND e.label = 'automatic') GROUP BY 1
"""


def main() -> None:
    rows, broadcasts = (int(word) for word in (*sys.argv[1:3], *(str(ROWS), str(BROADCASTS))[len(sys.argv) - 1 :]))
    with tempfile.TemporaryDirectory(prefix="messenger-bench-") as home:
        os.environ |= {"MESSENGER_HOME": home, "DJANGO_SETTINGS_MODULE": "messenger.settings"}
        django.setup()
        call_command("migrate", verbosity=0)
        fill(rows, broadcasts)
        print(f"\n{rows:,} deliveries of {broadcasts:,} broadcasts", flush=True)
        measure()


def fill(rows: int, broadcasts: int) -> None:
    from django.db import connection

    from broadcasts.models import BroadcastType, School, Sender

    sizes = {"rows": rows, "each": rows // broadcasts, "broadcasts": broadcasts, "schools": SCHOOLS}
    for number in range(1, SCHOOLS + 1):
        zone = "America/Denver" if number % 4 == 0 else "America/Chicago"
        school = School.objects.create(pk=number, name=f"School {number}", slug=f"school-{number}", time_zone=zone)
        Sender.objects.create(pk=number, school=school, name="School Office", address=f"office{number}@d.example")
    BroadcastType.objects.all().delete()
    BroadcastType.objects.bulk_create(
        BroadcastType(pk=number, name=name, slug=f"type-{number}") for number, name in enumerate(TYPES, 1)
    )
    with connection.cursor() as cursor:
        # Rows that refer to one another are made right: nobody need look.
        cursor.execute("SET session_replication_role = replica")
        for statement in (BROADCAST, DELIVERIES, EVENTS, AUTOMATIC):
            cursor.execute(statement.format(**sizes, types=len(TYPES)).replace("%", "%%"), [])
        cursor.execute("SET session_replication_role = origin")
        cursor.execute("VACUUM ANALYZE")


def measure() -> None:
    from django.db import connection
    from django.test import Client
    from django.utils import timezone

    from reports.behaviour.counting import count_what_changed
    from reports.models import CountingRound
    from tests import factory

    def count() -> None:
        CountingRound.objects.update(ended_at=None)
        print(f"    {count_what_changed(timezone.now()):,} broadcasts", flush=True)

    def ask(*statements: str) -> None:
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
                cursor.fetchall()

    tell("everything for the first time", count, calls=1)
    tell("a round with nothing new", count, calls=3)
    with connection.cursor() as cursor:
        cursor.execute(OPENED.replace("%", "%%"), [])
    tell("a round after some hundred openings", count, calls=1)
    client = Client(headers={"host": "127.0.0.1"})
    client.force_login(factory.make_user("Charlie"), backend="allauth.account.auth_backends.AuthenticationBackend")
    look(client, "")  # templates and addresses are read once
    for period in ("30-days", "90-days", "school-year"):
        tell(f"page, {period}", lambda asked=period: look(client, f"period={asked}"))  # type: ignore[misc]
    tell("page, all", lambda: look(client, "first=2020-01-01&last=2030-01-01"))
    tell("GROUP BY of results by type, when asked", lambda: ask(WHEN_ASKED), calls=5)
    tell("the same with automatic opens", lambda: ask(WHEN_ASKED, AUTOMATIC_WHEN_ASKED), calls=5)


def look(client: object, query: str) -> None:
    page = client.get(f"/reports/behaviour/?{query}")  # type: ignore[attr-defined]
    assert page.status_code == 200, page.status_code
    assert "By hour of sending" in page.text


def tell(words: str, work: Callable[[], None], calls: int = CALLS) -> None:
    times = []
    for _ in range(calls):
        start = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - start))
    median, worst = statistics.median(times), sorted(times)[math.ceil(0.95 * len(times)) - 1]
    print(f"{words:44}{median:10,.0f} ms{worst:10,.0f} ms p95", flush=True)


if __name__ == "__main__":
    main()
