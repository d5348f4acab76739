"""`manage.py serve`: the whole product in one process, also after somebody pulled the plug."""

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from django.conf import settings

from tests.browser.running import ROOT, read_greeting
from tests.smtp_server import ScriptedServer
from tests.waiting import wait_for
from tests.with_servers import free_port

pytestmark = pytest.mark.skipif(
    bool(os.environ.get("DATABASE_URL")), reason="embedded mode is SQLite's; it was tested with the suite on SQLite"
)
SECONDS = 90


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "message.html").write_text("<p>Dear {{ name }}, school is closed.</p>")
    return tmp_path


def environment(home: Path, port: int, **more: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name not in ("REDIS_URL", "SITE_URL")}
    return inherited | {
        "DJANGO_SETTINGS_MODULE": "messenger.settings",
        "MESSENGER_HOME": str(home),
        "PORT": str(port),
        "RETRY_MINUTES": "0.02,0.02,0.02",
        **more,
    }


@contextmanager
def serving(env: dict[str, str]) -> Iterator["subprocess.Popen[str]"]:
    log = Path(env["MESSENGER_HOME"]) / "log"
    with log.open("a") as errors:
        command = [sys.executable, "manage.py", "serve"]
        server = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=errors, text=True)
    try:
        yield server
    finally:
        server.terminate()
        server.wait(timeout=60)


def run(env: dict[str, str], *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )


def send(env: dict[str, str], recipients: list[str], *more: str) -> "subprocess.CompletedProcess[str]":
    home = Path(env["MESSENGER_HOME"])
    rows = [f"Person {number},{address}" for number, address in enumerate(recipients)]
    (home / "families.csv").write_text("\n".join(["name,email", *rows]) + "\n")
    return run(
        env, "send_broadcast", "--type", "General", "--list", str(home / "families.csv"), "--subject", "Snow day",
        "--sender", "office@sample.example", "--html", str(home / "message.html"), "--json", *more,
    )  # fmt: skip


def answer(done: "subprocess.CompletedProcess[str]") -> dict[str, int]:
    assert done.returncode in (0, 3), done.stdout + done.stderr
    results: dict[str, int] = json.loads(done.stdout.splitlines()[-1])["results"]
    return results


def accepted(home: Path) -> Counter[str]:
    """How often the sandbox took each recipient's email: the independent judge."""
    store = next((home / "sandbox").glob("*.sqlite3"))
    with closing(sqlite3.connect(store)) as connection:
        return Counter(recipient for (recipient,) in connection.execute("SELECT recipient FROM messages"))


def ledger(home: Path) -> list[tuple[str, int, int, int]]:
    with closing(sqlite3.connect(home / "messenger.sqlite3")) as connection:
        return list(connection.execute("SELECT email, result, state, attempts FROM broadcasts_delivery"))


def test_a_second_start_on_the_same_folder_keeps_everything(home: Path) -> None:
    env = environment(home, free_port())
    with serving(env) as server:
        _, name, password = read_greeting(server, home / "log")
        assert urlopen(f"http://127.0.0.1:{env['PORT']}/healthz", timeout=10).status == 200
        results = answer(send(env, ["anna@x.example"], "--wait", "60"))
        assert results["Unsent"] == 0
    with serving(env) as server:
        assert read_greeting(server, home / "log")[1:] == (name, password)
        assert len(ledger(home)) == 1


def is_ready(port: str) -> bool:
    try:
        return bool(urlopen(f"http://127.0.0.1:{port}/readyz", timeout=10).status == 200)
    except HTTPError:
        return False


def test_it_says_when_all_its_workers_are_there_and_when_they_have_gone(home: Path) -> None:
    env = environment(home, free_port())
    with serving(env) as server:
        read_greeting(server, home / "log")
        wait_for(lambda: is_ready(env["PORT"]), "readiness")
        status = run(env, "delivery_status")
        assert status.returncode == 0, status.stdout
        assert "Working: 4 groups" in status.stdout
    status = run(env, "delivery_status")
    assert status.returncode == 1
    assert "Working: 0 groups" in status.stdout


def test_two_installations_have_different_passwords(tmp_path: Path) -> None:
    passwords = set()
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        done = run(environment(tmp_path / folder, 0), "migrate", "-v0")
        assert done.returncode == 0, done.stderr
        printed = run(environment(tmp_path / folder, 0), "load_sample_school").stdout
        passwords.add(re.search(r"password (\S+)", printed)[1])  # type: ignore[index]
    assert len(passwords) == 2


def test_a_taken_port_is_explained(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = run(environment(home, taken.getsockname()[1]), "serve")
    assert done.returncode == 1
    assert "is taken by another program" in done.stderr


def test_a_second_server_on_the_same_folder_is_refused(home: Path) -> None:
    env = environment(home, free_port())
    with serving(env) as server:
        read_greeting(server, home / "log")
        done = run(env | {"PORT": str(free_port())}, "serve")
    assert done.returncode == 1
    assert "already running" in done.stderr


# Two worker threads with as many connections as the settings say.
CONNECTIONS = 2 * settings.DELIVERING_CONNECTIONS


def test_killed_in_the_middle_it_finishes_after_the_next_start_with_nobody_skipped(home: Path) -> None:
    env = environment(home, free_port())
    recipients = [f"family{number}@x.example" for number in range(400)]
    kills = 2
    for kill in range(kills):
        with serving(env) as server:
            read_greeting(server, home / "log")
            if kill == 0:
                answer(send(env, recipients))
            goal = accepted(home).total() + 60
            wait_for(lambda goal=goal: accepted(home).total() >= goal, "sending")  # type: ignore[misc]
            server.send_signal(signal.SIGKILL)
            server.wait()
        in_doubt = [email for email, _, state, _ in ledger(home) if state == 2]
        # Those of the kill before may still wait for reports.
        assert len(in_doubt) <= CONNECTIONS * (kill + 1), "at most one message for each connection may be in doubt"
    with serving(env) as server:
        read_greeting(server, home / "log")
        wait_for(lambda: all(result >= 10 and state == 0 for _, result, state, _ in ledger(home)), "the rest")
    times = accepted(home)
    assert set(times) == set(recipients), "somebody was skipped"
    repeated = sum(count - 1 for count in times.values())
    assert repeated <= CONNECTIONS * kills, "more emails were repeated than could be in doubt"
    assert len(ledger(home)) == len(recipients)


def test_rows_stay_unsent_while_the_mail_server_is_down_and_leave_when_it_is_back(home: Path) -> None:
    nowhere = free_port()
    env = environment(home, free_port(), MAIL_URL=f"smtp://127.0.0.1:{nowhere}")
    with serving(env) as server:
        read_greeting(server, home / "log")
        results = answer(send(env, ["anna@x.example", "ben@x.example"], "--wait", "4"))
        assert results["Unsent"] == 2
        back = ScriptedServer(port=nowhere)
        wait_for(lambda: len(back.script.received) == 2, "sending after the server came back")
        back.stop()
