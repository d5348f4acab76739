"""Automatic replies (RFC 3834): out of the office."""

from email.message import Message

from tracking.bounces.reports import Finding, Understood, read_date
from tracking.meanings import AUTO_REPLIED


def read_auto_reply(message: Message) -> Understood | None:
    if message.get_content_type() == "multipart/report" or not _is_automatic(message):
        return None
    subject = " ".join(str(message["Subject"] or "").split())
    return Understood((Finding(AUTO_REPLIED, read_date(message["Date"]), text=subject),))


def _is_automatic(message: Message) -> bool:
    """The header of RFC 3834 section 5, and what older programs write instead."""
    submitted = str(message["Auto-Submitted"] or "").strip().lower()
    return (
        submitted.startswith("auto-replied")
        or bool(message["X-Autoreply"] or message["X-Autorespond"])
        or str(message["Precedence"] or "").strip().lower() == "auto_reply"
    )
