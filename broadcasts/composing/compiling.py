"""A broadcast made ready once per language, so that a recipient costs little more than filling in the fields."""

import binascii
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from broadcasts.composing.headers import Headers, Recipient
from broadcasts.composing.layout import Marks, preferences_url, render_html, render_text
from broadcasts.composing.merge_fields import Segments, cut_html, cut_text, field_values, one_line
from broadcasts.models import Broadcast, Content
from broadcasts.tokens import make_token

__all__ = ["CompiledBroadcast", "Recipient", "compile_broadcast"]

CRLF = "\r\n"
ASCII = bytes(range(128))
PLACE = "place-of-the-token"


@dataclass(frozen=True)
class _Bodies:
    html: Segments
    text: Segments


@dataclass(frozen=True)
class _Compiled:
    """One language."""

    subject: Segments
    tracked: _Bodies
    untracked: _Bodies


class CompiledBroadcast:
    def __init__(self, broadcast: Broadcast, contents: Mapping[str, _Compiled], default: _Compiled) -> None:
        self._broadcast = broadcast
        self._contents = contents
        self._default = default
        kind = broadcast.broadcast_type
        self._offers_unsubscribing = kind is not None and kind.is_families_choice
        # "=_" cannot occur in a quoted-printable or base64 body, so the boundary is safe and always the same.
        self._boundary = f"=_{broadcast.uuid.hex}"

    def subject_for(self, recipient: Recipient) -> str:
        return one_line(self._pick(recipient).subject.fill(self._values(recipient)))

    def html_for(self, recipient: Recipient) -> str:
        return self._bodies(recipient).html.fill(self._values(recipient))

    def text_for(self, recipient: Recipient) -> str:
        return self._bodies(recipient).text.fill(self._values(recipient))

    def message_for(self, recipient: Recipient, subject_prefix: str = "") -> bytes:
        """The complete message (RFC 5322): CRLF, 7 bits, not dot-stuffed. The same delivery, the same Message-ID."""
        subject = subject_prefix + self.subject_for(recipient)
        lines = [
            *self._headers.lines(recipient, subject, self._unsubscribe_url(recipient)),
            f'Content-Type: multipart/alternative; boundary="{self._boundary}"',
            "",
            *self._part("plain", self.text_for(recipient)),
            *self._part("html", self.html_for(recipient)),
            f"--{self._boundary}--",
            "",
        ]
        return CRLF.join(lines).encode("ascii")

    @cached_property
    def _preferences_url(self) -> str:
        return preferences_url(PLACE)

    @cached_property
    def _headers(self) -> Headers:
        return Headers(self._broadcast)

    def _pick(self, recipient: Recipient) -> _Compiled:
        """The recipient's language, else its base language ("es" for "es-MX"), else the default."""
        language = recipient.language.lower().replace("_", "-")
        return self._contents.get(language) or self._contents.get(language.partition("-")[0]) or self._default

    def _bodies(self, recipient: Recipient) -> _Bodies:
        compiled = self._pick(recipient)
        return compiled.untracked if recipient.delivery_id is None else compiled.tracked

    def _values(self, recipient: Recipient) -> dict[str, str]:
        values = field_values(recipient.name, recipient.email, self._broadcast.school.name)
        if recipient.delivery_id is not None:
            values["pixel token"] = make_token(recipient.delivery_id, "pixel")
            values["preferences token"] = make_token(recipient.delivery_id, "preferences")
        return values

    def _unsubscribe_url(self, recipient: Recipient) -> str:
        if recipient.delivery_id is None or not self._offers_unsubscribing:
            return ""
        return self._preferences_url.replace(PLACE, make_token(recipient.delivery_id, "preferences"))

    def _part(self, subtype: str, body: str) -> list[str]:
        encoding, encoded = _encode(body)
        return [
            f"--{self._boundary}",
            f'Content-Type: text/{subtype}; charset="utf-8"',
            f"Content-Transfer-Encoding: {encoding}",
            "",
            encoded,
        ]


def compile_broadcast(broadcast: Broadcast) -> CompiledBroadcast:
    """Also for a draft that is not complete: only `message_for` needs a sender."""
    contents = list(broadcast.contents.order_by("-is_default", "pk"))
    compiled = {
        content.language.lower(): _compile(broadcast, content)
        for content in contents or [Content(broadcast=broadcast)]
    }
    return CompiledBroadcast(broadcast, compiled, default=next(iter(compiled.values())))


def _compile(broadcast: Broadcast, content: Content) -> _Compiled:
    return _Compiled(
        subject=cut_text(content.subject),
        tracked=_compile_bodies(
            broadcast, content, Marks(f"pixel{secrets.token_hex(12)}", f"preferences{secrets.token_hex(12)}")
        ),
        untracked=_compile_bodies(broadcast, content, Marks()),
    )


def _compile_bodies(broadcast: Broadcast, content: Content, marks: Marks) -> _Bodies:
    names = {marks.pixel: "pixel token", marks.preferences: "preferences token"} if marks.pixel else {}
    return _Bodies(
        html=cut_html(render_html(broadcast, content, marks), names),
        text=cut_text(render_text(broadcast, content, marks), names),
    )


def _encode(body: str) -> tuple[str, str]:
    """7-bit form with lines of at most 76 characters: readable where the text is mostly ASCII, else short."""
    lines = body.replace(CRLF, "\n").replace("\r", "\n").rstrip("\n") + "\n"
    data = lines.replace("\n", CRLF).encode()
    if len(data.translate(None, ASCII)) * 6 > len(data):
        encoded = binascii.b2a_base64(data, newline=False).decode()
        return "base64", CRLF.join(encoded[at : at + 76] for at in range(0, len(encoded), 76))
    return "quoted-printable", binascii.b2a_qp(data, istext=True).decode()
