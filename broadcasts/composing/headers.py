"""Header fields of a broadcast's emails (RFC 5322, 2047, 2919, 8058, 3834) and the envelope's sender."""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.utils import format_datetime
from functools import lru_cache

from django.conf import settings
from django.utils import timezone

from broadcasts.addresses import recipient_address, wire_address
from broadcasts.composing.merge_fields import one_line
from broadcasts.models import Broadcast
from broadcasts.tokens import make_token

# Google asks for 5 to 15 characters that stay the same for everything one system sends.
SENDER_ID = "messenger"
ONE_CLICK = "List-Unsubscribe=One-Click"  # RFC 8058 section 3.1
PHRASE = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
PLAIN_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.-]+")
FOLD_AT, LONGEST_WORD = 76, 400


@dataclass(frozen=True)
class Recipient:
    """Whom one email is for. `delivery_id` None: a preview or a test, which nothing may track."""

    delivery_id: int | None
    name: str
    email: str
    language: str = "en"


def envelope_sender(broadcast: Broadcast, token: str = "") -> str:
    """Where reports about this email come back to: an address that names the delivery, if we read that mailbox.

    `token`: the delivery's, for "bounce".
    """
    if settings.BOUNCE_DOMAIN and token:
        return f"b+{token}@{settings.BOUNCE_DOMAIN}"
    if broadcast.sender is None:
        raise ValueError("A broadcast without a sender cannot be sent.")
    return wire_address(broadcast.sender.address)


def encode_text(name: str, value: str) -> str:
    """A header's text in 7 bits, folded (RFC 2047); line breaks in it become blanks."""
    text = one_line(value)
    is_plain = text.isascii() and "=?" not in text
    if is_plain and len(text) <= FOLD_AT - len(name):
        return text
    fits = is_plain and max(map(len, text.split())) < LONGEST_WORD
    return Header(text, "us-ascii" if fits else "utf-8", header_name=name).encode(linesep="\r\n")


def encode_mailbox(name: str, person: str, address: str) -> str:
    """`Name <address>`, the name quoted or encoded, the address in its ASCII form if it has one."""
    wire = address if PLAIN_ADDRESS.fullmatch(address) else recipient_address(address)
    phrase = encode_phrase(name, person)
    return f"{phrase} <{wire}>" if phrase else wire


def encode_phrase(name: str, text: str) -> str:
    line = one_line(text)
    if not line.isascii() or "=?" in line:
        return Header(line, "utf-8", header_name=name).encode(linesep="\r\n")
    if PHRASE.fullmatch(line):
        return line
    escaped = line.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"' if escaped else ""


@lru_cache(maxsize=8)
def _written(moment: datetime) -> str:
    """The same for all emails of one second."""
    return format_datetime(moment)


class Headers:
    """What is the same for all emails of one broadcast, written once; `lines` adds what is the recipient's."""

    def __init__(self, broadcast: Broadcast) -> None:
        if broadcast.sender is None:
            raise ValueError("A broadcast without a sender cannot be sent.")
        sender, kind, school = broadcast.sender, broadcast.broadcast_type, broadcast.school
        self.uuid = broadcast.uuid
        self.domain = wire_address(sender.address).rpartition("@")[2]
        slug = kind.slug if kind else "general"
        list_name = encode_phrase("List-Id", f"{kind or slug} - {school.name}")
        self.list_id = f"<{slug}.{school.slug}.{self.domain}>"
        self.bulk = {
            "Feedback-ID": f"{broadcast.pk}:{slug}:{school.slug}:{SENDER_ID}",
            "Auto-Submitted": "auto-generated",
            "Precedence": "bulk",
            "X-Auto-Response-Suppress": "OOF, AutoReply",
        }
        fixed = [
            f"From: {encode_mailbox('From', sender.name, sender.address)}",
            *([f"Reply-To: {wire_address(sender.reply_to)}"] if sender.reply_to else []),
            f"List-Id: {list_name} {self.list_id}",
            *(f"{name}: {value}" for name, value in self.bulk.items()),
            "MIME-Version: 1.0",
        ]
        self.fixed = "\r\n".join(fixed)

    def lines(self, recipient: Recipient, subject: str, unsubscribe_url: str) -> list[str]:
        """To be joined by CRLF. `unsubscribe_url` empty: this email is nothing one could unsubscribe from."""
        # The same at every attempt: who gets it twice sees one email, and a report finds its delivery by it.
        unique = recipient.delivery_id if recipient.delivery_id is not None else f"test-{secrets.token_hex(6)}"
        lines = [
            f"Message-ID: <{self.uuid.hex}.{unique}@{self.domain}>",
            f"Date: {_written(timezone.now().replace(microsecond=0))}",
            f"To: {encode_mailbox('To', recipient.name, recipient.email.strip())}",
            f"Subject: {encode_text('Subject', subject)}",
            self.fixed,
            *(f"{name}: {value}" for name, value in self.personal(recipient, unsubscribe_url).items()),
        ]
        if unsubscribe_url:
            lines.append(f"List-Unsubscribe-Post: {ONE_CLICK}")
        return lines

    def personal(self, recipient: Recipient, unsubscribe_url: str) -> dict[str, str]:
        """What stands in this recipient's email alone, besides its addresses and its subject."""
        fields = {}
        if recipient.delivery_id is not None:
            fields["X-Delivery-Id"] = make_token(recipient.delivery_id, "bounce")
        if unsubscribe_url:
            fields["List-Unsubscribe"] = f"<{unsubscribe_url}>"
        return fields

    def common(self, *, offers_unsubscribing: bool) -> dict[str, str]:
        """The rest, for those who write the email themselves: ASCII without a name, which not all of them encode."""
        one_click = {"List-Unsubscribe-Post": ONE_CLICK} if offers_unsubscribing else {}
        return {"List-Id": self.list_id, **self.bulk, **one_click}
