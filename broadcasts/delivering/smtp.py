"""How SMTP is written and read: commands, replies, dots (RFC 5321) and requests for notifications (RFC 3461)."""

import re
from dataclasses import dataclass
from functools import lru_cache

from broadcasts.delivering.replies import Reply, parse_reply

_XTEXT_UNSAFE = re.compile(r"[^!-*,-<>-~]")
_QCHAR_UNSAFE = re.compile(r"[^!-*,-<>-\[\]-~]")
# Header fields in UTF-8 are 8 bits, whatever the body is (RFC 6531 section 3.6).
UTF8 = " SMTPUTF8 BODY=8BITMIME"


@dataclass(frozen=True, slots=True)
class Envelope:
    sender: str
    recipient: str
    envelope_id: str = ""


def xtext(value: str) -> str:
    """RFC 3461 section 4: everything outside `!`-`~`, and `+` and `=`, as `+HH`."""
    return _XTEXT_UNSAFE.sub(lambda char: "".join(f"+{byte:02X}" for byte in char.group().encode()), value)


def original_recipient(address: str) -> str:
    """ORCPT with its type: RFC 3461 section 4.2; with other letters RFC 6533 section 3, in its form of 7 bits."""
    if address.isascii():
        return f"rfc822;{xtext(address)}"
    return "utf-8;" + _QCHAR_UNSAFE.sub(lambda char: f"\\x{{{ord(char.group()):02X}}}", address)


def mail_command(envelope: Envelope, *, asks: bool) -> str:
    """`asks`: the server offers notifications, so that the reports name the envelope's id."""
    wishes = f" RET=HDRS ENVID={xtext(envelope.envelope_id)}" if asks and envelope.envelope_id else ""
    return f"MAIL FROM:<{envelope.sender}>{wishes}{'' if envelope.recipient.isascii() else UTF8}"


def rcpt_command(envelope: Envelope, *, asks: bool) -> str:
    wishes = f" NOTIFY=SUCCESS,FAILURE,DELAY ORCPT={original_recipient(envelope.recipient)}"
    return f"RCPT TO:<{envelope.recipient}>{wishes if asks and envelope.envelope_id else ''}"


def end_with_dot(message: bytes) -> bytes:
    """Dots at the beginning of lines are doubled (RFC 5321 section 4.5.2)."""
    # Files in base64 have none: what follows the last dot, megabytes perhaps, is neither searched nor copied twice.
    end = message.rfind(b".") + 1
    return b"".join(
        (
            b"." if message.startswith(b".") else b"",
            message[:end].replace(b"\r\n.", b"\r\n.."),
            memoryview(message)[end:],
            b".\r\n" if message.endswith(b"\r\n") else b"\r\n.\r\n",
        )
    )


def end_of_reply(heard: bytes) -> int:
    """Where the first reply ends, 0 if it has not: its last line has no hyphen after the code (section 4.2.1)."""
    start = 0
    while end := heard.find(b"\n", start) + 1:
        if heard[start + 3 : start + 4] != b"-":
            return end
        start = end
    return 0


@lru_cache(maxsize=256)
def read_reply(words: bytes) -> Reply:
    """Code 0: no reply of SMTP at all. Servers say most of theirs again and again."""
    lines = words.splitlines()
    code = int(lines[0][:3]) if lines[0][:3].isdigit() else 0
    return parse_reply(code, b"\n".join(line[4:] for line in lines))
