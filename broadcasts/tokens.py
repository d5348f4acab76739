"""Opaque names for a delivery that outsiders may hold: in the pixel, the unsubscribe link, the envelope.

`<delivery id in base 36>.<keyed BLAKE2 digest>`: cannot be guessed, reveals no address, does not expire, and is
checked without the database. Lower-case letters and digits only, for mail servers that change case.
"""

import hmac
from functools import cache
from hashlib import blake2s

from django.conf import settings
from django.utils.http import base36_to_int, int_to_base36

DIGEST_BYTES = 10  # 80 bits; the local part of an address has room for 64 characters (RFC 5321 section 4.5.3.1.1)


@cache
def _key(secret: str) -> bytes:
    return blake2s(b"broadcasts.tokens" + secret.encode()).digest()


@cache
def _begun(purpose: str, secret: str) -> "blake2s":
    """Every digest of this purpose begins like this: it is copied."""
    return blake2s(f"{purpose}:".encode(), key=_key(secret), digest_size=DIGEST_BYTES)


def _digest(purpose: str, name: str) -> str:
    digest = _begun(purpose, settings.SECRET_KEY).copy()
    digest.update(name.encode())
    return digest.hexdigest()


def make_token(delivery_id: int, purpose: str) -> str:
    """`purpose` keeps the tokens of one door from opening another: "pixel", "preferences", "bounce"."""
    name = int_to_base36(delivery_id)
    return f"{name}.{_digest(purpose, name)}"


def read_token(token: str, purpose: str) -> int | None:
    """The delivery's id, or None for whatever we did not make for this purpose."""
    if not token.isascii():
        return None
    name, _, digest = token.lower().partition(".")
    if not name.isalnum() or not name.isascii() or len(name) > 13:
        return None
    if not hmac.compare_digest(digest.encode(), _digest(purpose, name).encode()):
        return None
    return base36_to_int(name)
