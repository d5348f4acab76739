"""A mail server that takes everything and keeps count: `python -m tests.benchmarks.sink PORT-FILE COUNT-FILE`.

As little work for each message as a server can do, so that what is measured is the sender. At the end (SIGTERM) it
writes a line for each message: how often it came, its recipient, its Message-ID.
"""

import asyncio
import re
import signal
import sys
from collections import Counter
from pathlib import Path

MESSAGE_ID = re.compile(rb"^Message-ID: (.*?)\r\n", re.MULTILINE)
GREETING = b"250-sink\r\n250-PIPELINING\r\n250-DSN\r\n250 ENHANCEDSTATUSCODES\r\n"
END = b"\r\n.\r\n"
counts: Counter[tuple[bytes, bytes]] = Counter()


class Conversation(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.heard = b""
        self.recipient = b""
        self.is_message = False
        transport.write(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        self.heard += data
        said = []
        while True:
            end, size = (self.heard.find(END), len(END)) if self.is_message else (self.heard.find(b"\r\n"), 2)
            if end < 0:
                break
            words, self.heard = self.heard[:end], self.heard[end + size :]
            said.append(self.take_message(words) if self.is_message else self.answer(words))
        if said:
            self.transport.write(b"".join(said))

    def take_message(self, message: bytes) -> bytes:
        found = MESSAGE_ID.search(message[:300])
        counts[self.recipient, found[1] if found else b""] += 1
        self.is_message = False
        return b"250 2.0.0 taken\r\n"

    def answer(self, words: bytes) -> bytes:
        verb = words[:4].upper()
        if verb == b"RCPT":
            self.recipient = words[words.find(b"<") + 1 : words.find(b">")]
        if verb == b"DATA":
            self.is_message = True
            return b"354 go on\r\n"
        return GREETING if verb == b"EHLO" else b"250 2.1.0 ok\r\n"


async def serve(port_file: Path, count_file: Path) -> None:
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    server = await loop.create_server(Conversation, "127.0.0.1", 0, backlog=500)
    port_file.write_text(str(server.sockets[0].getsockname()[1]))
    await stopped.wait()
    count_file.write_bytes(b"".join(b"%d %b %b\n" % (count, *who) for who, count in counts.items()))


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), Path(sys.argv[2])))
