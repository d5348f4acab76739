"""Machines of an installation, for tests: each with its own copy of the program, its own folder and its own network.

They share PostgreSQL, Redis and the mail server, and nothing else. Where network namespaces are to be had (Linux,
root), each machine sits in one of its own and reaches those three over a cable; elsewhere only the folders are apart.
"""

import os
import secrets
import shutil
import signal
import socket
import socketserver
import subprocess
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from tests.browser.running import ROOT

PARTS = ("messenger", "broadcasts", "tracking", "reports", "templates", "static", "manage.py", "Procfile")
# Minutes become seconds, for a test.
SETTINGS = """
from messenger.settings import *
LEASE_SECONDS = 10
IN_DOUBT_GRACE_SECONDS = 15
"""


class _Pump(socketserver.BaseRequestHandler):
    server: "Relay"

    def handle(self) -> None:
        with socket.create_connection(self.server.target) as far:
            back = threading.Thread(target=_copy, args=(far, self.request), daemon=True)
            back.start()
            _copy(self.request, far)
            back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(64 * 1024):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


class Relay(socketserver.ThreadingTCPServer):
    """The near end of the cable: passes on to a server of this machine."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, host: str, target: tuple[str, int]) -> None:
        self.target = target
        super().__init__((host, 0), _Pump)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()


@cache
def has_namespaces() -> bool:
    if os.geteuid() or not shutil.which("ip"):
        return False
    name = f"probe{secrets.token_hex(2)}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False).returncode == 0
    if made:
        subprocess.run(["ip", "netns", "del", name], check=True)
    return made


@dataclass
class Machine:
    folder: Path
    environment: dict[str, str]
    prefix: list[str]  # how a command gets into its network
    host: str
    running: "dict[str, subprocess.Popen[bytes]]" = field(default_factory=dict)

    @property
    def code(self) -> Path:
        return self.folder / "code"

    def lines(self) -> dict[str, str]:
        lines = (line.partition(":") for line in (self.code / "Procfile").read_text().splitlines())
        return {name: command.strip() for name, _, command in lines}

    def start(self, name: str) -> None:
        """A line of the Procfile, as a runner of such files starts it."""
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                [*self.prefix, "sh", "-c", f"exec {self.lines()[name]}"],
                cwd=self.code, env=self.environment, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def run(self, *words: str) -> str:
        command = [*self.prefix, ".venv/bin/python", "manage.py", *words]
        done = subprocess.run(
            command, cwd=self.code, env=self.environment, capture_output=True, text=True, check=False, timeout=180
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def is_busy(self, pids: Iterable[int]) -> bool:
        """Whether one of these processes was started here."""
        return any(os.getsid(pid) == one.pid for pid in pids for one in self.running.values())

    def stop(self, seconds: float = 60) -> dict[str, int]:
        """As a service manager does; the exit status of each."""
        for process in self.running.values():
            process.send_signal(signal.SIGTERM)
        return {name: process.wait(seconds) for name, process in self.running.items()}

    def lose(self) -> None:
        """The machine is gone, with everything that was on it."""
        self.kill()
        shutil.rmtree(self.folder)

    def kill(self) -> None:
        for process in self.running.values():
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self.running.clear()

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")


@contextmanager
def machine(folder: Path, servers: Mapping[str, str], **more: str) -> Iterator[Machine]:
    """`servers`: addresses by the name of their variable, as this machine reaches them."""
    folder.mkdir()
    _install(folder)
    inherited = {name: os.environ[name] for name in ("PATH", "LANG", "HOME") if name in os.environ}
    own = {"MESSENGER_HOME": str(folder / "home"), "DJANGO_SETTINGS_MODULE": "machine_settings", **more}
    with _network(servers) as (prefix, host, reached):
        one = Machine(folder, inherited | own | reached, prefix, host)
        try:
            yield one
        finally:
            one.kill()


def _install(folder: Path) -> None:
    code = folder / "code"
    code.mkdir()
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, code / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, code / part)
    # Small machines: so the hints of one broadcast are enough for several of them.
    (code / "Procfile").write_text((ROOT / "Procfile").read_text().replace("--processes 2", "--processes 1"))
    (code / "machine_settings.py").write_text(SETTINGS)
    (code / ".venv").symlink_to((ROOT / ".venv").resolve())


@contextmanager
def _network(servers: Mapping[str, str]) -> Iterator[tuple[list[str], str, dict[str, str]]]:
    if not has_namespaces():
        yield [], "127.0.0.1", dict(servers)
        return
    name = f"m{secrets.token_hex(4)}"
    near, far = _addresses()
    cable = f"{name}h"
    steps = [
        f"netns add {name}",
        f"link add {cable} type veth peer name eth0 netns {name}",
        f"addr add {near}/30 dev {cable}",
        f"link set {cable} up",
        f"-n {name} addr add {far}/30 dev eth0",
        f"-n {name} link set eth0 up",
        f"-n {name} link set lo up",
    ]
    relays: list[Relay] = []
    try:
        for step in steps:
            subprocess.run(["ip", *step.split()], check=True)
        reached = {variable: _through(relays, near, url) for variable, url in servers.items()}
        yield ["ip", "netns", "exec", name], far, reached
    finally:
        for relay in relays:
            relay.shutdown()
            relay.server_close()
        subprocess.run(["ip", "netns", "del", name], check=False)


def _addresses() -> tuple[str, str]:
    """Both ends of a cable, somewhere in 10.213.0.0/16."""
    block = secrets.randbelow(2**14) * 4
    return f"10.213.{block // 256}.{block % 256 + 1}", f"10.213.{block // 256}.{block % 256 + 2}"


def _through(relays: list[Relay], near: str, url: str) -> str:
    parts = urlsplit(url)
    relay = Relay(near, (parts.hostname or "", parts.port or 0))
    relays.append(relay)
    sign_in, at, _ = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{sign_in}{at}{near}:{relay.server_address[1]}").geturl()
