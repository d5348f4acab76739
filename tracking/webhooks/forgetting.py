"""What is kept of a provider's words without what tells where a reader is and what they read with."""

import json
import re
from collections.abc import Callable
from functools import lru_cache
from ipaddress import ip_address
from typing import Any

from tracking.opens import program_of

# Deeper ones than any provider's are not looked into, and not kept either.
DEEPEST = 40
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_IP = {"ip", "ips", "ipaddress", "ipv", "geoip", "xoriginatingip"}
_PLACE = {
    "geo", "geoip", "geolocation", "location", "city", "region", "country", "countrycode", "latitude", "longitude",
    "lat", "lon", "zip", "postalcode", "timezone",
}  # fmt: skip
_AGENT = {"useragent", "agent", "xuseragent", "httpuseragent"}
# Where the text is no JSON: addresses, and what programs call themselves.
_IN_TEXT = re.compile(
    r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])"
    r"|(?<![\w:])(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}(?![\w:])"
    r"|(?<![\w:])(?:[0-9a-f]{1,4}:){1,7}:(?:[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){0,6})?(?![\w:])"
    r"|(?<![\w%])(?:[0-9a-f]{1,4}%3a){2,7}(?:%3a)?(?:[0-9a-f]{1,4}(?:%3a[0-9a-f]{1,4})*)?"
    r"|\b(?:mozilla|opera|dalvik)(?:/|%2f)[^\"'&\\<>\r\n]*",
    re.IGNORECASE,
)
_NAMED_IN_TEXT = re.compile(
    r"((?:user[_-]?agent|city|region|country|latitude|longitude|postal[_-]?code|zip)\\{0,8}\"?\s*[:=]\s*\\{0,8}\"?)[^\"&\\\r\n]*",
    re.IGNORECASE,
)


def forget_readers(said: Any, depth: int = 0) -> Any:
    """The same, JSON as Python reads it, with addresses and places empty and programs by their family's name.

    It means the same when it is read again: a family's name is known as its program (`tracking.opens`).
    """
    if depth > DEEPEST:
        return None
    if isinstance(said, dict):
        return {name: _kept(str(name), value, depth) for name, value in said.items()}
    if isinstance(said, list):
        return [forget_readers(one, depth + 1) for one in said]
    return _text(said, depth) if isinstance(said, str) else said


def forget_in_text(text: str) -> str:
    """The same of what cannot be taken apart."""
    return _IN_TEXT.sub("", _NAMED_IN_TEXT.sub(r"\1", text))


def _kept(name: str, value: Any, depth: int) -> Any:
    treat = _treatment(name[:80])
    return treat(value) if treat else forget_readers(value, depth + 1)


@lru_cache(maxsize=2048)  # names are strangers' words
def _treatment(name: str) -> Callable[[Any], Any] | None:
    words = [word.lower() for word in _WORDS.findall(name)]
    joined = "".join(words)
    if joined in _AGENT:
        return _family
    if _IP.intersection((*words, joined)) or _PLACE.intersection((*words[:1], joined)) or joined == "useragentparsed":
        return _empty
    return None


def _empty(value: Any) -> Any:
    """Of the same kind: what reads it must not stumble. A flag tells nobody's place (SparkPost's is_prefetched)."""
    if isinstance(value, dict):
        return {name: one for name, one in value.items() if isinstance(one, bool)}
    if isinstance(value, list):
        return [_empty(one) for one in value]
    return "" if isinstance(value, str) else None


def _family(value: Any) -> Any:
    if isinstance(value, list):  # a field of a form
        return [_family(one) for one in value]
    return program_of(value[:1000]).family if isinstance(value, str) else _empty(value)


def _text(text: str, depth: int) -> str:
    if text[:1] in ("{", "["):
        try:
            return json.dumps(forget_readers(json.loads(text), depth + 1))
        except (ValueError, RecursionError):
            return forget_in_text(text)
    return "" if _is_address(text) else text


def _is_address(text: str) -> bool:
    if not 2 < len(text) < 50:
        return False
    try:
        ip_address(text.strip())
    except ValueError:
        return False
    return True
