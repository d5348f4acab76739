"""A provider that takes everything and keeps count: `python -m tests.benchmarks.provider_sink PORT-FILE COUNT-FILE`.

It answers as SparkPost and Postmark do, with as little work for each request as a server can do, so that what is
measured is the sender. At the end (SIGTERM) it writes how many requests came, and how many emails in them.
"""

import asyncio
import json
import signal
import sys
from pathlib import Path

END = b"\r\n\r\n"
counts = {"requests": 0, "emails": 0}


class Conversation(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.head = b""
        self.pieces: list[bytes] = []
        self.missing = -1  # bytes of the body; less than 0: the head is not complete

    def data_received(self, data: bytes) -> None:
        if self.missing < 0:
            self.head += data
            end = self.head.find(END)
            if end < 0:
                return
            data, self.head = self.head[end + len(END) :], self.head[:end]
            self.missing = int(self.head.lower().partition(b"content-length:")[2].split()[0])
        self.pieces.append(data)
        self.missing -= len(data)
        if self.missing == 0:
            self.transport.write(self.answer(b"".join(self.pieces)))
            self.head, self.pieces, self.missing = b"", [], -1

    def answer(self, body: bytes) -> bytes:
        if b"/email" in self.head.partition(b"\r\n")[0]:
            said, count = self.as_postmark(body)
        else:
            count = body.count(b'"header_to"')
            results = {"total_accepted_recipients": count, "total_rejected_recipients": 0, "id": "11668787484950529"}
            said = json.dumps({"results": results}).encode()
        counts["requests"] += 1
        counts["emails"] += count
        return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
            len(said),
            said,
        )

    def as_postmark(self, body: bytes) -> tuple[bytes, int]:
        data = json.loads(body)
        emails = data if isinstance(data, list) else [data]
        answers = [{"To": one["To"], "MessageID": "b7bc2f4a", "ErrorCode": 0, "Message": "OK"} for one in emails]
        return json.dumps(answers if isinstance(data, list) else answers[0]).encode(), len(emails)


async def serve(port_file: Path, count_file: Path) -> None:
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    server = await loop.create_server(Conversation, "127.0.0.1", 0, backlog=500)
    port_file.write_text(str(server.sockets[0].getsockname()[1]))
    await stopped.wait()
    count_file.write_text(json.dumps(counts))


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), Path(sys.argv[2])))
