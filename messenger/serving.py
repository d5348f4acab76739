"""Everything in one process: web, worker, sweep, sandbox mail server and the listener for reports."""

import fcntl
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import dramatiq
import waitress.server
from django.conf import settings
from django.db import connection
from django.utils import timezone

from broadcasts.delivering.sweeper import sweep_until
from broadcasts.delivering.sweeping import recover_after_restart
from broadcasts.sandbox.server import SandboxServer
from messenger.wsgi import application
from tracking.bounces.listener import BounceListener

HOST = "127.0.0.1"
WEB_THREADS = 8
QUEUES = ("emergency", "broadcast", "housekeeping")
WORKER_THREADS = 2  # of each queue
STOP_SECONDS = 20
log = logging.getLogger(__name__)


class CannotServe(Exception):
    """Why, and what to do."""


@contextmanager
def only_server_of(folder: Path) -> Iterator[None]:
    """Two servers on one folder would take each other's rows for those of the dead."""
    (folder / "run").mkdir(parents=True, exist_ok=True)
    with (folder / "run" / "serving.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise CannotServe(f"Messenger is already running on {folder}. Stop it first.") from error
        yield


def open_port(port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
        listening.listen()  # who comes when we say that we are ready finds an open door
    except OSError as error:
        listening.close()
        raise CannotServe(
            f"Port {port} is taken by another program. Choose another one, for example: PORT={port + 1} make run"
        ) from error
    return listening


def start_services(stack: ExitStack) -> None:
    """All but the web; each is stopped when the stack closes, the last one first."""
    if connection.vendor == "sqlite":
        recover_after_restart(timezone.now())
    if settings.BOUNCE_DOMAIN:
        host, _, port = settings.REPORTS_LISTEN.rpartition(":")
        listener = BounceListener(host, int(port), lmtp=settings.REPORTS_PROTOCOL == "lmtp")
        listener.start()
        stack.callback(listener.stop)
    if settings.MAIL_IS_SANDBOX:
        sandbox = SandboxServer(Path(settings.MESSENGER_HOME) / "sandbox")
        sandbox.start()
        stack.callback(sandbox.stop)
    _start_workers(stack)
    _start_sweep(stack)


def _start_workers(stack: ExitStack) -> None:
    """An emergency has workers of its own."""
    broker = dramatiq.get_broker()
    broker.emit_after("process_boot")  # starts the time limits, which otherwise only dramatiq's own command does
    for queue in QUEUES:
        worker = dramatiq.Worker(broker, queues={queue}, worker_threads=WORKER_THREADS, worker_timeout=100)
        worker.start()
        stack.callback(worker.stop, timeout=STOP_SECONDS * 1000)


def _start_sweep(stack: ExitStack) -> None:
    stop = threading.Event()
    thread = threading.Thread(target=sweep_until, args=(stop,), name="sweep")
    thread.start()
    stack.callback(thread.join, STOP_SECONDS)
    stack.callback(stop.set)


def serve_web(listening: socket.socket) -> None:
    """Until KeyboardInterrupt."""
    server = waitress.server.create_server(application, sockets=[listening], threads=WEB_THREADS, ident=None)
    try:
        server.run()
    finally:
        server.close()
