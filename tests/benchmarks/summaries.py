"""The broadcast report and the Broadcast Summary, beside counting the rows when asked; and what keeping counts costs.

`python -m tests.benchmarks.summaries [ROWS OF ONE] [ROWS OF EACH OF 200]`, on the database that DATABASE_URL names or
a fresh SQLite file. It brings its own rows, by SQL: 500,000 in one broadcast, and 200 broadcasts of 25,000.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import django
from django.core.management import call_command

CALLS = 25
BROADCASTS = 200
# Out of 100 rows: what a sent broadcast looks like.
RESULTS = """CASE WHEN n % 100 < 45 THEN 70 WHEN n % 100 < 85 THEN 60 WHEN n % 100 < 88 THEN 10
    WHEN n % 100 < 90 THEN 30 WHEN n % 100 < 92 THEN 40 WHEN n % 100 < 96 THEN 80 ELSE 90 END"""
NUMBERS = {
    "postgresql": "(SELECT n FROM generate_series(1, {rows}) AS n) AS numbers",
    "sqlite": "(WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {rows}) SELECT n FROM c)",
}
DELIVERIES = f"""
INSERT INTO broadcasts_delivery (broadcast_id, person_id, name, email, address_key, language, result, note,
    is_sendable, attempts, last_attempt_at, state, late_bounce_reason)
SELECT {{broadcast}}, {{first}} + n, 'Family ' || n, 'f' || n || '@mail' || (n % 40) || '.example',
    'f' || n || '@mail' || (n % 40) || '.example', CASE WHEN n % 5 = 0 THEN 'es' ELSE 'en' END, {RESULTS}, '',
    n % 100 < 92, 1, '{{at}}', 0, '' FROM {{numbers}}
"""
PEOPLE = """
INSERT INTO broadcasts_person (id, school_id, name, kind, language, grade, sis_id, is_active, is_imported,
    created_at)
SELECT {first} + n, {school}, 'Family ' || n, 'student', 'en', CAST(n % 12 + 1 AS varchar(2)), '', true, false,
    '2026-01-01 00:00:00+00:00'
FROM {numbers}
"""
EVENTS = """
INSERT INTO tracking_event (delivery_id, kind, at, recorded_at, source, key, result, code, text, rule, label, agent,
    network)
SELECT id, '{kind}', {at}, '{start}', 'report', '{kind}' || id, NULL, '', '', '', '{label}', '', ''
FROM broadcasts_delivery WHERE broadcast_id = {broadcast} AND result IN ({results})
"""
LATER = {
    "postgresql": "timestamptz '{start}' + ((id * 7919) % {spread}) * interval '1 second'",
    "sqlite": "strftime('%Y-%m-%d %H:%M:%S.000000', '{start}', '+' || ((id * 7919) % {spread}) || ' seconds')",
}


def main() -> None:
    sizes = [int(size) for size in sys.argv[1:]]
    one, each = (*sizes, *(500_000, 25_000)[len(sizes) :])
    with tempfile.TemporaryDirectory(prefix="messenger-bench-") as home:
        os.environ |= {"MESSENGER_HOME": home, "DJANGO_SETTINGS_MODULE": "messenger.settings"}
        django.setup()
        call_command("migrate", verbosity=0)
        measure(one, each)


def measure(one: int, each: int) -> None:
    from django.db import connection

    from broadcasts.models import Broadcast
    from tests import factory
    from tests.benchmarks import school as benchmark_school

    school = factory.make_school("Summaries")
    print(f"\n{connection.display_name}: one broadcast of {one:,}, {BROADCASTS} of {each:,}", flush=True)
    big = _broadcast(school)
    first = 10_000_000
    numbers = NUMBERS[connection.vendor]
    _run(PEOPLE.format(first=first, school=school.pk, numbers=numbers.format(rows=max(one, each))))
    _costs(one, lambda number, rows: _fill(_broadcast(school), first, rows))
    _fill(big, first, one)
    _events(big)
    for _ in range(BROADCASTS):
        _fill(_broadcast(school), first, each)
    benchmark_school.settle()
    _pages(big, list(Broadcast.objects.filter(school=school)))


def _broadcast(school: Any) -> Any:
    from django.utils import timezone

    from tests import factory

    start = timezone.now()
    return factory.make_broadcast(school, status="sent", prepared_at=start, send_at=start, finished_at=start)


def _fill(broadcast: Any, first: int, rows: int) -> None:
    from django.db import connection

    numbers = NUMBERS[connection.vendor].format(rows=rows)
    at = f"{broadcast.prepared_at:%Y-%m-%d %H:%M:%S+00:00}"
    _run(DELIVERIES.format(broadcast=broadcast.pk, first=first, numbers=numbers, at=at))


def _events(broadcast: Any) -> None:
    from django.db import connection

    start = f"{broadcast.prepared_at:%Y-%m-%d %H:%M:%S}"
    start += "+00:00" if connection.vendor == "postgresql" else ".000000"
    kinds = (
        ("delivered", "", "60, 70", 1_800),
        ("opened", "person", "70", 90_000),
        ("opened", "automatic", "60", 600),
    )
    for kind, label, results, spread in kinds:
        at = LATER[connection.vendor].format(start=start, spread=spread)
        words = {"kind": kind, "label": label, "results": results, "at": at, "start": start}
        statement = EVENTS.format(broadcast=broadcast.pk, **words)
        _run(statement.replace(f"'{kind}' || id", f"'{kind}{label}' || id"))


def _costs(rows: int, fill: Callable[[int, int], None]) -> None:
    """The same statement with the triggers and without, and the same updates in sets of 200."""
    from django.db import connection

    from broadcasts.keeping_counts import drop_triggers, keep_counts

    few = min(rows, 100_000)
    with_them = _seconds(lambda: fill(0, few)), _seconds(lambda: _raise_in_sets(few))
    drop_triggers(connection)
    without = _seconds(lambda: fill(0, few)), _seconds(lambda: _raise_in_sets(few))
    keep_counts()
    for words, kept, bare in zip(("preparing", "updates in sets of 200"), with_them, without, strict=True):
        print(f"  {words}, {few:,} rows: {kept:.2f} s with counts, {bare:.2f} s without: {kept / bare:.2f} x")


def _raise_in_sets(rows: int) -> None:
    """As the ledger does: twice a row, of which once its result changes."""
    from broadcasts.models import Delivery

    last = Delivery.objects.order_by("-pk").values_list("pk", flat=True)[0]
    for start in range(last - min(rows, 20_000), last, 200):
        some = Delivery.objects.filter(pk__gt=start, pk__lte=start + 200)
        some.update(attempts=2)
        some.update(attempts=3, result=75 - 5)


def _pages(big: Any, all_of_them: list[Any]) -> None:
    from django.test import Client
    from django.urls import reverse

    from broadcasts.counting import counts_by_broadcast
    from broadcasts.models import Delivery
    from broadcasts.results import count_by_label
    from tests import factory

    client = Client(headers={"host": "127.0.0.1"})
    client.force_login(
        factory.make_user("Summer", big.school),
        backend="allauth.account.auth_backends.AuthenticationBackend",
    )
    rows = Delivery.objects.filter(broadcast=big.pk)
    every = Delivery.objects.filter(broadcast__in=[each.pk for each in all_of_them])
    report = reverse("reports:broadcast-report", args=[big.pk])
    print(f"  {'':46}{'median':>9}{'p95':>9}")
    _show("counts of the one", lambda: counts_by_broadcast([big]))
    _show("  beside GROUP BY", lambda: count_by_label(rows), 5)
    _show("counts of all", lambda: counts_by_broadcast(all_of_them))
    _show("  beside GROUP BY", lambda: count_by_label(every), 3)
    _show("broadcast report", lambda: _get(client, report))
    _show("  all of it, for the first time", lambda: _get(client, f"{report}?all=1"), 1)
    _show("  all of it", lambda: _get(client, f"{report}?all=1"))
    summary = reverse("reports:broadcast-summary")
    for words, query in (("", ""), (", by a count", "?sort=-opened"), (", last page", "?page=8")):
        _show(f"Broadcast Summary{words}", partial(_get, client, summary + query))


def _get(client: Any, address: str) -> None:
    response = client.get(address)
    assert response.status_code == 200, (address, response.status_code)


def _show(words: str, call: Callable[[], object], calls: int = CALLS) -> None:
    took = sorted(_seconds(call) * 1000 for _ in range(calls))
    p95 = took[max(0, -(-95 * calls // 100) - 1)]
    print(f"  {words:46}{statistics.median(took):>6.1f} ms{p95:>6.1f} ms", flush=True)


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def _run(statement: str) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(statement)


if __name__ == "__main__":
    main()
