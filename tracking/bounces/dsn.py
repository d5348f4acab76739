"""Delivery status notifications (RFC 3464)."""

from email.message import Message

from tracking.bounces.reports import Finding, Understood, after_type, part_of_type, read_date
from tracking.meanings import ACTIONS, meaning_of_failure


def read_dsn(message: Message) -> Understood | None:
    """None when it is none, or says nothing about any recipient."""
    part = part_of_type(message, "message/delivery-status")
    payload = part.get_payload() if part else None
    if not isinstance(payload, list):
        return None
    blocks = [block for block in payload if isinstance(block, Message) and len(block)]
    findings = tuple(finding for block in blocks if (finding := _read_recipient(block)))
    if not findings:
        return None
    envelope_id = next((block["Original-Envelope-Id"] for block in blocks if block["Original-Envelope-Id"]), "")
    return Understood(findings, str(envelope_id).strip())


def _read_recipient(block: Message) -> Finding | None:
    action = str(block["Action"] or "").strip().lower()
    status = next(iter(str(block["Status"] or "").split()), "")
    diagnostic = after_type(block["Diagnostic-Code"])
    if action == "failed":
        meaning = meaning_of_failure(status, diagnostic)
    elif action in ACTIONS:
        meaning = ACTIONS[action]
    else:
        return None
    return Finding(meaning, read_date(block["Last-Attempt-Date"]), status, diagnostic)
