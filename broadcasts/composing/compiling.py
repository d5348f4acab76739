"""A broadcast made ready once per language, so that a recipient costs little more than filling in the fields."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from uuid import UUID

from broadcasts.composing.encoding import CRLF, EncodedBody, encode_body
from broadcasts.composing.framing import Files, Frame
from broadcasts.composing.headers import Headers, Recipient
from broadcasts.composing.layout import Marks, preferences_url, render_html, render_text
from broadcasts.composing.merge_fields import Segments, cut_html, cut_text, field_values, one_line
from broadcasts.composing.pictures import as_parts, shown_pictures
from broadcasts.models import Broadcast, Content
from broadcasts.tokens import make_token

__all__ = ["CompiledBroadcast", "Recipient", "Texts", "compile_broadcast"]

PLACE = "place-of-the-token"

Widths = Mapping[UUID, int | None]


@dataclass(frozen=True)
class _Bodies:
    html: Segments
    text: Segments

    @cached_property
    def encoded(self) -> tuple[tuple[str, EncodedBody], ...]:
        """Both for the wire, the one that mail programs prefer last (RFC 2046 section 5.1.4)."""
        return ("plain", encode_body(self.text)), ("html", encode_body(self.html))


@dataclass(frozen=True)
class Texts:
    """What the emails of one language have in common."""

    subject: Segments
    text: Segments
    html: Segments
    pictures: frozenset[UUID]  # those of our own that stand in it


@dataclass(frozen=True)
class _Compiled:
    """One language."""

    subject: Segments
    tracked: _Bodies
    untracked: _Bodies
    pictures: frozenset[UUID]

    @cached_property
    def texts(self) -> Texts:
        return Texts(self.subject, self.tracked.text, self.tracked.html, self.pictures)


class CompiledBroadcast:
    def __init__(self, broadcast: Broadcast, contents: Mapping[str, _Compiled], default: _Compiled) -> None:
        self.broadcast = broadcast
        self._contents = contents
        self._default = default
        kind = broadcast.broadcast_type
        self._offers_unsubscribing = kind is not None and kind.is_families_choice
        self._frames: dict[frozenset[UUID], Frame] = {}

    def subject_for(self, recipient: Recipient) -> str:
        return one_line(self._pick(recipient).subject.fill(self.values_for(recipient)))

    def html_for(self, recipient: Recipient) -> str:
        """Pictures of our own stand in it as `cid:`: see `composing.pictures.as_pages` for a page."""
        return self._bodies(recipient).html.fill(self.values_for(recipient))

    def text_for(self, recipient: Recipient) -> str:
        return self._bodies(recipient).text.fill(self.values_for(recipient))

    def message_for(self, recipient: Recipient, subject_prefix: str = "") -> bytes:
        """The complete message (RFC 5322): CRLF, not dot-stuffed. The same delivery, the same Message-ID.

        7 bits, but for To: where the address itself has other letters (RFC 6532).
        """
        values, compiled = self.values_for(recipient), self._pick(recipient)
        frame = self._frames.get(compiled.pictures) or self._make_frame(compiled.pictures)
        subject = subject_prefix + one_line(compiled.subject.fill(values))
        head = "\r\n".join(self._headers.lines(recipient, subject, self._unsubscribe_url(values)))
        pieces = [head.encode(), CRLF, frame.opening]
        for subtype, body in self._bodies(recipient).encoded:
            pieces += (frame.part(subtype, body.encoding), *body.pieces(values))
        pieces += frame.closing
        return b"".join(pieces)

    # --- for those who put the email together themselves (a provider's API) ---------------------------------

    def texts_for(self, recipient: Recipient) -> Texts:
        """The same object for everybody of the same language."""
        return self._pick(recipient).texts

    def common_headers(self) -> dict[str, str]:
        return self._headers.common(offers_unsubscribing=self._offers_unsubscribing)

    def personal_headers(self, recipient: Recipient, values: Mapping[str, str]) -> dict[str, str]:
        return self._headers.personal(recipient, self._unsubscribe_url(values))

    # --- parts ----------------------------------------------------------------------------------------------

    @cached_property
    def _files(self) -> Files:
        """Read when the first message is built: a preview has no use for them."""
        return Files(self.broadcast)

    def _make_frame(self, pictures: frozenset[UUID]) -> Frame:
        frame = self._frames[pictures] = Frame(self.broadcast.uuid.hex, self._files, pictures)
        return frame

    @cached_property
    def _preferences_url(self) -> str:
        return preferences_url(PLACE)

    @cached_property
    def _headers(self) -> Headers:
        return Headers(self.broadcast)

    def _pick(self, recipient: Recipient) -> _Compiled:
        """The recipient's language, else its base language ("es" for "es-MX"), else the default."""
        language = recipient.language.lower().replace("_", "-")
        return self._contents.get(language) or self._contents.get(language.partition("-")[0]) or self._default

    def _bodies(self, recipient: Recipient) -> _Bodies:
        compiled = self._pick(recipient)
        return compiled.untracked if recipient.delivery_id is None else compiled.tracked

    def values_for(self, recipient: Recipient) -> dict[str, str]:
        values = field_values(recipient.name, recipient.email, self.broadcast.school.name)
        if recipient.delivery_id is not None:
            values["pixel token"] = make_token(recipient.delivery_id, "pixel")
            values["preferences token"] = make_token(recipient.delivery_id, "preferences")
        return values

    def _unsubscribe_url(self, values: Mapping[str, str]) -> str:
        token = values.get("preferences token")
        return self._preferences_url.replace(PLACE, token) if token and self._offers_unsubscribing else ""


def compile_broadcast(broadcast: Broadcast) -> CompiledBroadcast:
    """Also for a draft that is not complete: only `message_for` needs a sender."""
    contents = list(broadcast.contents.order_by("-is_default", "pk"))
    widths = dict(broadcast.attachments.pictures().values_list("picture_id", "width"))
    compiled = {
        content.language.lower(): _compile(broadcast, content, widths)
        for content in contents or [Content(broadcast=broadcast)]
    }
    return CompiledBroadcast(broadcast, compiled, default=next(iter(compiled.values())))


def _compile(broadcast: Broadcast, content: Content, widths: Widths) -> _Compiled:
    marks = Marks(f"pixel{secrets.token_hex(12)}", f"preferences{secrets.token_hex(12)}")
    return _Compiled(
        subject=cut_text(content.subject),
        tracked=_compile_bodies(broadcast, content, marks, widths),
        untracked=_compile_bodies(broadcast, content, Marks(), widths),
        pictures=shown_pictures(content.body_html, broadcast.pk).intersection(widths),
    )


def _compile_bodies(broadcast: Broadcast, content: Content, marks: Marks, widths: Widths) -> _Bodies:
    names = {marks.pixel: "pixel token", marks.preferences: "preferences token"} if marks.pixel else {}
    html = as_parts(render_html(broadcast, content, marks), broadcast.pk, widths)
    return _Bodies(html=cut_html(html, names), text=cut_text(render_text(broadcast, content, marks), names))
