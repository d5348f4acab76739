"""Pages of the Email Log over HTTP, 200 random ones: `python -m tests.benchmarks.log_pages` after `log_data`.

Each request is any order and direction, one or two filters or none, and a page: the first one, the next, one from the
middle, or the last. Beside it stands what django-tables2 does by itself: COUNT(*) and OFFSET over the same rows.
"""

import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import django
import requests
from django.core.management import call_command

REQUESTS, PEERS = 200, 12
COLUMNS = ("name", "email", "broadcast", "type", "school", "attempts", "last_attempt", "result")
SORTS = ["", *(f"{sign}{name}" for name in COLUMNS for sign in ("", "-"))]
GROUPS = ["did-not-get-it", "got-it"]
RESULTS = [
    *("unsent", "sent", "soft-bounced", "bounced", "failed", "blocked", "delivered", "opened", "duplicate"),
    *GROUPS,
]
TEXTS = ["castillo", "ana wal", "zimm", "gmail", "-4711", "o'brien", "noah", "rcía", "yusuf.x", "kowalski8"]


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="messenger-bench-") as home:
        os.environ |= {"MESSENGER_HOME": home, "DJANGO_SETTINGS_MODULE": "messenger.settings"}
        django.setup()
        call_command("migrate", verbosity=0)
        measure(int(sys.argv[1]) if sys.argv[1:] else REQUESTS)


def measure(requests_made: int) -> None:
    from django.db import connection

    from broadcasts.models import Delivery

    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples::bigint FROM pg_class WHERE relname = 'broadcasts_delivery'")
        print(f"{cursor.fetchone()[0]:,} rows, {Delivery.objects.values('broadcast').distinct().count()} broadcasts")
    chance = random.Random(3)
    with serving() as get:
        report("Email Log, any page", [get(asked) for asked in pages(chance, requests_made)])
        report("several results at once", [get(asked) for asked in grouped(chance)])
        report("part of a name or address", [get({"q": chance.choice(TEXTS)}) for _ in range(40)])
    report("COUNT(*) and OFFSET", [by_offset(chance) for _ in range(PEERS)])


def pages(chance: random.Random, number: int) -> Iterator[dict[str, str]]:
    from broadcasts.models import Broadcast, Delivery

    broadcasts = list(Broadcast.objects.order_by("pk").values_list("pk", "prepared_at"))
    last = Delivery.objects.latest("pk").pk
    for _ in range(number):
        choices: list[dict[str, str]] = [
            {"result": chance.choice(RESULTS)},
            {"broadcast": str(chance.choice(broadcasts)[0])},
            {"type": chance.choice(["general", "emergency", "survey"])},
            {"school": str(chance.randint(1, 8))},
            {"sender": str(chance.randint(1, 8))},
            {"attempts": chance.choice(["0", "1", "2", "more"])},
            {"late": "on"},
            {"date_from": f"{chance.choice(broadcasts)[1]:%Y-%m-%d}"},
        ]
        asked = {"sort": chance.choice(SORTS), "per_page": chance.choice(["25", "50", "100"])}
        for chosen in chance.sample(choices, chance.choice([0, 1, 1, 2])):
            asked |= chosen
        asked |= chance.choice([{}, {"at": "last"}, {"after": str(chance.randint(1, last))},
            {"before": str(chance.randint(1, last))}])  # fmt: skip
        yield asked


def grouped(chance: random.Random) -> Iterator[dict[str, str]]:
    """Each order of each group, at its beginning and somewhere in it."""
    from broadcasts.models import Delivery

    last = Delivery.objects.latest("pk").pk
    for slug in GROUPS:
        for sort in SORTS:
            yield {"result": slug, "sort": sort}
            yield {"result": slug, "sort": sort, "after": str(chance.randint(1, last))}


class serving:  # noqa: N801 - used as a function
    """The product behind its own web server, in this process; pages are read over HTTP."""

    def __enter__(self) -> Any:
        import threading

        import waitress.server
        from django.contrib.auth import SESSION_KEY
        from django.contrib.sessions.backends.db import SessionStore

        from broadcasts.models import User
        from messenger.wsgi import application
        from tests import factory

        self.server = waitress.server.create_server(application, host="127.0.0.1", port=0, threads=2)
        threading.Thread(target=self.server.run, daemon=True).start()
        user = User.objects.filter(username="bench").first() or factory.make_user("Bench")
        session = SessionStore()
        session[SESSION_KEY] = str(user.pk)
        session["_auth_user_backend"] = "allauth.account.auth_backends.AuthenticationBackend"
        session["_auth_user_hash"] = user.get_session_auth_hash()
        session.save()
        self.client = requests.Session()
        self.client.cookies["sessionid"] = str(session.session_key)
        self.get({})
        return self.get

    def get(self, asked: dict[str, str]) -> tuple[float, str]:
        address = f"http://127.0.0.1:{self.server.effective_port}/email-log/?{urlencode(asked)}"
        start = time.perf_counter()
        page = self.client.get(address, allow_redirects=False, timeout=60)
        took = time.perf_counter() - start
        assert page.status_code == 200, (page.status_code, address)
        assert "Email Log" in page.text
        return took, address.partition("?")[2]

    def __exit__(self, *_: object) -> None:
        self.server.close()


def by_offset(chance: random.Random) -> tuple[float, str]:
    from django.db.models import F

    from broadcasts.models import Delivery

    sort = chance.choice(["name", "email", "last_attempt_at", "attempts", "broadcast__name"])
    rows = Delivery.objects.order_by(F(sort).asc(nulls_last=True), "pk")
    start = time.perf_counter()
    total = rows.count()
    offset = chance.choice([0, total // 2, total - 50])
    list(rows.select_related("broadcast__school", "broadcast__broadcast_type")[offset : offset + 50])
    return time.perf_counter() - start, f"{sort} {offset}"


def report(words: str, taken: list[tuple[float, str]]) -> None:
    times = sorted(seconds for seconds, _ in taken)
    p95 = times[int(len(times) * 0.95) - 1]
    print(f"{words:32} median {statistics.median(times) * 1000:6.0f} ms  p95 {p95 * 1000:6.0f} ms  "
        f"longest {times[-1] * 1000:6.0f} ms")  # fmt: skip
    if "-v" in sys.argv:
        for seconds, asked in sorted(taken, reverse=True)[:12]:
            print(f"    {seconds * 1000:6.0f} ms  {asked}")


if __name__ == "__main__":
    main()
