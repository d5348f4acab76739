"""What the Email Log's indexes cost: `python -m tests.with_servers -- python -m tests.benchmarks.indexes [ROWS]`.

Preparing, sending by SMTP and settling of one broadcast with them, and of another without. It drops them: give it a
database of its own.
"""

import os
import sys
import tempfile
from datetime import timedelta

import django
from django.core.management import call_command

ROWS = 60_000


def main() -> None:
    rows = int(sys.argv[1]) if sys.argv[1:] else ROWS
    with tempfile.TemporaryDirectory(prefix="messenger-bench-") as home:
        os.environ |= {"MESSENGER_HOME": home, "DJANGO_SETTINGS_MODULE": "messenger.settings"}
        django.setup()
        call_command("migrate", verbosity=0)
        measure(rows)


def measure(rows: int) -> None:
    from tests.benchmarks import school

    broadcast = school.make(rows)
    run(broadcast)  # the first fills caches
    with_them = run(broadcast)
    drop()
    without = run(broadcast)
    for (work, slow), (_, quick) in zip(with_them, without, strict=True):
        print(f"{work:44}{slow:8.2f} s with{quick:8.2f} s without{slow / quick:8.2f} x")


def drop() -> None:
    """Those of settled rows, and on PostgreSQL those of parts of names and addresses."""
    from django.db import connection

    from broadcasts.models import Delivery

    names = [one.name for one in Delivery._meta.indexes if "is_settled" in str(one.condition)]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            of_parts = "tablename = 'broadcasts_delivery' AND indexdef LIKE '%USING gin%'"
            cursor.execute(f"SELECT indexname FROM pg_indexes WHERE {of_parts}")
            names += [name for (name,) in cursor.fetchall()]
        for name in names:
            cursor.execute(f"DROP INDEX {name}")
    print("without", ", ".join(names))


def run(broadcast: "object") -> list[tuple[str, float]]:
    from django.utils import timezone

    from broadcasts.delivering.settling import SETTLES_AFTER, settle_deliveries
    from broadcasts.models import Broadcast, Delivery
    from broadcasts.preparing.preparing import prepare_deliveries
    from tests.benchmarks import sending
    from tests.benchmarks.figures import timed

    assert isinstance(broadcast, Broadcast)
    Delivery.objects.filter(broadcast=broadcast).delete()
    now = timezone.now()
    Broadcast.objects.filter(pk=broadcast.pk).update(status="preparing", send_at=now, prepared_at=None)
    with timed("preparing") as prepared:
        assert prepare_deliveries(broadcast.pk)
    broadcast.refresh_from_db()
    _theirs, sent = sending.measure(broadcast)
    later = now + SETTLES_AFTER + timedelta(hours=1)
    Delivery.objects.filter(broadcast=broadcast).update(state=Delivery.State.IDLE, next_attempt_at=None)
    with timed("settling") as settled:
        while settle_deliveries(later):
            pass
    return [(figure.work, figure.seconds) for figure in (prepared, sent, settled)]


if __name__ == "__main__":
    main()
