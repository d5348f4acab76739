"""An email provider for one test: it takes what its API takes, writes each email as it would leave, and keeps it.

`tests/provider_dialects.py` has what each provider documents about its requests and answers.
"""

import json
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "key-of-the-test"


@dataclass(frozen=True)
class Email:
    """One email as the recipient would have it."""

    to: str
    name: str
    sender: str
    subject: str
    text: str
    html: str
    headers: Mapping[str, str]
    metadata: Mapping[str, str]
    tracks_opens: bool | None = None
    attachments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Request:
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def data(self) -> Any:
        return json.loads(self.body)


@dataclass
class Fault:
    """What goes wrong with one request. `is_taken`: the provider has the emails all the same."""

    status: int = 0
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    is_taken: bool = False
    is_reset: bool = False
    until: threading.Event | None = None  # the answer comes only then


Reply = tuple[int, Any]


@dataclass
class Dialect:
    """`knows_key`: the request has ours. `read`: its emails. `answer`: to these, of which some may be refused."""

    knows_key: Callable[[Request], bool]
    read: Callable[[Request], list[Email]]
    answer: Callable[[Request, list[Email], Mapping[str, str]], Reply]
    takes: Callable[[list[Email], Mapping[str, str]], list[Email]]


@dataclass
class Record:
    taken: list[Email] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)  # emails in each request
    refuses: dict[str, str] = field(default_factory=dict)  # address: "invalid" or "rejected"
    faults: deque[Fault] = field(default_factory=deque)
    connections: int = 0
    on_request: Callable[[Request], None] = lambda _request: None

    def to(self) -> list[str]:
        return sorted(email.to for email in self.taken)

    def email_to(self, address: str) -> Email:
        found = [email for email in self.taken if email.to == address]
        assert len(found) == 1, f"{len(found)} emails to {address}"
        return found[0]


class Conversation(BaseHTTPRequestHandler):
    server: "ProviderServer"
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        self.server.record.connections += 1

    def log_message(self, *args: Any) -> None:
        pass

    def do_POST(self) -> None:
        record = self.server.record
        fault = record.faults.popleft() if record.faults else None
        if fault and fault.is_reset and not fault.is_taken:
            self._reset()
            return
        body = self.rfile.read(int(self.headers["Content-Length"]))
        request = Request(self.path, self.headers, body)  # type: ignore[arg-type]
        record.requests.append(request)
        record.on_request(request)
        status, said = self._work(request, fault)
        if fault and fault.until:
            fault.until.wait(30)
        if fault and fault.is_reset:
            self._reset()
        elif fault and fault.status:
            self._answer(fault.status, fault.body, fault.headers)
        else:
            self._answer(status, json.dumps(said).encode(), {})

    def _work(self, request: Request, fault: Fault | None) -> Reply:
        record, dialect = self.server.record, self.server.dialect
        if fault and not fault.is_taken:
            return 0, None
        if not dialect.knows_key(request):
            return 401, {"message": "Unauthorized"}
        emails = dialect.read(request)
        record.sizes.append(len(emails))
        record.taken += dialect.takes(emails, record.refuses)
        return dialect.answer(request, emails, record.refuses)

    def _answer(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _reset(self) -> None:
        """The connection ends as when a machine falls over."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.wfile.close()
        self.rfile.close()
        self.connection.close()


class ProviderServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(("127.0.0.1", 0), Conversation)
        self.dialect, self.record = dialect, Record()
        self.url = f"http://127.0.0.1:{self.server_address[1]}/"
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def shutdown_request(self, request: Any) -> None:
        with suppress(OSError):  # closed by _reset
            super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # the other side has left, or was cut off

    def stop(self) -> None:
        self.shutdown()
        self.server_close()
