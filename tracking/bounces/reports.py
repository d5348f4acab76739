"""A message that came back, as a value: what kind of report it is and what it says about whom. No database."""

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.utils import parsedate_to_datetime
from enum import StrEnum

from broadcasts.delivering.replies import plain_words
from broadcasts.results import Result
from tracking.meanings import Meaning

LONGEST_SUBJECT = 1000


class ReportKind(StrEnum):
    DSN = "dsn"
    COMPLAINT = "complaint"
    AUTO_REPLY = "auto-reply"
    TEXT = "text"
    UNRECOGNISED = "unrecognised"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a report says about one recipient. `meaning` None: nothing that changes anything."""

    meaning: Meaning | None
    at: datetime | None = None
    address: str = ""
    original_address: str = ""
    status: str = ""
    reply_code: str = ""
    text: str = field(default="", repr=False)

    def as_json(self) -> dict[str, str | None]:
        rule = self.meaning.rule if self.meaning else ""
        return {
            "address": self.address or self.original_address,
            "result": str(Result(self.meaning.result).label) if self.meaning else None,
            "status": self.status,
            "reply_code": self.reply_code,
            "reason": plain_words(rule),
            "rule": rule,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """`names`: what it knows our email by, most trustworthy first; ours only if the signature is.

    `trouble`: why it is unrecognised, for an administrator, where there is more to say than that.
    """

    kind: ReportKind
    findings: tuple[Finding, ...] = ()
    names: tuple[str, ...] = ()
    message_id: str = ""
    written_at: datetime | None = None
    trouble: str = ""


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
    return rest.strip() if semicolon and kind.strip().replace("-", "").isalnum() else text


def bare_address(value: str | None) -> str:
    """The address of a field like `rfc822; <ann@home.example>`."""
    return after_type(value).strip().strip("<>").strip()[:320]


def subject_of(message: Message) -> str:
    """Decoded; also where a program wrote its language's letters without saying which."""
    raw = next((str(value) for name, value in message.raw_items() if name.lower() == "subject"), "")
    text = raw[:LONGEST_SUBJECT].encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    with suppress(ValueError, LookupError, HeaderParseError):
        text = str(make_header(decode_header(text)))
    return " ".join(text.split())


def part_of_type(message: Message, content_type: str) -> Message | None:
    return next((part for part in message.walk() if part.get_content_type() == content_type), None)
