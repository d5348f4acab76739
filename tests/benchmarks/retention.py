"""`python -m tests.benchmarks.retention [ROWS]`: the dry run, removing addresses, and the link of an old email.

On the database that DATABASE_URL names, or on a fresh SQLite file. The floor is one bare UPDATE of the same columns.
"""

import os
import sys
import tempfile
from datetime import timedelta

import django
from django.core.management import call_command

ROWS = 100_000


def main() -> None:
    rows = int(sys.argv[1]) if sys.argv[1:] else ROWS
    with tempfile.TemporaryDirectory(prefix="messenger-bench-") as home:
        os.environ |= {"MESSENGER_HOME": home, "DJANGO_SETTINGS_MODULE": "messenger.settings"}
        django.setup()
        call_command("migrate", verbosity=0)
        measure(rows)


def measure(rows: int) -> None:
    from django.utils import timezone

    from broadcasts.forgetting.anonymous import as_known_today
    from broadcasts.forgetting.rounds import follow_rules, forecast
    from broadcasts.models import Broadcast, Delivery, RetentionRule
    from broadcasts.preparing.preparing import announce_preparing, prepare_deliveries
    from tests.benchmarks import school
    from tests.benchmarks.figures import timed

    long_ago = timezone.now() - timedelta(days=100)
    broadcast = school.make(rows)
    Broadcast.objects.filter(pk=broadcast.pk).update(status="scheduled", send_at=long_ago)
    assert announce_preparing(broadcast.pk, timezone.now())
    assert prepare_deliveries(broadcast.pk)
    broadcast.deliveries.update(state=0)
    broadcast.deliveries.update(result=60, attempts=1, last_attempt_at=long_ago, is_settled=True)
    Broadcast.objects.filter(pk=broadcast.pk).update(status="sent", finished_at=long_ago, next_row=None)
    with timed("a bare update of the same columns", rows) as floor:
        broadcast.deliveries.update(name="Removed", address=None, removed=0)
    RetentionRule.objects.create(kind="addresses", days=60)
    with timed("the dry run") as dry:
        [line] = forecast(timezone.now())
    assert line.rows == broadcast.deliveries.count()
    with timed("removing names and addresses", line.rows) as removing:
        assert follow_rules(timezone.now(), at_once=True)
    removing.against(floor, "bare update")
    row = Delivery.objects.filter(removed=2, is_sendable=True).order_by("-pk")[0]
    with timed("the link of an old email") as link:
        assert as_known_today(row)
    print(floor, dry, removing, link, sep="\n")


if __name__ == "__main__":
    main()
