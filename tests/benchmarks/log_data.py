"""Years of email for the Email Log and the reports: `python -m tests.benchmarks.log_data [ROWS] [BROADCASTS]`.

Fills the PostgreSQL that DATABASE_URL names, by statements over all rows, the same rows each time: 5,000,000 take
some minutes. Eight schools, six types, everybody once in each broadcast of their school; the two newest broadcasts
of each of two schools are not settled yet. Also attempts, openings by people and machines, and late bounces. The
counts that pages show are made at the end, and new rows get numbers of their own: the product can be used over it.
"""

import os
import sys
import tempfile
import time
from typing import Any

import django
from django.core.management import call_command

ROWS, BROADCASTS, SCHOOLS = 5_000_000, 200, 8
TYPES = ("Attendance", "Community Event", "Emergency", "General", "Lunch Menu", "Survey")
FIRST = (
    "Ana Ben Carla Dev Elena Farid Grace Hiro Ines Jamal Kira Liam Mina Noah Olga Pavel Quinn Rosa Sam Tariq Uma "
    "Victor Wen Xenia Yusuf Zoë"
)
LAST = (
    "Abbott Baker Castillo Dietrich Evans Fischer García Huang Ibrahim Jensen Kowalski Larsen Moreno Nguyen O'Brien "
    "Patel Quist Romero Schmidt Tanaka Ueda Vargas Walker Xu Young Zimmermann"
)
UNSETTLED = 4

PEOPLE = """
INSERT INTO broadcasts_person (id, school_id, sis_id, name, kind, language, grade, is_active, is_imported, created_at)
SELECT n, 1 + (n - 1) / {people}, 'P' || n,
    ({first})[1 + (n * 7919::bigint) % {firsts}] || ' ' || ({last})[1 + (n * 104729::bigint / 26) % {lasts}]
        || CASE WHEN n % 9 = 0 THEN ' ' || chr(65 + n % 26) || '.' ELSE '' END,
    'guardian', CASE WHEN n % 6 = 0 THEN 'es' ELSE 'en' END, '', true, true, now()
FROM generate_series(1, {people} * {schools}) AS n
"""
ADDRESSES = """
INSERT INTO broadcasts_emailaddress (id, person_id, address, key, is_valid, is_active, position, by_hand)
SELECT id, id, address, address, true, true, 0, false FROM (
    SELECT id, lower(regexp_replace(name, '[^A-Za-z]+', '.', 'g')) || (id * 31) % 9973 || '-' || id || '@'
        || (ARRAY['gmail.example', 'outlook.example', 'mail.example', 'yahoo.example'])[1 + id % 4] AS address
    FROM broadcasts_person) AS made
"""
BROADCAST = """
INSERT INTO broadcasts_broadcast (uuid, school_id, name, broadcast_type_id, sender_id, status, version, created_at,
    updated_at, trouble, send_at, prepared_at, finished_at)
SELECT md5('broadcast' || b)::uuid, 1 + b % {schools}, (ARRAY['Snow day', 'Lunch menu', 'Bus 12 is late',
    'Parents'' evening', 'Picture day', 'School survey'])[1 + b % 6] || ' ' || b, 1 + (b / 2) % {types},
    1 + b % {schools}, 'sent', 1, at, at, '', at, at, at + interval '20 minutes'
FROM generate_series(1, {broadcasts}) AS b,
    LATERAL (SELECT now() - interval '3 days' * ({broadcasts} - b) - interval '1 day' - interval '1 minute' * b)
        AS moment (at)
ORDER BY b
"""
# What a row came to depends on its person and broadcast alone, so that it is the same each time.
DELIVERIES = """
INSERT INTO broadcasts_delivery (broadcast_id, person_id, address_id, name, email, address_key, language, result,
    note, is_sendable, attempts, last_attempt_at, late_bounce_at, late_bounce_reason, is_settled)
SELECT b.id, p.id, CASE WHEN result <> 90 THEN a.id END, p.name, CASE WHEN result <> 90 THEN a.address ELSE '' END,
    CASE WHEN result <> 90 THEN a.key ELSE '' END, p.language, result,
    CASE result WHEN 80 THEN 'shared' WHEN 90 THEN 'no_address' WHEN 100 THEN 'blocked'
        WHEN 30 THEN 'gave_up' ELSE '' END,
    result < 80, tries, CASE WHEN tries > 0 THEN
        b.prepared_at + interval '1 second' * (1 + (p.id % {people}) / 40)
            + CASE WHEN tries > 1 THEN interval '1 minute' * (tries * tries * 15 + h % 14) ELSE interval '0' END END,
    CASE WHEN result IN (60, 70) AND h % 1000 = 3 THEN b.prepared_at + interval '9 hours' END,
    CASE WHEN result IN (60, 70) AND h % 1000 = 3 THEN '550 5.1.1 The mailbox does not exist' ELSE '' END,
    b.id <= {broadcasts} - {unsettled}
FROM broadcasts_broadcast AS b
JOIN broadcasts_person AS p ON p.school_id = b.school_id AND p.id % {people} < {each}
JOIN broadcasts_emailaddress AS a ON a.person_id = p.id,
    LATERAL (SELECT abs(hashint8(p.id * 1000003 + b.id))::bigint) AS mixed (h),
    LATERAL (SELECT h / 1000 % 1000) AS part (m),
    LATERAL (SELECT CASE WHEN m < 380 THEN 60 WHEN m < 800 THEN 70 WHEN m < 880 THEN 10 WHEN m < 930 THEN 80
        WHEN m < 970 THEN 90 WHEN m < 982 THEN 30 WHEN m < 990 THEN 40 WHEN m < 996 THEN 100
        WHEN m < 998 THEN 50 WHEN m < 999 THEN 20 ELSE 0 END) AS became (result),
    LATERAL (SELECT CASE WHEN result IN (0, 80, 90, 100) THEN 0 WHEN result IN (20, 30) THEN 3 + h % 4
        WHEN h % 40 = 1 THEN 2 WHEN h % 400 = 2 THEN 3 ELSE 1 END) AS tried (tries)
WHERE b.id BETWEEN %s AND %s ORDER BY b.id, p.id
"""
ATTEMPTS = """
INSERT INTO broadcasts_attempt (delivery_id, number, at, outcome, result, phase, code, enhanced_code, text, rule)
SELECT d.id, n, d.last_attempt_at - interval '1 hour' * (d.attempts - n),
    CASE WHEN n < d.attempts OR d.result = 20 THEN 'deferred' WHEN d.result IN (30, 40) THEN 'refused'
        ELSE 'accepted' END,
    CASE WHEN n < d.attempts OR d.result = 20 THEN 20 WHEN d.result IN (30, 40) THEN d.result ELSE 10 END,
    'body', CASE WHEN n < d.attempts OR d.result = 20 THEN 451 WHEN d.result IN (30, 40) THEN 550 ELSE 250 END, '',
    CASE WHEN n < d.attempts THEN 'Greylisted' WHEN d.result IN (30, 40) THEN 'No such user' ELSE 'OK' END, ''
FROM broadcasts_delivery AS d, generate_series(1, d.attempts) AS n WHERE d.broadcast_id BETWEEN %s AND %s
"""
# Half of the openings come within three hours, the others within two days; some mailboxes open by themselves.
EVENTS = """
INSERT INTO tracking_event (delivery_id, kind, at, recorded_at, source, key, result, code, text, rule, label, agent)
SELECT d.id, kind, moment, moment, source, md5(kind || d.id) || md5(d.id || 'x'), became, '', '', '', label, agent
FROM broadcasts_delivery AS d, LATERAL (SELECT abs(hashint8(d.id))::bigint) AS mixed (h), LATERAL (
    SELECT 'opened',
        d.last_attempt_at + interval '1 second' * (CASE WHEN h % 2 = 0 THEN h % 10800 ELSE h % 172800 END),
        'pixel', 70, CASE WHEN h % 5 = 0 THEN 'unsure' ELSE 'person' END,
        (ARRAY['Gmail', 'Apple Mail', 'Outlook'])[1 + h % 3] WHERE d.result = 70
    UNION ALL SELECT 'opened', d.last_attempt_at + interval '4 seconds', 'pixel', 60, 'automatic', 'Apple Mail'
        WHERE d.result = 60 AND h % 9 = 0
    UNION ALL SELECT 'bounced', d.late_bounce_at, 'report', 40, '', '' WHERE d.late_bounce_at IS NOT NULL
) AS happened (kind, moment, source, became, label, agent)
WHERE d.broadcast_id BETWEEN %s AND %s AND d.last_attempt_at IS NOT NULL
"""
TABLES = ("broadcasts_delivery", "broadcasts_attempt", "tracking_event")
STEP = 10  # broadcasts in a statement


def main() -> None:
    rows, broadcasts = (int(word) for word in (*sys.argv[1:3], *(str(ROWS), str(BROADCASTS))[len(sys.argv) - 1 :]))
    with tempfile.TemporaryDirectory(prefix="messenger-bench-") as home:
        os.environ |= {"MESSENGER_HOME": home, "DJANGO_SETTINGS_MODULE": "messenger.settings"}
        django.setup()
        call_command("migrate", verbosity=0)
        start = time.perf_counter()
        fill(rows, broadcasts)
        print(f"{rows:,} rows in {time.perf_counter() - start:.0f} s")


def fill(rows: int, broadcasts: int = BROADCASTS) -> None:
    """Nothing else may be in the database."""
    from django.db import connection

    each = rows // broadcasts
    # People of a school that get none of its broadcasts would be a strange school: all get all of them.
    sizes = {"people": each, "each": each, "schools": SCHOOLS, "types": len(TYPES), "broadcasts": broadcasts}
    names = {"first": array_of(FIRST), "firsts": 26, "last": array_of(LAST), "lasts": 26}
    make_schools()
    with connection.cursor() as cursor:
        indexes = take_off_indexes(cursor)
        # Rows that refer to one another are made right: nobody need look.
        cursor.execute("SET session_replication_role = replica; SET jit = off; SET maintenance_work_mem = '512MB'")
        cursor.execute(PEOPLE.format(**sizes, **names).replace("%", "%%"), [])
        cursor.execute(ADDRESSES)
        cursor.execute(BROADCAST.format(**sizes).replace("%", "%%"), [])
        for statement in (DELIVERIES, ATTEMPTS, EVENTS):
            sql = statement.format(**sizes, unsettled=min(UNSETTLED, broadcasts // 50))
            sql = sql.replace("%", "%%").replace("%%s", "%s")
            for first in range(1, broadcasts + 1, STEP):
                cursor.execute(sql, [first, first + STEP - 1])
        for index in indexes:
            cursor.execute(index)
        cursor.execute("RESET session_replication_role; RESET jit; RESET maintenance_work_mem")
        make_usable(cursor)
        cursor.execute("VACUUM ANALYZE")


def make_usable(cursor: Any) -> None:
    """What the database keeps by itself was not kept while the rows were made: counts, and the next free numbers."""
    from django.apps import apps
    from django.core.management.color import no_style
    from django.db import connection

    from broadcasts.keeping_counts import repair_counts

    repair_counts()
    for statement in connection.ops.sequence_reset_sql(no_style(), list(apps.get_models())):
        cursor.execute(statement)


def array_of(words: str) -> str:
    return "ARRAY[" + ", ".join("'" + word.replace("'", "''") + "'" for word in words.split()) + "]"


def make_schools() -> None:
    from broadcasts.models import BroadcastType, School, Sender

    for number in range(1, SCHOOLS + 1):
        zone = "America/Denver" if number % 4 == 0 else "America/Chicago"
        school = School.objects.create(pk=number, name=f"School {number}", slug=f"school-{number}", time_zone=zone)
        Sender.objects.create(pk=number, school=school, name="School Office", address=f"office{number}@d.example")
    for number, name in enumerate(TYPES, 1):
        slug = name.lower().replace(" ", "-")
        BroadcastType.objects.update_or_create(slug=slug, defaults={"name": name, "pk": number})


def take_off_indexes(cursor: Any) -> list[str]:
    """Filling a table first and sorting its indexes then takes a fraction of the time. How to make them again."""
    cursor.execute(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ANY(%s) AND NOT EXISTS"
        " (SELECT 1 FROM pg_constraint WHERE conname = indexname)",
        [list(TABLES)],
    )
    found = cursor.fetchall()
    for name, _ in found:
        cursor.execute(f'DROP INDEX "{name}"')
    return [made for _, made in found]


if __name__ == "__main__":
    main()
