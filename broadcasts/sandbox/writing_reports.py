"""The reports as messages: RFC 3464 (delivery status), RFC 3834 (automatic replies), RFC 5965 (complaints)."""

from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.parser import BytesHeaderParser
from email.utils import formatdate

from broadcasts.sandbox.recipients import ReportKind
from broadcasts.sandbox.store import DueReport

HOST = "sandbox.messenger.test"
KEEPS_TRYING_SECONDS = 48 * 3600


@dataclass(frozen=True, slots=True)
class Status:
    action: str
    code: str
    diagnostic: str
    sentence: str


STATUSES = {
    ReportKind.DELIVERED: Status(
        "delivered", "2.1.5", "smtp; 250 2.1.5 Delivered to the mailbox", "Your message was delivered to"
    ),
    ReportKind.DELAYED: Status(
        "delayed", "4.4.1", "smtp; 451 4.4.1 The server is busy, still trying", "Your message is still waiting for"
    ),
    ReportKind.FAILED: Status(
        "failed", "5.2.1", "smtp; 550 5.2.1 This mailbox has been closed", "Your message could not be kept for"
    ),
}


@dataclass(frozen=True, slots=True)
class Outgoing:
    envelope_from: str
    recipient: str
    raw: bytes


def write_report(report: DueReport, now: float) -> Outgoing:
    """The message, addressed to the envelope sender; from nobody, so that nothing answers it (RFC 3464 section 2)."""
    message = WRITERS[report.kind](report, now)
    message["To"] = report.sender
    message["Date"] = formatdate(now)
    # The same at every attempt: a report that is sent twice is recognised.
    message["Message-ID"] = f"<{report.kind}.{report.message_id}.{report.received_at:.6f}@{HOST}>"
    complains = report.kind is ReportKind.COMPLAINT
    sender = f"feedback@{HOST}" if complains else "<>"
    return Outgoing(sender, report.sender, message.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))


def _returned_headers(report: DueReport) -> MIMEText:
    headers, _, _ = report.start.partition(b"\r\n\r\n")
    text = headers.replace(b"\r\n", b"\n").decode("ascii", "replace") + "\n"
    return MIMEText(text, "rfc822-headers", "us-ascii" if text.isascii() else "utf-8")


def _fields(subtype: str, *blocks: dict[str, str]) -> Message:
    """A part of type message/`subtype` whose body is blocks of header fields."""
    part = MIMEBase("message", subtype)
    written: list[Message | str] = []
    for block in blocks:
        lines = Message()
        for name, value in block.items():
            if value:
                lines[name] = value
        written.append(lines)
    part.set_payload(written)
    return part


def _multipart(report_type: str, subject: str, text: str, *parts: Message) -> MIMEMultipart:
    message = MIMEMultipart("report", report_type=report_type)
    message["Subject"] = subject
    message["Auto-Submitted"] = "auto-replied"
    for part in (MIMEText(text), *parts):
        message.attach(part)
    return message


def _delivery_status(report: DueReport, now: float) -> Message:
    status = STATUSES[report.kind]
    about_message = {
        "Reporting-MTA": f"dns; {HOST}",
        "Original-Envelope-Id": report.envelope_id,
        "Arrival-Date": formatdate(report.received_at),
    }
    about_recipient = {
        "Original-Recipient": report.original_recipient.replace(";", "; ", 1),
        "Final-Recipient": f"rfc822; {report.recipient}",
        "Action": status.action,
        "Status": status.code,
        "Remote-MTA": f"dns; mx.{report.recipient.rpartition('@')[2]}",
        "Diagnostic-Code": status.diagnostic,
        "Last-Attempt-Date": formatdate(now),
    }
    if status.action == "delayed":
        about_recipient["Will-Retry-Until"] = formatdate(report.received_at + KEEPS_TRYING_SECONDS)
    message = _multipart(
        "delivery-status",
        f"Delivery Status Notification ({status.action})",
        f"{status.sentence} {report.recipient}.\n",
        _fields("delivery-status", about_message, about_recipient),
        _returned_headers(report),
    )
    message["From"] = f"Mail Delivery System <mailer-daemon@{HOST}>"
    return message


def _auto_reply(report: DueReport, _now: float) -> Message:
    original = BytesHeaderParser().parsebytes(report.start)
    message = MIMEText("I am out of the office and will read your message when I am back.\n")
    message["From"] = report.recipient
    message["Subject"] = "Auto: out of the office"
    message["Auto-Submitted"] = "auto-replied"
    for name in ("In-Reply-To", "References"):
        if original["Message-ID"]:
            message[name] = original["Message-ID"]
    return message


def _complaint(report: DueReport, _now: float) -> Message:
    about = {
        "Feedback-Type": "abuse",
        "User-Agent": "MessengerSandbox/1",
        "Version": "1",
        "Original-Mail-From": f"<{report.sender}>",
        "Original-Rcpt-To": f"<{report.recipient}>",
        "Arrival-Date": formatdate(report.received_at),
    }
    message = _multipart(
        "feedback-report",
        "Complaint about a message",
        "This is a report about a message that its recipient calls spam.\n",
        _fields("feedback-report", about),
        _returned_headers(report),
    )
    message["From"] = f"Feedback <feedback@{HOST}>"
    return message


WRITERS: dict[ReportKind, Callable[[DueReport, float], Message]] = {
    ReportKind.DELIVERED: _delivery_status,
    ReportKind.DELAYED: _delivery_status,
    ReportKind.FAILED: _delivery_status,
    ReportKind.AUTO_REPLY: _auto_reply,
    ReportKind.COMPLAINT: _complaint,
}
