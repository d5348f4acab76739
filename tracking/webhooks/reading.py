"""The body of a POST: read before anybody waits for it, on disk when it is long, and taken apart one at a time."""

import codecs
import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from tempfile import SpooledTemporaryFile
from threading import Lock
from typing import Any
from urllib.parse import unquote_to_bytes

from django.http import HttpRequest, QueryDict, UnreadablePostError

from tracking.webhooks.memory import give_back, keep_no_long_blocks
from tracking.webhooks.refusing import Reason, Refused

# Longer ones are looked at one after the other: while it is taken apart, a POST needs ten times its length.
LONG = 256 * 1024
_one_at_a_time = Lock()
# Whoever waits keeps a thread from everybody else; providers come again.
MOST_WAITING_SECONDS = 5.0
# SendGrid's and Mandrill's 1,000 events are below 3 MB; an email that comes in by a provider may have attachments.
MOST_BYTES = 5 * 1024 * 1024
# SparkPost: up to 10,000 events of 1 to 1.6 kB. They are never all in memory (`events_of_list`).
MOST_BYTES_OF = {"sparkpost": 16 * 1024 * 1024, "amazon_ses": 512 * 1024}  # Amazon SNS: 256 kB, proven in other words
# Providers give up after 5 to 30 seconds.
MOST_SECONDS = 60
GULP = 16 * 1024
# As many as Django takes of a form.
MOST_FIELDS = 1_000
# A server may answer for as much as is asked only: small, so that the time is looked at.
SIP = 4 * 1024
LONGEST_LENGTH = 12
log = logging.getLogger(__name__)


class BusyError(Exception):
    """Other long ones have the turn."""


@contextmanager
def body_read(slug: str, request: HttpRequest) -> Iterator[None]:
    """Within it `request.body` is there. A slow sender holds up nobody, and many at once do not fill the memory."""
    most = MOST_BYTES_OF.get(slug, MOST_BYTES)
    is_form = request.content_type == "application/x-www-form-urlencoded"
    most = min(most, MOST_BYTES) if is_form else most
    announced = request.META.get("CONTENT_LENGTH") or "0"
    if not announced.isdecimal() or len(announced) > LONGEST_LENGTH or int(announced) > most:
        raise Refused(Reason.TOO_LONG, f"{announced[:LONGEST_LENGTH]} bytes are announced")
    with SpooledTemporaryFile(LONG) as kept:
        length = _read(request, kept)
        if length < int(announced):
            raise Refused(Reason.MALFORMED, "it was cut off on the way")
        is_long = length > LONG
        with _turn() if is_long else nullcontext():
            kept.seek(0)
            request._body = kept.read()  # noqa: SLF001 - as Django does, which has one bound for all
            if is_form:
                request.POST = _form(request.body)  # type: ignore[assignment]
            try:
                yield
            finally:
                if is_long:
                    _give_back(request)


@contextmanager
def _turn() -> Iterator[None]:
    if not _one_at_a_time.acquire(timeout=MOST_WAITING_SECONDS):
        raise BusyError
    try:
        keep_no_long_blocks()
        yield
    finally:
        _one_at_a_time.release()


def _read(request: HttpRequest, kept: "SpooledTemporaryFile[bytes]") -> int:
    """Django reads no more than was announced."""
    start = time.monotonic()
    try:
        while gulp := request.read(SIP):
            kept.write(gulp)
            if time.monotonic() - start > MOST_SECONDS:
                raise Refused(Reason.TOO_SLOW, f"it took more than {MOST_SECONDS} seconds")
    except UnreadablePostError:
        log.info("The sender of a POST has gone")
    return kept.tell()


def _give_back(request: HttpRequest) -> None:
    """What a long one needed, at once: else it lies about until some later request needs memory of its own."""
    request._body = b""  # noqa: SLF001
    request.POST = QueryDict()
    give_back()


def _form(body: bytes) -> QueryDict:
    """As Django reads it, which needs 60 MB for a megabyte of %XX."""
    form = QueryDict(mutable=True)
    for pair in body.split(b"&", MOST_FIELDS)[:MOST_FIELDS]:
        name, _, value = pair.partition(b"=")
        if pair:
            form.appendlist(_unquoted(name), _unquoted(value))
    return form


def _unquoted(raw: bytes) -> str:
    parts, at, raw = [], 0, raw.replace(b"+", b" ")
    while at < len(raw):
        end = at + GULP
        cut = raw.rfind(b"%", end - 2, end)  # an escape stays whole
        end = end if cut < 0 else cut
        parts.append(unquote_to_bytes(raw[at:end]))
        at = end
    return b"".join(parts).decode("utf-8", "replace")


def events_of_list(body: bytes) -> Iterator[Any]:
    """The items of a JSON list, each when it is asked for; one item where the body is no list."""
    if body.lstrip()[:1] != b"[":
        yield json.loads(body)
        return
    text = _Text(body)
    text.skip("[")
    if text.next() == "]":
        text.skip("]")
    else:
        yield text.value()
        while text.next() == ",":
            text.skip(",")
            yield text.value()
        text.skip("]")
    if text.next():
        raise ValueError("there is more after the list")


class _Text:
    """UTF-8 that is decoded as far as it is read."""

    def __init__(self, body: bytes) -> None:
        self._body, self._taken = body, 0
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._json = json.JSONDecoder()
        self._text, self._at = "", 0

    def next(self) -> str:
        """The next sign that is no blank; empty at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in " \t\r\n":
                self._at += 1
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more(GULP):
                return ""

    def skip(self, sign: str) -> None:
        if self.next() != sign:
            raise ValueError(f"a {sign} is missing")
        self._at += 1

    def value(self) -> Any:
        self.next()
        size = GULP
        while True:
            try:
                value, end = self._json.raw_decode(self._text, self._at)
            except json.JSONDecodeError:
                # Not all of it is there yet, or it is wrong. Each time twice as much: never more than twice the work.
                if not self._more(size):
                    raise
                size *= 2
                continue
            # A number may go on.
            if end < len(self._text) or not self._more(GULP):
                self._at = end
                return value

    def _more(self, size: int) -> bool:
        if self._taken >= len(self._body):
            return False
        some = self._body[self._taken : self._taken + size]
        self._taken += len(some)
        more = self._decoder.decode(some, self._taken >= len(self._body))
        self._text, self._at = self._text[self._at :] + more, 0
        return True
