"""Delivery status notifications (RFC 3464), also those whose parts came apart on the way."""

import binascii
import re
from collections.abc import Callable
from email import message_from_string
from email.message import Message

from tracking.bounces.reports import Finding, Report, ReportKind, after_type, bare_address, part_of_type, read_date
from tracking.bounces.wording import (
    notification,
    part_about,
    reply_code_in,
    stage_in,
    status_in,
    whole_text,
    without_returned,
)
from tracking.meanings import ACTIONS, Meaning, meaning_of_failure

# For an encoded part, which some servers on the way make of one in UTF-8.
DECODERS: dict[str, Callable[[bytes], bytes]] = {"base64": binascii.a2b_base64, "quoted-printable": binascii.a2b_qp}
MOST_RECIPIENTS = 5_000
# With more than this the sentences are not searched for each one's: everything is in the fields then.
MANY = 50


def read_dsn(message: Message) -> Report | None:
    """None when it is none, or says nothing about any recipient."""
    blocks = (
        _blocks_of(part_of_type(message, "message/delivery-status"))
        or _blocks_in_utf8(part_of_type(message, "message/global-delivery-status"))
        or _loose_blocks(message)
    )
    about = [block for block in blocks if block["Action"]][:MOST_RECIPIENTS]
    if not about:
        return None
    text = notification(message)
    findings = tuple(_read_recipient(block, _sentences(block, about, text)) for block in about)
    envelope_id = next((str(block["Original-Envelope-Id"]) for block in blocks if block["Original-Envelope-Id"]), "")
    return Report(ReportKind.DSN, findings, (envelope_id.strip(),))


def _blocks_of(part: Message | None) -> list[Message]:
    payload = part.get_payload() if part else None
    if isinstance(payload, str):  # an encoded part: RFC 3464 forbids it, some do it
        return _split_blocks(payload)
    return [block for block in payload if isinstance(block, Message) and len(block)] if payload else []


def _blocks_in_utf8(part: Message | None) -> list[Message]:
    """RFC 6533, about an address with other letters. Python takes the part for an email and its end for the text."""
    inside = part.get_payload() if part else None
    if part is None or not (isinstance(inside, list) and inside and isinstance(inside[0], Message)):
        return []
    written = inside[0].as_bytes()
    encoding = str(part["Content-Transfer-Encoding"] or "").strip().lower()
    if encoding in DECODERS:
        written = DECODERS[encoding](written)
    return _split_blocks(written.decode("utf-8", "replace"))


def _loose_blocks(message: Message) -> list[Message]:
    """The fields in a text: parts whose boundary got lost, and programs that write them for people only."""
    text = whole_text(message)
    start = re.search(r"^(?:reporting-mta|final-recipient|action):", text, re.IGNORECASE | re.MULTILINE)
    if not start or not re.search(r"^final-recipient:", text, re.IGNORECASE | re.MULTILINE):
        return []
    return _split_blocks(without_returned(text[start.start() :]))


def _split_blocks(text: str) -> list[Message]:
    blocks = [message_from_string(block.strip() + "\n") for block in re.split(r"\n[ \t]*\n", text)]
    return [block for block in blocks if len(block)]


def _sentences(block: Message, about: list[Message], text: str) -> str:
    if len(about) == 1 or len(about) > MANY:
        return text if len(about) == 1 else ""
    address = bare_address(block["Final-Recipient"])
    others = {bare_address(other["Final-Recipient"]) for other in about} - {address, ""}
    return part_about(text, address, tuple(others)) if address else ""


def _read_recipient(block: Message, sentences: str) -> Finding:
    action = str(block["Action"]).strip().lower()
    diagnostic = after_type(block["Diagnostic-Code"])
    field = " ".join(str(block["Status"] or "").split())
    comment = field.partition(" ")[2]
    filled_in = field.partition(" ")[0]
    # The server's own code before the one that a relay filled in, and anything before one that says nothing.
    status = status_in(diagnostic) or (status_in(sentences) if filled_in.endswith(".0.0") else "") or filled_in
    code = reply_code_in(diagnostic) or reply_code_in(sentences)
    said = " ".join(filter(None, (diagnostic, comment)))
    return Finding(
        _meaning_of(action, status, code, said, sentences),
        read_date(block["Last-Attempt-Date"]),
        bare_address(block["Final-Recipient"]),
        bare_address(block["Original-Recipient"]),
        status,
        code,
        said or _first_lines(sentences),
    )


def _meaning_of(action: str, status: str, code: str, said: str, sentences: str) -> Meaning | None:
    if action.startswith("failed"):
        return meaning_of_failure(status, said, code, stage_in(said, sentences), sentences)
    return ACTIONS.get(action)


def _first_lines(text: str) -> str:
    return " ".join(text.split())[:2000]
