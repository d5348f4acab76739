"""What a provider says about one email when it is handed over."""

import re
from dataclasses import dataclass
from typing import Any

LONGEST_TEXT, LONGEST_NAME = 2000, 200
# Some repeat the request, key and all, or give a page of HTML.
_TAGS = re.compile(r"<(script|style)\b.*?</\1>|<[^>]*>", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True)
class Said:
    """`status`: Anymail's word (sent, queued, rejected, invalid, failed, unknown), or "refused" for none of them."""

    status: str
    message_id: str | None
    code: int
    text: str


def text_of(response: Any) -> str:
    plain = _TAGS.sub(" ", response.text or "")
    return " ".join(plain.replace("\0", " ").split())[:LONGEST_TEXT]


def message_name(message_id: Any) -> str | None:
    """As it is kept with the delivery, where webhooks look for it."""
    return None if message_id is None else str(message_id)[:LONGEST_NAME]
