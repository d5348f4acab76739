"""Spam complaints in the Abuse Reporting Format (RFC 5965)."""

from email.message import Message

from tracking.bounces.reports import Finding, Understood, part_of_type, read_date
from tracking.meanings import COMPLAINED

# `not-spam` (RFC 6430) takes a complaint back; `fraud` and `virus` accuse the email, and ask for the same silence.
COMPLAINTS = {"abuse", "fraud", "virus"}


def read_complaint(message: Message) -> Understood | None:
    part = part_of_type(message, "message/feedback-report")
    if part is None:
        return None
    payload = part.get_payload()
    fields = payload[0] if isinstance(payload, list) and payload else part
    if not isinstance(fields, Message):
        return None
    kind = str(fields["Feedback-Type"] or "").strip().lower()
    if kind not in COMPLAINTS:
        return None
    at = read_date(fields["Received-Date"]) or read_date(message["Date"])
    return Understood((Finding(COMPLAINED, at, text=kind),), str(fields["Original-Envelope-Id"] or "").strip())
