"""A mailbox for one test: as much of IMAP (RFC 3501) as a program needs that reads what is unread."""

import re
import socketserver
import threading
from dataclasses import dataclass, field

USER, PASSWORD = "bounces@school.example", "p@ss/word"


@dataclass
class Mailbox:
    messages: list[bytes] = field(default_factory=list)
    seen: set[int] = field(default_factory=set)
    commands: list[str] = field(default_factory=list)
    refuses: str = ""  # a command that is answered with NO
    drops: str = ""  # a command that is answered with silence


class ImapConversation(socketserver.StreamRequestHandler):
    server: "ImapServer"

    def handle(self) -> None:
        self.box = self.server.mailbox
        self.wfile.write(b"* OK ready\r\n")
        for line in self.rfile:
            tag, _blank, command = line.decode().strip().partition(" ")
            self.box.commands.append(command)
            verb = command.upper().removeprefix("UID ").partition(" ")[0]
            if verb == self.box.drops:
                return
            answer = "NO not today" if verb == self.box.refuses else self.answer(verb, command)
            self.wfile.write(f"{tag} {answer}\r\n".encode())
            if verb == "LOGOUT":
                return

    def answer(self, verb: str, command: str) -> str:
        match verb:
            case "CAPABILITY":
                self.say(b"CAPABILITY IMAP4rev1")
            case "LOGIN":
                given = command.replace("\\", "")
                return "OK welcome" if USER in given and PASSWORD in given else "NO wrong password"
            case "SELECT":
                self.say(b"%d EXISTS" % len(self.box.messages))
            case "SEARCH":
                unseen = [n for n in range(1, len(self.box.messages) + 1) if n not in self.box.seen]
                self.say(b"SEARCH " + " ".join(map(str, unseen)).encode())
            case "FETCH":
                self.fetch(command)
            case "STORE":
                numbers = re.search(r"STORE ([\d,]+) \+FLAGS", command)
                self.box.seen |= {int(number) for number in numbers[1].split(",")} if numbers else set()
        return "OK done"

    def fetch(self, command: str) -> None:
        found = re.search(r"FETCH (\d+) \(BODY\.PEEK\[\]<0\.(\d+)>\)", command)
        assert found, command
        raw = self.box.messages[int(found[1]) - 1][: int(found[2])]
        self.wfile.write(b"* %s FETCH (UID %s BODY[]<0> {%d}\r\n" % (found[1].encode(), found[1].encode(), len(raw)))
        self.wfile.write(raw + b")\r\n")

    def say(self, words: bytes) -> None:
        self.wfile.write(b"* " + words + b"\r\n")


class ImapServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), ImapConversation)
        self.mailbox = Mailbox()
        self.url = f"imap://bounces%40school.example:p%40ss%2Fword@127.0.0.1:{self.server_address[1]}/INBOX"
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        self.shutdown()
        self.server_close()
