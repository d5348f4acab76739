"""What the three kinds of report have in common once they are understood."""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from email.utils import parsedate_to_datetime

from tracking.meanings import Meaning


@dataclass(frozen=True, slots=True)
class Finding:
    """What a report says about one recipient."""

    meaning: Meaning
    at: datetime | None
    code: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Understood:
    """A report's findings, and the names it knows our email by (tokens, if they are ours)."""

    findings: tuple[Finding, ...]
    envelope_id: str = ""


def read_date(value: str | None) -> datetime | None:
    """RFC 5322 section 3.3. None for what is no date, or cannot be one of ours."""
    if not value:
        return None
    try:
        at = parsedate_to_datetime(str(value))
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        return None


def after_type(value: str | None) -> str:
    """`rfc822; a@b` and `smtp; 550 no` without their type (RFC 3464 section 2.1.2), on one line."""
    text = " ".join(str(value or "").split())
    kind, semicolon, rest = text.partition(";")
    return rest.strip() if semicolon and kind.replace("-", "").isalnum() else text


def part_of_type(message: Message, content_type: str) -> Message | None:
    return next((part for part in message.walk() if part.get_content_type() == content_type), None)
