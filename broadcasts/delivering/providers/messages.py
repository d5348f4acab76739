"""What goes to the provider: the broadcast as Anymail's message, for one recipient or with places for many.

No name and no address goes into metadata, tags or headers: only our own token, which means nothing to anybody else.
"""

from collections.abc import Iterable, Sequence
from email.mime.image import MIMEImage
from functools import cached_property
from typing import Any
from uuid import UUID

from anymail.message import AnymailMessage  # type: ignore[import-untyped]
from django.conf import settings

from broadcasts.composing.compiling import CompiledBroadcast, Texts
from broadcasts.composing.framing import content_of
from broadcasts.composing.headers import envelope_sender
from broadcasts.composing.pictures import content_id
from broadcasts.delivering.claiming import Job
from broadcasts.delivering.providers.addresses import KnownAddress
from broadcasts.delivering.providers.places import PlacedTexts, has_opening, place_texts
from broadcasts.delivering.providers.table import Provider
from broadcasts.models import Attachment
from broadcasts.tokens import make_token

# Webhooks give it back (tracking/webhooks/understanding.py).
METADATA, PURPOSE = "delivery", "webhook"


class Messages:
    """Makes the messages of one broadcast. Used by many threads at once: it only reads."""

    def __init__(self, compiled: CompiledBroadcast, provider: Provider) -> None:
        self.compiled, self.provider = compiled, provider
        self._placed: dict[int, PlacedTexts] = {}
        # Here and not when first needed: threads have no database connection of their own to close.
        self._common = compiled.common_headers()
        self._files = [_file(one) for one in compiled.broadcast.attachments.files()]
        pictures = compiled.broadcast.attachments.pictures()
        self._pictures = {one.picture_id: self._picture(one) for one in pictures}

    @property
    def per_request(self) -> int:
        """Of whole emails each has its own copy of the files, and some providers take none in a batch."""
        has_copies = self.provider.syntax is None and bool(self._files or self._pictures)
        return 1 if has_copies else self.provider.per_request

    def _picture(self, file: Attachment) -> tuple[Any, ...]:
        if not self.provider.shows_pictures:
            return _file(file)
        part = MIMEImage(content_of(file), file.content_type.partition("/")[2])
        part["Content-ID"] = f"<{content_id(file.picture_id)}>"
        part.add_header("Content-Disposition", "inline", filename=file.filename)
        return (part,)

    def texts_of(self, job: Job) -> Texts:
        """Only emails with the same texts share a request."""
        return self.compiled.texts_for(job.recipient)

    def whole(self, job: Job) -> AnymailMessage:
        """For one recipient, every field filled in."""
        recipient = job.recipient
        values, texts = self.compiled.values_for(recipient), self.compiled.texts_for(recipient)
        message = self._message(
            self.compiled.subject_for(recipient), texts.text.fill(values), texts.html.fill(values), texts.pictures
        )
        message.to = [self._address(job)]
        message.extra_headers |= self.compiled.personal_headers(recipient, values)
        if self.provider.has_metadata:
            message.metadata = {METADATA: make_token(job.pk, PURPOSE)}
        if self.provider.takes_envelope_sender and settings.BOUNCE_DOMAIN:
            message.envelope_sender = envelope_sender(self.compiled.broadcast, make_token(job.pk, "bounce"))
        return message

    def placed(self, jobs: Sequence[Job]) -> AnymailMessage:
        """One text with places, and for each recipient what belongs there. All of them have the same texts."""
        pictures = self.texts_of(jobs[0]).pictures
        texts = self._place(self.texts_of(jobs[0]))
        message = self._message(texts.subject, texts.text, texts.html, pictures)
        message.to = []
        message.merge_data, message.merge_headers, message.merge_metadata = {}, {}, {}
        for job in jobs:
            recipient, address = job.recipient, self._address(job)
            values = self.compiled.values_for(recipient)
            message.to.append(address)
            message.merge_data[address.addr_spec] = texts.values_for(values)
            message.merge_headers[address.addr_spec] = self.compiled.personal_headers(recipient, values)
            message.merge_metadata[address.addr_spec] = {METADATA: make_token(job.pk, PURPOSE)}
        return message

    def _place(self, texts: Texts) -> PlacedTexts:
        # Two threads may do the same work once; they come to the same.
        if id(texts) not in self._placed and self.provider.syntax:
            self._placed[id(texts)] = place_texts(texts, self.provider.syntax)
        return self._placed[id(texts)]

    def _message(self, subject: str, text: str, html: str, pictures: Iterable[UUID]) -> Any:
        message = AnymailMessage(subject=subject, body=text, from_email=self._from)
        message.attach_alternative(html, "text/html")
        message.extra_headers = dict(self._common)
        message.reply_to = self._reply_to
        for file in self._files:
            message.attach(*file)
        for picture in pictures:
            if picture in self._pictures:
                message.attach(*self._pictures[picture])
        if self.provider.has_tracking_switch:
            # A rewritten link would lead people, and one-click unsubscribing, through somebody else's machine.
            message.track_opens, message.track_clicks = settings.PROVIDER_TRACKS_OPENS, False
        if self.provider.extra:
            message.esp_extra = {**self.provider.extra}
        return message

    @cached_property
    def _from(self) -> str:
        sender = self.compiled.broadcast.sender
        if sender is None:
            raise ValueError("A broadcast without a sender cannot be sent.")
        name = "" if has_opening(sender.name, self.provider.syntax) else sender.name
        return KnownAddress(name, sender.address).format()

    @cached_property
    def _reply_to(self) -> list[KnownAddress]:
        sender = self.compiled.broadcast.sender
        return [KnownAddress("", sender.reply_to)] if sender and sender.reply_to else []

    def _address(self, job: Job) -> KnownAddress:
        # The provider writes this header and may look for places in it.
        name = "" if has_opening(job.name, self.provider.syntax) else job.name
        return KnownAddress(name, job.email)


def _file(file: Attachment) -> tuple[str, bytes, str]:
    return file.filename, content_of(file), file.content_type
