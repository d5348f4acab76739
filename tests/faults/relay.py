"""A mail relay that notes every message before it answers: `python -m tests.faults.relay PORT LOG`.

A line of LOG for each message that arrived whole: when, over how many open connections, its recipient, its
Message-ID; how many connections are open now stands in a file beside it. The kernel keeps what was written when this
process is killed. Orders come on its standard input, a line each; where that ends, so does the relay:

    hold NUMBER   from this many messages on (of all that LOG has) no final reply leaves
    release       they leave
    pace SECONDS  each final reply waits this long
    say PHASE REPLY...  at connect or mail, everybody hears this; without a reply: the usual again

What a recipient's name begins with says what goes wrong once; see MISHAPS.
"""

import asyncio
import os
import re
import sys
import time
from contextlib import suppress
from pathlib import Path

MESSAGE_ID = re.compile(rb"^Message-ID: (.*?)\r\n", re.MULTILINE)
GREETING = b"250-relay\r\n250-PIPELINING\r\n250-DSN\r\n250 ENHANCEDSTATUSCODES\r\n"
STALL_SECONDS = 3.0
ENOUGH_SECONDS = 29.5  # a little less than what a client waits for the reply to a command: it leaves for that alone
# (phase, what happens there); a message that breaks off after its dot has arrived all the same.
MISHAPS = {
    b"rcpt-later": ("rcpt", b"451 4.3.0 try again later"),
    b"rcpt-garbage": ("rcpt", b"\x00\xff what?"),
    b"rcpt-drop": ("rcpt", b"drop"),
    b"data-silent": ("data", b"silent"),
    b"data-drop": ("data", b"drop"),
    b"dot-later": ("dot", b"452 4.3.1 no room at the moment"),
    b"dot-garbage": ("dot", b"\x00\xff what?"),
    b"dot-drop": ("dot", b"drop"),
    b"dot-slow": ("dot", b"slow"),
    b"dot-stall": ("dot", b"stall"),
}
MISHAP = re.compile(b"|".join(MISHAPS))


class Hangup(Exception):
    pass


class Relay:
    def __init__(self, log: Path) -> None:
        self.log = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self.open_file = log.with_name("connections")
        self.messages = log.read_bytes().count(b"\n")
        self.hold_at = sys.maxsize
        self.released = asyncio.Event()
        self.pace = 0.0
        self.says: dict[str, bytes] = {}
        self.connections = 0
        self.over: set[bytes] = set()  # whose mishap has happened

    def obey(self, order: bytes) -> None:
        verb, *words = order.split()
        if verb == b"hold":
            self.hold_at = int(words[0])
            self.released.clear()
        elif verb == b"release":
            self.hold_at = sys.maxsize
            self.released.set()
        elif verb == b"pace":
            self.pace = float(words[0])
        elif verb == b"say":
            self.says[words[0].decode()] = b" ".join(words[1:])

    def note(self, recipient: bytes, message: bytes) -> None:
        found = MESSAGE_ID.search(message[:1000])
        name = found[1] if found else b"none"
        os.write(self.log, b"%.3f %d %b %b\n" % (time.monotonic(), self.connections, recipient, name))
        self.messages += 1

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.count(1)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                try:
                    await Conversation(self, reader, writer).run()
                except Hangup:
                    writer.write_eof()  # else commands that nobody reads would take along the replies before them
                    await reader.read()
        finally:
            self.count(-1)
            writer.close()

    def count(self, change: int) -> None:
        self.connections += change
        self.open_file.write_text(str(self.connections))


class Conversation:
    def __init__(self, relay: Relay, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.relay, self.reader, self.writer = relay, reader, writer
        self.named = self.recipient = b""  # spoken of, and accepted
        self.mishap: tuple[str, bytes] = ("", b"")

    def say(self, reply: bytes) -> None:
        self.writer.write(reply + b"\r\n")

    async def run(self) -> None:
        self.say(self.relay.says.get("connect") or b"220 relay")
        while line := await self.reader.readline():
            verb = line[:4].upper()
            if verb == b"EHLO":
                self.writer.write(GREETING)
            elif verb == b"MAIL":
                self.recipient, self.mishap = b"", ("", b"")
                self.say(self.relay.says.get("mail") or b"250 2.1.0 ok")
            elif verb == b"RCPT":
                await self.take_recipient(line[line.find(b"<") + 1 : line.find(b">")])
            elif verb == b"DATA":
                await self.take_message()
            elif verb == b"QUIT":
                self.say(b"221 bye")
                return
            else:
                self.say(b"250 2.0.0 ok")

    async def take_recipient(self, recipient: bytes) -> None:
        kind = MISHAP.match(recipient)
        self.named = recipient
        if kind and recipient not in self.relay.over:
            self.mishap = MISHAPS[kind[0]]
        reply = await self.answer("rcpt", b"250 2.1.5 ok")
        if reply.startswith(b"250"):
            self.recipient = recipient
        self.say(reply)

    async def take_message(self) -> None:
        reply = await self.answer("data", b"354 go on" if self.recipient else b"503 5.5.1 no valid recipients")
        self.say(reply)
        if not reply.startswith(b"354"):
            return
        message = await self.reader.readuntil(b"\r\n.\r\n")
        if not (self.mishap[0] == "dot" and self.mishap[1].startswith(b"4")):
            self.relay.note(self.recipient, message)
        if self.relay.messages >= self.relay.hold_at:
            await self.relay.released.wait()
        if self.relay.pace:
            await asyncio.sleep(self.relay.pace)
        self.say(await self.answer("dot", b"250 2.0.0 taken"))

    async def answer(self, phase: str, usual: bytes) -> bytes:
        where, what = self.mishap
        if where != phase:
            return usual
        start = time.monotonic()
        if what == b"silent":
            await self.reader.read()  # until the other side has had enough
            if time.monotonic() - start < ENOUGH_SECONDS:
                raise Hangup  # it left for another reason: then again
        self.relay.over.add(self.named)
        if what in (b"slow", b"stall"):
            await asyncio.sleep(STALL_SECONDS)
        if what in (b"drop", b"stall", b"silent"):
            raise Hangup
        return usual if what == b"slow" else what


async def serve(port: int, log: Path) -> None:
    relay = Relay(log)
    server = await asyncio.start_server(relay.converse, "127.0.0.1", port, limit=2**22, backlog=500)
    orders = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    while order := await orders.readline():
        relay.obey(order)
    server.close()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2])))
