"""An installation for one test: a database, the Procfile's processes, a relay. Nothing of it outlives the test."""

import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from django.conf import settings

from tests.servers import Server, free_port
from tests.waiting import wait_for

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAMS = Path(sys.executable).parent
PROCFILE = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines() if ": " in line)
Process = subprocess.Popen[bytes]
IS_FULL = os.environ.get("FAULTS") == "full"
# With the suite on SQLite, since these have a PostgreSQL of their own; one after the other, since they measure time.
pytestmark = [
    pytest.mark.xdist_group("faults"),
    pytest.mark.skipif(
        bool(os.environ.get("DATABASE_URL")), reason="they have servers of their own: tested with the suite on SQLite"
    ),
]
# As many as the Procfile's worker may open: 2 processes of 2 threads.
CONNECTIONS = 2 * 2 * settings.DELIVERING_CONNECTIONS


def command_of(name: str) -> list[str]:
    """The Procfile's command, with the programs of the environment that runs the tests."""
    line = PROCFILE[name].replace(".venv/bin/", f"{PROGRAMS}/")
    return shlex.split(line.replace("${PORT:-8000}", "$PORT").replace("${HOST:-127.0.0.1}", "127.0.0.1"))


def kill(process: Process) -> None:
    """`kill -9` of everything that this process has started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@contextmanager
def frozen(*processes: Process) -> Iterator[None]:
    """As if their machine stood still during the block."""
    for process in processes:
        os.killpg(process.pid, signal.SIGSTOP)
        wait_for(lambda: states_of_group(process.pid) <= {"T", "Z"}, "the standstill")  # noqa: B023 - waited for here
    try:
        yield
    finally:
        for process in processes:
            os.killpg(process.pid, signal.SIGCONT)


def states_of_group(leader: int) -> set[str]:
    """Of its processes, as proc(5) calls them: a signal that was sent has not stopped anybody yet."""
    states = set()
    for file in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):
            state, _parent, group, *_rest = file.read_text().rpartition(")")[2].split()
            states |= {state} if int(group) == leader else set()
    return states


@dataclass
class Relay:
    """Outlives its own process: the log stays, and so does the port."""

    log: Path
    port: int = field(default_factory=free_port)
    process: Process | None = None
    heard: int = 0  # bytes of the log
    messages: int = 0

    def start(self) -> None:
        command = [sys.executable, "-m", "tests.faults.relay", str(self.port), str(self.log)]
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, start_new_session=True)
        wait_for(self._answers, "the relay's start")

    def stop(self) -> None:
        if self.process is not None:
            kill(self.process)
            assert self.process.stdin is not None
            self.process.stdin.close()
            self.process = None

    def order(self, *words: object) -> None:
        assert self.process is not None
        assert self.process.stdin is not None
        self.process.stdin.write(" ".join(map(str, words)).encode() + b"\n")
        self.process.stdin.flush()

    def count(self) -> int:
        """How many messages have arrived whole."""
        with self.log.open("rb") as log:
            log.seek(self.heard)
            new = log.read()
        self.heard += len(new)
        self.messages += new.count(b"\n")
        return self.messages

    def wait_until(self, messages: int, seconds: float = 60) -> None:
        wait_for(lambda: self.count() >= messages, f"message {messages} (there are {self.count()})", seconds)

    def connections(self) -> int:
        """How many are open now."""
        return int(self.log.with_name("connections").read_text() or -1)

    def lines(self) -> list[list[str]]:
        """Moment, open connections, recipient, Message-ID."""
        return [line.split(" ") for line in self.log.read_text().splitlines()]

    def first_after(self, moment: float) -> float | None:
        """Seconds from this moment of time.monotonic() to the next message."""
        return next((at - moment for line in self.lines() if (at := float(line[0])) > moment), None)

    def _answers(self) -> bool:
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            return True
        return False


@dataclass
class Installation:
    home: Path
    postgres: Server
    redis: Server
    database: str
    relay: Relay
    more: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    processes: list[Process] = field(default_factory=list)

    @property
    def url(self) -> str:
        return urlsplit(self.postgres.url)._replace(path=f"/{self.database}").geturl()

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {
            "DJANGO_SETTINGS_MODULE": "tests.faults.settings",
            "DATABASE_URL": self.url,
            "REDIS_URL": self.redis.url,
            "MAIL_URL": f"smtp://127.0.0.1:{self.relay.port}",
            "MESSENGER_HOME": str(self.home),
            "SECRET_KEY": "not secret at all, but long enough for these tests",
            "BOUNCE_DOMAIN": "bounces.school.test",
            "PORT": str(self.port),
            "SITE_URL": "",
            "PYTHONPATH": str(ROOT),
            **self.more,
        }

    def start(self, *names: str) -> list[Process]:
        """The Procfile's processes of these names, each with a process group of its own."""
        return [self.run_in_background(name) for name in names]

    def run_in_background(self, name: str) -> Process:
        environment = self.environment
        command = [word.replace("$PORT", environment["PORT"]) for word in command_of(name)]
        with (self.home / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True
            )
        self.processes.append(process)
        return process

    def run(self, *words: str) -> str:
        """A Python program to its end; what it printed."""
        done = subprocess.run(
            [sys.executable, *words],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def make_broadcast(self, families: int, mishaps: int = 0, *, is_sent: bool = True) -> int:
        sent = ["send"] if is_sent else []
        return int(self.run("-m", "tests.faults.school", str(families), str(mishaps), *sent))

    def stop(self) -> None:
        for process in self.processes:
            kill(process)
        self.relay.stop()

    def logs(self) -> str:
        return "\n".join(
            f"== {log.name}\n{log.read_text(errors='replace')[-3000:]}" for log in self.home.glob("*.log")
        )


@contextmanager
def installed(
    home: Path, servers: tuple[Server, Server], template: str, more: dict[str, str]
) -> Iterator[Installation]:
    """With a copy of the template's tables, and a relay that runs."""
    postgres, redis = servers
    name = f"faults_{time.monotonic_ns()}"
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    one = Installation(home, postgres, redis, name, Relay(home / "messages"), more)
    with ExitStack() as stack:
        stack.callback(one.stop)
        one.relay.log.touch()
        one.relay.start()
        yield one
