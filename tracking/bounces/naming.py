"""Which of our emails a report is about: by what we signed, never by an address."""

import re
from collections.abc import Iterator
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import getaddresses

from django.conf import settings

HEADER = "X-Delivery-Id"
RECIPIENT_HEADERS = ("X-Original-To", "Delivered-To", "Envelope-To", "To")
_IN_TEXT = re.compile(
    rb"^[ \t>]*X-Delivery-Id:[ \t]*([0-9A-Za-z]{1,13}\.[0-9A-Fa-f]{20})\b", re.IGNORECASE | re.MULTILINE
)
MOST_NAMES = 5
RETURNED_TYPES = {"text/rfc822-headers", "text/plain"}


def token_of_address(address: str) -> str:
    """From `b+<token>@<our bounce domain>`; empty for any other address."""
    local_part, _at, domain = address.strip().strip("<>").rpartition("@")
    prefix, _plus, token = local_part.partition("+")
    is_ours = prefix.lower() == "b" and domain.lower() == settings.BOUNCE_DOMAIN.lower()
    return token if is_ours else ""


def recipient_in(raw: bytes) -> str:
    """Of the addresses it names, the one that is ours; otherwise the likeliest, for whoever looks at it later."""
    message = BytesHeaderParser().parsebytes(raw)
    headers = [str(value) for name in RECIPIENT_HEADERS for value in message.get_all(name, [])]
    # One at a time: newer Pythons return nothing for all when one of them is malformed.
    addresses = [address for header in headers for _name, address in getaddresses([header]) if address]
    return next(filter(token_of_address, addresses), addresses[0] if addresses else "")


def returned_names(raw: bytes, message: Message) -> tuple[str, ...]:
    """From the email or its headers as the report gives them back; never from the report's own."""
    _own_headers, _blank, body = raw.replace(b"\r\n", b"\n").partition(b"\n\n")
    in_text = (name.decode() for name in _IN_TEXT.findall(body))
    return tuple(dict.fromkeys([*in_text, *_in_encoded_parts(message)]))[:MOST_NAMES]


def _in_encoded_parts(message: Message) -> Iterator[str]:
    for part in message.walk():
        encoding = str(part["Content-Transfer-Encoding"] or "").strip().lower()
        if encoding in {"base64", "quoted-printable"} and part.get_content_type() in RETURNED_TYPES:
            decoded = part.get_payload(decode=True)
            if isinstance(decoded, bytes):
                yield from (name.decode() for name in _IN_TEXT.findall(decoded))
