"""Workers on several machines share PostgreSQL and Redis and nothing else; also when one of the machines is lost."""

import os
import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import psycopg
import pytest

from tests.browser.running import own_servers
from tests.messenger.machines import Machine, machine
from tests.smtp_server import Received, ScriptedServer
from tests.waiting import wait_for
from tests.with_servers import free_port

pytestmark = pytest.mark.skipif(
    not (os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL")),
    reason="several machines need PostgreSQL and Redis; `make test` runs it with both",
)
TOKEN = "a-long-token-for-this-test"
ELSEWHERE = 20  # databases of PostgreSQL and Redis that no other test uses
PEOPLE = [f"family{number}@x.example" for number in range(2_400)]
# Of one machine: a process, its threads, the connections of each.
CONNECTIONS = 1 * 2 * 5


@dataclass
class District:
    office: Machine
    workers: list[Machine]
    sink: ScriptedServer
    database: str
    url: str

    def ask(self, path: str) -> str:
        request = Request(f"{self.url}{path}", headers={"Authorization": f"Bearer {TOKEN}"})
        try:
            with urlopen(request, timeout=10) as answer:
                return str(answer.read().decode())
        except HTTPError as error:
            return str(error.read().decode())
        except URLError:
            return ""

    def figure(self, name: str) -> float:
        found = re.search(rf"^{re.escape(name)} (\S+)$", self.ask("/metrics"), re.MULTILINE)
        return float(found[1]) if found else -1

    def rows(self) -> list[tuple[str, int, int]]:
        with psycopg.connect(self.database) as connection:
            query = "SELECT email, result, state FROM broadcasts_delivery"
            return connection.execute(query).fetchall()

    def all_are_busy(self) -> bool:
        with psycopg.connect(self.database) as connection:
            query = "SELECT name FROM broadcasts_heartbeat WHERE works_on LIKE 'broadcast%'"
            pids = [int(name.split(":")[1]) for (name,) in connection.execute(query)]
        return all(each.is_busy(pids) for each in self.workers)

    def send(self) -> None:
        folder = self.office.folder
        (folder / "message.html").write_text("<p>Dear {{ name }}, school is closed.</p>")
        (folder / "families.csv").write_text("name,email\n" + "".join(f"Person,{address}\n" for address in PEOPLE))
        self.office.run(
            "send_broadcast", "--type", "General", "--list", str(folder / "families.csv"), "--subject", "Snow day",
            "--sender", "office@sample.example", "--html", str(folder / "message.html"),
        )  # fmt: skip


@pytest.fixture
def sink() -> Iterator[ScriptedServer]:
    server = ScriptedServer(offers=["DSN", "PIPELINING"])
    yield server
    server.stop()


@pytest.fixture
def district(tmp_path: Path, sink: ScriptedServer) -> Iterator[District]:
    """An office with the web and the sweep, and two machines of workers."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    servers = own_servers(ELSEWHERE + worker)
    port = str(free_port())
    common = {"SECRET_KEY": "s" * 50, "METRICS_TOKEN": TOKEN, "BOUNCE_DOMAIN": "bounces.x.example", "PORT": port}
    common |= {"LOG_FORMAT": "json", "HOST": "0.0.0.0"}
    with ExitStack() as stack:
        shared = servers | {"MAIL_URL": sink.url}
        office, *workers = [
            stack.enter_context(machine(tmp_path / name, shared, **common)) for name in ("office", "one", "two")
        ]
        url = f"http://{office.host}:{port}"
        for each in (office, *workers):
            each.environment["SITE_URL"] = url
        office.run("migrate", "-v0")
        office.run("load_sample_school")
        one = District(office, workers, sink, servers["DATABASE_URL"], url)
        for name in set(office.lines()) - {"worker"}:
            office.start(name)
        for each in workers:
            each.start("worker")
        wait_for(lambda: one.figure('messenger_workers{queue="broadcast"}') == 2, "the start of the workers")
        wait_for(lambda: '"ready": true' in one.ask("/readyz"), f"readiness: {one.ask('/readyz')}")
        yield one


def hold_after(sink: ScriptedServer, count: int) -> threading.Event:
    """The mail server falls silent about everything that comes after so many emails, until the event is set."""
    go_on = threading.Event()
    taken: list[str] = []

    def brood(received: Received) -> None:
        taken.append(received.recipient)
        if len(taken) > count:
            go_on.wait(300)

    sink.script.on_dot = brood
    return go_on


def test_a_broadcast_goes_out_whole_and_each_recipient_gets_it_once(district: District) -> None:
    go_on = hold_after(district.sink, 100)
    district.send()
    # Both have their share before the mail server lets any of them finish.
    wait_for(district.all_are_busy, "work on both machines")
    go_on.set()
    wait_for(lambda: all(result >= 10 and not state for _, result, state in district.rows()), "the last email")
    times = Counter(received.recipient for received in district.sink.script.received)
    assert times == Counter(PEOPLE)
    assert len(district.rows()) == len(PEOPLE)
    stopped = [each.stop() for each in (*district.workers, district.office)]
    assert all(status == 0 for each in stopped for status in each.values()), stopped
    with psycopg.connect(district.database) as connection:
        assert connection.execute("SELECT name FROM broadcasts_heartbeat").fetchall() == []
    worker_log = district.workers[0].log("worker")
    assert '"broadcast": 1' in worker_log
    assert "@x.example" not in worker_log + district.office.log("sweep")


def test_when_a_machine_is_lost_the_others_finish_and_the_doubts_are_seen(district: District) -> None:
    go_on = hold_after(district.sink, 100)
    district.send()
    wait_for(district.all_are_busy, "work on both machines")
    lost, _ = district.workers
    lost.lose()
    assert not lost.folder.exists()
    go_on.set()
    # Once the leases have run out, before the time for reports is over.
    doubtful = 'messenger_doubtful_emails{state="in_doubt"}'
    wait_for(lambda: district.figure(doubtful) > 0, "a doubt that can be seen")
    # Each of the lost threads had a lease of its own: they do not end in the same moment.
    doubts = [0.0]

    def all_is_done() -> bool:
        doubts.append(district.figure(doubtful))
        return all(result >= 10 and not state for _, result, state in district.rows())

    wait_for(all_is_done, "the rest")
    in_doubt = max(doubts)
    assert in_doubt <= CONNECTIONS, "at most one email for each connection of the lost machine"
    times = Counter(received.recipient for received in district.sink.script.received)
    assert set(times) == set(PEOPLE), "somebody was skipped"
    repeated = sum(count - 1 for count in times.values())
    assert repeated <= in_doubt, "only what was in doubt is sent again"
