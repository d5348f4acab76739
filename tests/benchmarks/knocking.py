"""Many readers who fetch one picture after the other over kept connections, in one thread with nearly no work."""

import select
import socket
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

END_OF_HEAD = b"\r\n\r\n"


@dataclass
class Reader:
    """One connection. Servers that close it after each answer are knocked at anew."""

    port: int
    wire: socket.socket = field(init=False)
    heard: bytes = b""
    since: float = 0.0

    def __post_init__(self) -> None:
        self.connect()

    def connect(self) -> None:
        self.wire = socket.create_connection(("127.0.0.1", self.port))
        self.wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, request: bytes) -> None:
        self.heard, self.since = b"", time.perf_counter()
        self.wire.send(request)

    def hear(self) -> bool:
        """Whether the answer is whole."""
        gulp = self.wire.recv(65536)
        assert gulp, "the server hung up in the middle of an answer"
        self.heard += gulp
        head, end, body = self.heard.partition(END_OF_HEAD)
        return bool(end) and len(body) >= length_of(head)

    @property
    def is_kept(self) -> bool:
        return b"connection: close" not in self.heard.lower()


def length_of(head: bytes) -> int:
    assert head.startswith(b"HTTP/1.1 200"), head
    _before, _name, value = head.lower().partition(b"content-length:")
    return int(value.split(b"\r\n", 1)[0])


def knock(port: int, requests: Iterable[bytes], connections: int) -> list[float]:
    """Seconds that each answer took, sorted. Each connection asks again as soon as it has been answered."""
    waiting, took = iter(requests), []
    with select.epoll() as events:
        readers = dict(_begin(port, waiting, connections))
        for number in readers:
            events.register(number, select.EPOLLIN)
        while readers:
            for number, _event in events.poll():
                reader = readers[number]
                if not reader.hear():
                    continue
                took.append(time.perf_counter() - reader.since)
                request = next(waiting, None)
                if request is None or not reader.is_kept:
                    events.unregister(number)
                    reader.wire.close()
                    del readers[number]
                if request is not None:
                    if not reader.is_kept:
                        reader.connect()
                        readers[reader.wire.fileno()] = reader
                        events.register(reader.wire.fileno(), select.EPOLLIN)
                    reader.ask(request)
    return sorted(took)


def _begin(port: int, waiting: Iterator[bytes], connections: int) -> Iterator[tuple[int, Reader]]:
    for _number, request in zip(range(connections), waiting, strict=False):
        reader = Reader(port)
        reader.ask(request)
        yield reader.wire.fileno(), reader
