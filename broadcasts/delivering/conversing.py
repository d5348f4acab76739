"""One SMTP conversation of many that a worker holds at once: it never waits, it is fed and tells what it heard.

Phases are driven by hand, so that before and after the message are told apart (RFC 5321). Where the server offers
it, commands go out together (RFC 2920): a message with the next one's MAIL, RCPT and DATA, one round trip for each
email; with CHUNKING (RFC 3030) the message needs no DATA. Notifications are asked for where offered (RFC 3461).
"""

import enum
import smtplib
import socket
import ssl
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

from broadcasts.delivering.connecting import COMMAND_SECONDS, explain, takes_utf8
from broadcasts.delivering.replies import Reply
from broadcasts.delivering.smtp import Envelope, end_of_reply, end_with_dot, mail_command, rcpt_command, read_reply

FINAL_REPLY_SECONDS = 600  # RFC 5321 section 4.5.3.2.6
MOST_BYTES = 64 * 1024
LONGEST_REPLY = 64 * 1024
_NOT_NOW = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)

NO_REPLY = Reply(0, "", "")

Job = TypeVar("Job")


class Told(enum.Enum):
    NAMED = "the server will take the message: mark it, then `transfer` or `withdraw`"
    ACCEPTED = "it took the message"
    REFUSED = "it refused this recipient or message; the conversation goes on"
    BROKEN = "it hung up, or said that it will (421), over this recipient or message"
    DOUBTFUL = "the message was written and no reply came: nobody can know whether the server took it"
    UNTOUCHED = "the conversation ended before this recipient was spoken of"
    TROUBLE = "our own side's trouble: nobody is marked for it"


@dataclass(frozen=True, slots=True)
class Event(Generic[Job]):
    told: Told
    job: Job | None
    phase: str = ""
    reply: Reply = NO_REPLY


class Conversation(Generic[Job]):
    def __init__(self, smtp: smtplib.SMTP) -> None:
        """Takes over a connection whose greeting is done."""
        if smtp.sock is None:
            raise ValueError("Not connected.")
        self.sock: socket.socket = smtp.sock
        self.sock.setblocking(False)
        with suppress(OSError):
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._keep = smtp  # its end would close the socket
        self.relay = ""  # the name of the mail server, where there are several
        self._pipelines = smtp.has_extn("pipelining")
        self._chunks = self._pipelines and smtp.has_extn("chunking")
        self._names_with_data = self._pipelines and not self._chunks
        self._asks = smtp.has_extn("dsn")
        self.takes_utf8 = takes_utf8(smtp)
        self._expected: deque[tuple[str, Job | None]] = deque()
        self._to_say: deque[tuple[str, Job | None, bytes]] = deque()
        self._heard = b""
        self._said = bytearray()
        self._message = b""
        self._refused_before_data = False  # its DATA is said already, and the answer to it still to come
        self._is_last = False  # close after the message on the wire
        self.job: Job | None = None  # being named, or named
        self.on_wire: Job | None = None  # written, not answered
        self.events: list[Event[Job]] = []
        self.is_open = True
        self.opened_at = time.monotonic()
        self.deadline = 0.0
        self.messages = 0  # accepted
        self.answers = 0  # accepted or refused: the server does its work

    @property
    def can_name(self) -> bool:
        """Without pipelining, one thing after the other."""
        is_free = self.is_open and self.job is None and not (self._refused_before_data or self._is_last)
        return is_free and (self._pipelines or not (self._expected or self._to_say))

    @property
    def wants_to_write(self) -> bool:
        """A message and what is named after it leave together, when the worker has said all it can say."""
        return bool(self._said)

    # --- what the worker asks for -------------------------------------------------------------------------

    def name(self, job: Job, envelope: Envelope) -> None:
        """MAIL and RCPT; ends in NAMED, REFUSED, or the end of the conversation."""
        self.job = job
        self._say("mail", mail_command(envelope, asks=self._asks), job)
        self._say("rcpt", rcpt_command(envelope, asks=self._asks), job)
        if self._names_with_data:
            self._say("data", "DATA", job)
        self._flush()

    def transfer(self, message: bytes) -> None:
        """The named job's message, complete with CRLF at its end. Its mark must be durable by now."""
        job, self.job = self.job, None
        self.on_wire = job
        if self._chunks:
            self._write("body", b"BDAT %d LAST\r\n%b" % (len(message), message), job)
        elif self._pipelines:
            self._write("body", end_with_dot(message), job)
        else:
            self._message = end_with_dot(message)
            self._say("data", "DATA", job)
        self._flush()

    def withdraw(self) -> None:
        """The named job is not to be sent after all. A message on the wire is heard to its end all the same."""
        self.job = None
        if not self._names_with_data:
            self._say("rset", "RSET", None)
            self._flush()
        elif self.on_wire is None:
            self._close()  # the server waits for a message; without its end there is none (RFC 5321 section 4.1.1.10)
        else:
            self._is_last = True

    def end(self) -> None:
        """Politely, if nothing is being said."""
        if self.is_open:
            if not self._expected:
                with suppress(OSError):
                    self.sock.send(b"QUIT\r\n")
            self._close()

    # --- what the network brings --------------------------------------------------------------------------

    def write(self) -> None:
        """As much as the network takes now."""
        try:
            while self._said:
                sent = self.sock.send(self._said[:MOST_BYTES])
                del self._said[:sent]
        except _NOT_NOW:
            pass
        except OSError as error:
            self._lose(explain(error))

    def read(self) -> None:
        """Whatever has arrived; `events` say what it means."""
        try:
            while data := self.sock.recv(MOST_BYTES):
                self._heard += data
                self._hear()
                if not self.is_open:
                    return
            self._lose("Connection unexpectedly closed")
        except _NOT_NOW:
            pass
        except OSError as error:
            self._lose(explain(error))

    def look_at_clock(self, now: float) -> None:
        if self.is_open and self._expected and now > self.deadline:
            self._lose("no answer in time")

    # --- the conversation ---------------------------------------------------------------------------------

    def _say(self, phase: str, line: str, job: Job | None) -> None:
        self._to_say.append((phase, job, line.encode() + b"\r\n"))

    def _flush(self) -> None:
        while self._to_say and (self._pipelines or not self._expected):
            phase, job, line = self._to_say.popleft()
            self._write(phase, line, job)

    def _write(self, phase: str, data: bytes, job: Job | None) -> None:
        self._said += data
        self._expected.append((phase, job))
        if len(self._expected) == 1:
            self._set_deadline()

    def _set_deadline(self) -> None:
        if self._expected:
            seconds = FINAL_REPLY_SECONDS if self._expected[0][0] == "body" else COMMAND_SECONDS
            self.deadline = time.monotonic() + seconds

    def _hear(self) -> None:
        while self.is_open and (end := end_of_reply(self._heard)):
            words, self._heard = self._heard[:end], self._heard[end:]
            self._take(read_reply(words))
        if len(self._heard) > LONGEST_REPLY:
            self._lose("The mail server's answer has no end")

    def _take(self, reply: Reply) -> None:
        if not self._expected:
            self._lose(f"{reply.code} {reply.text}")  # unasked: a server that says goodbye
            return
        phase, job = self._expected.popleft()
        self._set_deadline()
        if phase in ("mail", "rset", "void"):  # about nobody yet
            if reply.code == 421 or (phase == "mail" and reply.code != 250):
                self._expected.clear()
                self._lose(f"{reply.code} {reply.text}")
        elif job is None or reply.code == 421 or (phase != "body" and not 200 <= reply.code < 600):
            self._end_over(phase, job, reply)  # garbage says nothing about anybody, and what follows it neither
        else:
            {"rcpt": self._take_rcpt, "data": self._take_data, "body": self._take_body}[phase](job, reply)
        if self.is_open:
            self._flush()

    def _take_rcpt(self, job: Job, reply: Reply) -> None:
        if reply.code not in (250, 251):
            self._refuse("rcpt", job, reply)
            if self._names_with_data:
                self._refused_before_data = True
            else:
                self._say("rset", "RSET", None)
        elif not self._names_with_data and job is self.job:
            self._tell(Told.NAMED, job)

    def _take_data(self, job: Job, reply: Reply) -> None:
        if self._refused_before_data:
            if reply.code == 354:  # for nobody: an empty message ends it
                self._write("void", b".\r\n", None)
            self._refused_before_data = False
            self._say("rset", "RSET", None)
        elif reply.code != 354:
            self.on_wire = None
            self._refuse("data", job, reply)
            self._say("rset", "RSET", None)
        elif self._names_with_data:
            self._tell(Told.NAMED, job)
        else:
            self._write("body", self._message, job)
            self._message = b""

    def _take_body(self, job: Job, reply: Reply) -> None:
        self.on_wire = None
        if reply.code == 250:
            self.messages += 1
            self.answers += 1
            self._tell(Told.ACCEPTED, job, "body", reply)
        elif 400 <= reply.code < 600:
            self.answers += 1
            self._tell(Told.REFUSED, job, "body", reply)
        else:
            self._tell(Told.DOUBTFUL, job, "body", reply)
            self._lose(reply.text)
        if self._is_last and self.is_open:
            self._close()

    def _refuse(self, phase: str, job: Job, reply: Reply) -> None:
        self.answers += 1
        self.job = None
        self._tell(Told.REFUSED, job, phase, reply)

    def _tell(self, told: Told, job: Job | None, phase: str = "", reply: Reply = NO_REPLY) -> None:
        self.events.append(Event(told, job, phase, reply))

    def _end_over(self, phase: str, job: Job | None, reply: Reply) -> None:
        """The server ends the conversation over this job, and has not taken its message (RFC 5321 section 3.8)."""
        if job is self.on_wire:
            self.on_wire = None
        if job is self.job:
            self.job = None
        if job is not None and not self._refused_before_data:
            self._tell(Told.BROKEN, job, phase, reply)
        self._expected.clear()
        self._lose(f"{reply.code} {reply.text}" if reply.code else reply.text)

    def _lose(self, words: str) -> None:
        """The conversation is over: what becomes of the jobs that it spoke of."""
        phase, job = self._expected[0] if self._expected else ("", None)
        if phase in ("rcpt", "data"):
            self._end_over(phase, job, Reply(0, "", words))
            return
        if self.on_wire is not None:
            self._tell(Told.DOUBTFUL, self.on_wire, "body", Reply(0, "", words))
        if self.job is not None:
            self._tell(Told.UNTOUCHED, self.job)
        self.on_wire = self.job = None
        self._tell(Told.TROUBLE, None, phase, Reply(0, "", words))
        self._close()

    def _close(self) -> None:
        self.is_open = False
        self._said.clear()
        self._expected.clear()
        with suppress(OSError):
            self._keep.close()
