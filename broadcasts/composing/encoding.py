"""A body cut at its fields, encoded for the wire once: a recipient costs the encoding of the values alone.

Both encodings (RFC 2045 sections 6.7 and 6.8) are written so that a value may stand anywhere: in quoted-printable
between two soft line breaks; in base64 together with the few bytes around it that share its groups of three.
"""

import binascii
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from broadcasts.composing.merge_fields import Escape, Segments

CRLF = b"\r\n"
SOFT_BREAK = b"=\r\n"
ASCII = bytes(range(128))
LINE = 57  # bytes that make 76 characters of base64

Slot = tuple[str, Escape]


class EncodedBody(Protocol):
    """Content-Transfer-Encoding, and the pieces of the encoded body, which ends with a line break."""

    encoding: str

    def pieces(self, values: Mapping[str, str]) -> Iterable[bytes]: ...


def encode_body(body: Segments) -> EncodedBody:
    """Readable where the text is mostly ASCII, else short: 7 bits, lines of at most 76 characters."""
    literals = _end_once([_as_lines(literal) for literal in body.literals])
    data = b"".join(literals)
    if len(data.translate(None, ASCII)) * 6 > len(data):
        return Base64(literals, body.slots)
    return QuotedPrintable(literals, body.slots)


def _as_lines(text: str) -> bytes:
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n").encode()


def _end_once(literals: list[bytes]) -> list[bytes]:
    """One line break at the end, however many there were."""
    return [*literals[:-1], literals[-1].rstrip(CRLF) + CRLF]


class QuotedPrintable:
    encoding = "quoted-printable"

    def __init__(self, literals: list[bytes], slots: tuple[Slot, ...]) -> None:
        *before, last = map(_quote, literals)
        # A value begins its own line, whatever stands before it.
        self._literals = [*map(_break_softly, before), last]
        # The same field in the same place of the language (text, URL ...) is encoded once, however often it stands.
        self._distinct = tuple(dict.fromkeys(slots))
        self._order = tuple(self._distinct.index(slot) for slot in slots)

    def pieces(self, values: Mapping[str, str]) -> list[bytes]:
        encoded = [_quote(escaped(values[name]).encode()) + SOFT_BREAK for name, escaped in self._distinct]
        pieces = [b""] * (2 * len(self._literals) - 1)
        pieces[::2] = self._literals
        pieces[1::2] = [encoded[place] for place in self._order]
        return pieces


def _quote(data: bytes) -> bytes:
    """Lines of at most 76 characters, the last one with no line break of its own."""
    quoted = binascii.b2a_qp(data, istext=True)
    # Without a line break in the data, the soft ones are those of Unix.
    return quoted.replace(b"=\n", SOFT_BREAK) if b"\n" in quoted else quoted


def _break_softly(quoted: bytes) -> bytes:
    return quoted if not quoted or quoted.endswith(CRLF) else quoted + SOFT_BREAK


@dataclass(frozen=True, slots=True)
class _Cut:
    """A literal whose first bytes complete the group before it: the middle is encoded, the tail waits."""

    head: bytes
    middle: bytes
    tail: bytes


class Base64:
    encoding = "base64"

    def __init__(self, literals: list[bytes], slots: tuple[Slot, ...]) -> None:
        self._first = _cut(literals[0], 0)
        self._rest = tuple(
            (slot, tuple(_cut(literal, head) for head in range(3)))
            for slot, literal in zip(slots, literals[1:], strict=True)
        )

    def pieces(self, values: Mapping[str, str]) -> Iterator[bytes]:
        yield self._first.middle
        waiting = self._first.tail
        for (name, escaped), cuts in self._rest:
            waiting += escaped(values[name]).encode()
            cut = cuts[-len(waiting) % 3]
            # A literal shorter than its share leaves an open group, which the next value closes.
            waiting += cut.head
            whole = len(waiting) - len(waiting) % 3
            yield _wrap(waiting[:whole])
            yield cut.middle
            waiting = waiting[whole:] + cut.tail
        yield _wrap(waiting)


def _cut(literal: bytes, head: int) -> _Cut:
    rest = literal[head:]
    whole = len(rest) - len(rest) % 3
    return _Cut(literal[:head], _wrap(rest[:whole]), rest[whole:])


def _wrap(data: bytes) -> bytes:
    if len(data) <= LINE:
        return binascii.b2a_base64(data, newline=False) + CRLF if data else b""
    lines = (data[at : at + LINE] for at in range(0, len(data), LINE))
    return b"".join(binascii.b2a_base64(line, newline=False) + CRLF for line in lines)
