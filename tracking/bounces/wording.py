"""What a report says to people, taken out of it: its sentences, the stage they are about, the codes in them."""

import re
from collections.abc import Iterator
from email.message import Message

LONGEST = 64_000
LONGEST_LINE = 500
MOST_PARTS = 200

# Where the email that is given back begins. What stands below is ours or the attacker's, and says nothing.
_RETURNED = re.compile(
    r"^[ \t>|*]*(?:-{2,}[^\n]*\b(?:original message|copy of|below this line|returned message|message text follows"
    r"|message header|undelivered message|unsent message|enclosed)\b[^\n]*"
    r"|original message(?: headers)?(?: follows)?:?[ \t]*|message headers follow[^\n]*|below is a copy of[^\n]*"
    r"|(?:received|return-path|x-\w[\w-]*-received):[^\n]*)$",
    re.IGNORECASE | re.MULTILINE,
)

# What the refusing server was answering, in the words of Postfix, Exim, Sendmail and Courier transcripts, qmail,
# Yahoo, DragonFly, Oracle Messaging Server and others.
_REPLY = r"[^\n]*\n\s{0,9}<<< ?[45]"
_STAGES = re.compile(
    r"(?P<mail>in reply to (?:mail|helo|ehlo)|after (?:pipelined )?(?:mail from|helo|ehlo)|after initial connection"
    rf"|>>> ?(?:mail|helo|ehlo){_REPLY}|refused to talk to me|initial server greeting|\[mail_from\]"
    r"|did not like our (?:mail|helo|ehlo)|does not like sender)"
    rf"|(?P<rcpt>in reply to rcpt|after (?:pipelined )?rcpt to|>>> ?rcpt{_REPLY}|does not like recipient|\[rcpt_to\]"
    r"|following rcpt|smtp command\W+rcpt|did not like our rcpt|rejected recipient)"
    rf"|(?P<data>in reply to (?:end of )?data|after (?:end of )?data|>>> ?(?:data|bdat){_REPLY}|\(data\)|\[data\]"
    r"|did not like our data|smtp command\W+data|failed after i sent the message|smtp transmission failure)",
    re.IGNORECASE,
)
_ENHANCED = re.compile(r"(?<![\d.])([245]\.[0-7]\.\d{1,3})(?![\d.]*\d)")
_REPLY_CODE = re.compile(r"(?<![\d.:/-])([45][0-5]\d)(?=[ \-:]|$)")
_ACCEPTED = re.compile(r"^\W{0,9}(2[0-5]\d)\b")
_SAID = re.compile(
    r"(?:<<<|said:|responded|returned|response|replied|error|reason|code|was|message)\W{1,4}([45][0-5]\d)\b"
)
_LINE_CODE = re.compile(r"^[^\w\n]*([45][0-5]\d)[ \-]", re.MULTILINE)


def notification(message: Message) -> str:
    """Its own sentences, decoded, without the email that it gives back."""
    return without_returned(whole_text(message))


def whole_text(message: Message) -> str:
    """Lines are cut and blank ones are few, as people write: patterns take their time over endless ones."""
    lines: list[str] = []
    for line in full_text(message).splitlines():
        if line.strip() or (lines and lines[-1]):
            lines.append(line[:LONGEST_LINE].rstrip())
    return _unquoted("\n".join(lines))


def full_text(message: Message) -> str:
    parts = list(_own_parts(message))
    plain = [part for part in parts if not part.get_content_type().startswith("text/html")]
    texts = [_decoded(part) for part in plain] or [_without_tags(_decoded(part)) for part in parts]
    return "\n".join(texts)[:LONGEST]


def _unquoted(text: str) -> str:
    """A report that somebody passed on has its lines marked; the transcripts' own `>>>` stay."""
    lines = text.splitlines()
    marked = sum(line.startswith(">") for line in lines)
    return "\n".join(re.sub(r"^> ?", "", line) for line in lines) if marked * 2 > len(lines) else text


def without_returned(text: str) -> str:
    """Cut where the returned email begins, unless nothing would be left."""
    for found in _RETURNED.finditer(text):
        if text[: found.start()].strip():
            return text[: found.start()]
    return text


def _own_parts(message: Message) -> Iterator[Message]:
    """The texts of the report itself, and what claims to have parts and has none that can be found."""
    waiting, seen = [message], 0
    while waiting and seen < MOST_PARTS:
        part, seen = waiting.pop(), seen + 1
        payload = part.get_payload()
        if isinstance(payload, list):
            if part is message or not part.get_content_type().startswith("message/"):
                waiting.extend(inner for inner in reversed(payload) if isinstance(inner, Message))
        elif not part.get_content_type().startswith(("message/", "application/", "image/")) and not _is_returned(
            part
        ):
            yield part


def _is_returned(part: Message) -> bool:
    """Also as an attached text."""
    return part.get_content_type() == "text/rfc822-headers" or part.get_content_disposition() == "attachment"


def _decoded(part: Message) -> str:
    raw = part.get_payload(decode=True)
    if not isinstance(raw, bytes):
        return ""
    try:
        return raw[: 2 * LONGEST].decode(part.get_content_charset() or "utf-8", "replace").replace("\r\n", "\n")
    except (LookupError, ValueError):
        return raw[: 2 * LONGEST].decode("utf-8", "replace").replace("\r\n", "\n")


def _without_tags(html: str) -> str:
    return re.sub(r"<(?:style|script)\b[^<>]*>[^<]*|<[^<>]*>", " ", html, flags=re.IGNORECASE)


def stage_in(*texts: str) -> str:
    """ "mail", "rcpt" or "data"; empty when none of the texts says."""
    found = next((hit for text in texts if (hit := _STAGES.search(text))), None)
    return (found.lastgroup or "") if found else ""


def stage_before(text: str, address: str) -> str:
    """Of a transcript about several addresses: what was being answered when this one was refused."""
    end = text.lower().rfind(address.lower())
    found = list(_STAGES.finditer(text[:end] if end > 0 else text))
    return (found[-1].lastgroup or "") if found else ""


def status_in(text: str) -> str:
    """The first enhanced status code (RFC 3463); one that says more than x.0.0 where there is one."""
    codes = _ENHANCED.findall(text)
    return next((code for code in codes if not code.endswith(".0.0")), codes[0] if codes else "")


def reply_code_in(text: str) -> str:
    found = _LINE_CODE.search(text) or _SAID.search(text) or _REPLY_CODE.search(text) or _ACCEPTED.search(text)
    return found[1] if found else ""


def part_about(text: str, address: str, others: tuple[str, ...]) -> str:
    """The lines from this address on until another one's begin."""
    lines = text.splitlines()
    starts = [number for number, line in enumerate(lines) if address.lower() in line.lower()]
    if not starts or not others:
        return text
    own = [lines[start] for start in starts if f"<{address.lower()}>... " in lines[start].lower()]
    if own:  # a transcript, which gives everybody a line
        return "\n".join(own)
    picked: list[str] = []
    for start in starts:
        for line in lines[start:]:
            if any(other.lower() in line.lower() for other in others):
                break
            picked.append(line)
    return "\n".join(picked)
