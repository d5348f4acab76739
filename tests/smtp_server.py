"""A mail server for one test: it says what the test tells it to say, also nothing at all."""

import socketserver
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

ENOUGH = "421 4.7.0 enough messages over one connection"
DROP = "drop"  # close the connection without a word


@dataclass
class Received:
    sender: str
    recipient: str
    message: bytes


@dataclass
class Rule:
    phase: str
    reply: str
    recipient: str
    times: int


@dataclass
class Script:
    rules: list[Rule] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    connections: int = 0
    most_messages: int = 1_000_000  # over one connection; then it says 421 to MAIL
    on_dot: Callable[[Received], None] = lambda _received: None
    on_rcpt: Callable[[str], None] = lambda _recipient: None

    def answer(self, phase: str, reply: str, recipient: str = "", times: int = 1_000_000) -> None:
        """`phase`: connect, ehlo, mail, rcpt, data or dot. `recipient`: the beginning of the address it is for."""
        self.rules.append(Rule(phase, reply, recipient, times))

    def reply_to(self, phase: str, recipient: str, default: str) -> str:
        for rule in self.rules:
            if rule.phase == phase and recipient.startswith(rule.recipient) and rule.times > 0:
                rule.times -= 1
                return rule.reply
        return default


class Conversation(socketserver.StreamRequestHandler):
    server: "ScriptedServer"

    def handle(self) -> None:
        with suppress(ConnectionError):  # the other side has left in the middle of something
            self.converse()

    def converse(self) -> None:
        self.script = self.server.script
        self.script.connections += 1
        self.sender = self.recipient = ""
        self.has_recipient = False
        self.taken = 0
        if not self.say("connect", "220 ready"):
            return
        for line in self.rfile:
            words = line.decode().strip()
            self.script.commands.append(words)
            verb = words[:4].upper()
            if verb == "QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            if not self.step(verb, words):
                return

    def step(self, verb: str, words: str) -> bool:
        match verb:
            case "EHLO":
                return self.say(
                    "ehlo", "\r\n".join(["250-scripted", *(f"250-{each}" for each in self.server.offers), "250 HELP"])
                )
            case "BDAT":
                return self.take_chunk(int(words.split()[1]))
            case "MAIL":
                self.sender = words.partition("<")[2].partition(">")[0]
                is_enough = self.taken >= self.script.most_messages
                return self.say("mail", ENOUGH if is_enough else "250 2.1.0 ok") and not is_enough
            case "RCPT":
                self.recipient = words.partition("<")[2].partition(">")[0]
                self.script.on_rcpt(self.recipient)
                reply = self.script.reply_to("rcpt", self.recipient, "250 2.1.5 ok")
                self.has_recipient = reply.startswith("25")
                return self.write(reply)
            case "DATA":
                default = "354 go on" if self.has_recipient else "503 5.5.1 no valid recipients"
                reply = self.script.reply_to("data", self.recipient, default)
                return self.write(reply) and (not reply.startswith("354") or self.take_message())
        return self.say(verb.lower(), "250 ok")

    def take_message(self) -> bool:
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                return False  # without its end there is no message
            lines.append(line[1:] if line.startswith(b".") else line)
        return self.answer_message(b"".join(lines))

    def take_chunk(self, size: int) -> bool:
        """RFC 3030: as many bytes as announced, dots and all."""
        return self.answer_message(self.rfile.read(size))

    def answer_message(self, message: bytes) -> bool:
        if not self.has_recipient:
            return self.write("503 5.5.1 no valid recipients")
        received = Received(self.sender, self.recipient, message)
        self.script.on_dot(received)
        reply = self.script.reply_to("dot", self.recipient, "250 2.0.0 taken")
        self.taken += 1
        if reply.startswith(("250", DROP)):
            self.script.received.append(received)
        return self.write(reply)

    def say(self, phase: str, default: str) -> bool:
        return self.write(self.script.reply_to(phase, self.recipient, default))

    def write(self, reply: str) -> bool:
        if reply == DROP:
            return False
        self.wfile.write(f"{reply}\r\n".encode())
        return True


class ScriptedServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, port: int = 0, offers: Sequence[str] = ("DSN",)) -> None:
        super().__init__(("127.0.0.1", port), Conversation)
        self.script = Script()
        self.offers = offers
        self.url = f"smtp://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        self.shutdown()
        self.server_close()
