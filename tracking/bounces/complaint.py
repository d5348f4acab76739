"""Spam complaints in the Abuse Reporting Format (RFC 5965)."""

from email.message import Message

from tracking.bounces.reports import Finding, Report, ReportKind, bare_address, part_of_type, read_date
from tracking.meanings import COMPLAINED

# `not-spam` (RFC 6430) takes a complaint back; `fraud` and `virus` accuse the email, and ask for the same silence.
COMPLAINTS = {"abuse", "fraud", "virus"}
MOST_RECIPIENTS = 100


def read_complaint(message: Message) -> Report | None:
    part = part_of_type(message, "message/feedback-report")
    if part is None:
        return None
    payload = part.get_payload()
    fields = payload[0] if isinstance(payload, list) and payload else part
    if not isinstance(fields, Message):
        return None
    kind = str(fields["Feedback-Type"] or "").strip().lower()
    at = read_date(fields["Received-Date"]) or read_date(message["Date"])
    named = fields.get_all("Original-Rcpt-To", []) or [""]
    addresses = [bare_address(str(value)) for value in named[:MOST_RECIPIENTS]]
    meaning = COMPLAINED if kind in COMPLAINTS else None
    findings = tuple(Finding(meaning, at, address, text=kind) for address in addresses)
    return Report(ReportKind.COMPLAINT, findings, (str(fields["Original-Envelope-Id"] or "").strip(),))
