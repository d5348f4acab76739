"""The portal behind a real web server, in a process of its own, on the database of the tests."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import connection

from tests.servers import free_port, wait_until_listening

ROOT = Path(__file__).resolve().parents[2]
SERVERS = {
    # One worker: asked to stop while it starts, granian's go on.
    "granian": [
        "granian",
        "--interface",
        "wsgi",
        "--host",
        "127.0.0.1",
        "--no-log",
        "--blocking-threads",
        "4",
        "--port",
    ],
    "waitress": ["waitress", "--host", "127.0.0.1", "--port"],
}


@contextmanager
def serving(server: str, home: Path, **more: str) -> Iterator[tuple["subprocess.Popen[bytes]", int]]:
    port, log = free_port(), home / "log"
    own = {"MESSENGER_HOME": str(home), "SECRET_KEY": settings.SECRET_KEY, "DATABASE_URL": database_url()}
    environment = os.environ | own | {"DJANGO_SETTINGS_MODULE": "messenger.settings"} | more
    command = [sys.executable, "-m", *SERVERS[server], str(port), "messenger.wsgi:application"]
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)
    try:
        wait_until_listening(process, port, log)
        yield process, port
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def database_url() -> str:
    at = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{at['NAME']}"
    return f"postgres://{at['USER']}:{at['PASSWORD']}@{at['HOST']}:{at['PORT']}/{at['NAME']}"


def most_memory(process: "subprocess.Popen[bytes] | subprocess.Popen[str]") -> int:
    """Kilobytes, of the process and of those it has started: the most that one of them ever held."""
    pids = [process.pid]
    for pid in pids:
        pids += [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return max(int(Path(f"/proc/{pid}/status").read_text().split("VmHWM:")[1].split()[0]) for pid in pids)
