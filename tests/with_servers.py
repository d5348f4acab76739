"""Run a command with a PostgreSQL and a Redis of its own: `python -m tests.with_servers [--durable] -- COMMAND...`.

With --durable a commit waits for the disk, as in production: for measuring what others do with one commit each.
"""

import os
import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

from tests.servers import QUICK, NoServerError, free_port, make_postgres, make_redis

__all__ = ["free_port", "main"]


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
    options = {} if command[:1] == ["--durable"] else QUICK
    command = command[command[:1] == ["--durable"] :]
    if command[:1] == ["--"]:
        command = command[1:]
    if not command:
        sys.exit("Usage: python -m tests.with_servers [--durable] -- COMMAND...")
    signal.signal(signal.SIGTERM, stop)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="messenger-servers-")))
        folder.chmod(0o755)  # its owner may be root, its users are not
        home = folder / "home"
        home.mkdir(mode=0o700)
        try:
            own = {
                "DATABASE_URL": stack.enter_context(make_postgres(folder, options).running(signal.SIGINT)),
                "REDIS_URL": stack.enter_context(make_redis(folder).running(signal.SIGTERM)),
                "MESSENGER_HOME": str(home),
            }
        except NoServerError as missing:
            sys.exit(str(missing))
        status = run(command, os.environ | own)
        return status if status >= 0 else 128 - status  # ended by a signal: as a shell says it


if __name__ == "__main__":
    sys.exit(main())
