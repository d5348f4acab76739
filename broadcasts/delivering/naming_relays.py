"""The mail servers that MAIL_URL names, and how much each of them is to carry."""

from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit, urlunsplit

WISHES = ("weight", "connections", "per_minute")


@dataclass(frozen=True, slots=True)
class Relay:
    """`url`: without our own wishes. `connections`: at most so many of each worker."""

    url: str
    weight: int = 1
    connections: int | None = None
    per_minute: int | None = None

    @property
    def name(self) -> str:
        """For people and for rows shared by all workers: no password in it."""
        parts = urlsplit(self.url)
        return f"{parts.hostname or parts.scheme}:{parts.port}" if parts.port else parts.hostname or parts.scheme

    @property
    def allowance(self) -> str:
        return f"relay:{self.name}"


def read_relays(mail_url: str) -> list[Relay]:
    """MAIL_URL: one address or several with blanks between them. Raises ValueError, in words, for an odd wish."""
    return [_read_relay(url) for url in mail_url.split()]


def _read_relay(url: str) -> Relay:
    parts = urlsplit(url)
    asked = dict(parse_qsl(parts.query, keep_blank_values=True))
    for name, value in asked.items():
        if name not in WISHES:
            raise ValueError(f"{name} is nothing that can be asked of a mail server; {', '.join(WISHES)} are.")
        if not value.isdecimal() or int(value) < 1:
            raise ValueError(f"{name} is a whole number from 1 on, not “{value}”.")
    return Relay(urlunsplit(parts._replace(query="")), **{name: int(value) for name, value in asked.items()})
