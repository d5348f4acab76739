"""Pictures of our own inside a message: on our pages an address, in the email a part of it (RFC 2392)."""

import re
import struct
from collections.abc import Callable, Iterator, Mapping
from html import escape
from uuid import UUID

from django.conf import settings
from django.urls import reverse

# The layout's sheet without its padding. Outlook shows a picture in its full width unless it is told.
LARGEST_WIDTH = 552
_PATH = re.compile(r"/broadcasts/(\d{1,18})/pictures/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/")
# As nh3 and css-inline write it: every attribute in double quotes.
_IMAGE = re.compile(r"<img(?:[^\"<>]|\"[^\"]*\")*>")
_SOURCE = re.compile(r"\ssrc=\"([^\"]*)\"")
_WORDS = re.compile(r"\salt=\"[^\"]*[^\"\s][^\"]*\"")
_PART = re.compile(r"cid:([0-9a-f]{32})@messenger")


def picture_path(broadcast_id: int, picture_id: UUID) -> str:
    return reverse("broadcasts:broadcast-picture", args=[broadcast_id, picture_id])


def own_path(address: str) -> str:
    """The path of a picture of ours, however a browser wrote its address; else empty."""
    path = address.strip().removeprefix(settings.SITE_URL)
    return path if _PATH.fullmatch(path) else ""


def content_id(picture_id: UUID) -> str:
    return f"{picture_id.hex}@messenger"


def image_tag(broadcast_id: int, picture_id: UUID, alternative: str) -> str:
    return f'<img src="{picture_path(broadcast_id, picture_id)}" alt="{escape(alternative)}">'


def shown_pictures(html: str, broadcast_id: int) -> frozenset[UUID]:
    return frozenset(found for _tag, owner, found in _find(html) if owner == broadcast_id)


def is_of_another_broadcast(html: str, broadcast_id: int) -> bool:
    return any(owner != broadcast_id for _tag, owner, _found in _find(html))


def has_picture_without_words(html: str) -> bool:
    return any(not _WORDS.search(tag) for tag, _owner, _found in _find(html))


def without_picture(html: str, broadcast_id: int, picture_id: UUID) -> str:
    """A paragraph that held nothing else goes with it."""

    def drop(tag: str, owner: int, found: UUID) -> str:
        return "" if (owner, found) == (broadcast_id, picture_id) else tag

    changed = _replace(html, drop)
    return changed if changed == html else changed.replace("<p></p>", "").strip()


def as_parts(html: str, broadcast_id: int, widths: Mapping[UUID, int | None]) -> str:
    """For the email: pictures name the parts that carry them; one that the broadcast does not have is left out."""

    def name_part(tag: str, owner: int, found: UUID) -> str:
        if owner != broadcast_id or found not in widths:
            return ""
        width = widths[found]
        limit = f' width="{min(width, LARGEST_WIDTH)}"' if width and " width=" not in tag else ""
        return _SOURCE.sub(f' src="cid:{content_id(found)}"{limit}', tag)

    return _replace(html, name_part)


def as_pages(html: str, address_of: Callable[[UUID], str]) -> str:
    """An email for a page of ours, where a browser knows no parts."""
    return _PART.sub(lambda found: address_of(UUID(found[1])), html)


def _find(html: str) -> Iterator[tuple[str, int, UUID]]:
    for tag in _IMAGE.findall(html):
        source = _SOURCE.search(tag)
        path = _PATH.fullmatch(source[1]) if source else None
        if path:
            yield tag, int(path[1]), UUID(path[2])


def _replace(html: str, change: Callable[[str, int, UUID], str]) -> str:
    def answer(match: re.Match[str]) -> str:
        return next((change(*found) for found in _find(match[0])), match[0])

    return _IMAGE.sub(answer, html)


def width_of(content: bytes) -> int | None:
    """In pixels, of PNG, GIF and JPEG; None where the file does not say."""
    try:
        if content.startswith(b"\x89PNG"):
            return int(struct.unpack(">I", content[16:20])[0])
        if content.startswith(b"GIF8"):
            return int(struct.unpack("<H", content[6:8])[0])
        return _width_of_jpeg(content)
    except struct.error:
        return None


def _width_of_jpeg(content: bytes) -> int | None:
    """Segments follow each other, each with its length, up to a frame header (ITU T.81, section B.2.2)."""
    at = 2
    while content[at : at + 1] == b"\xff":
        marker, length = struct.unpack(">BH", content[at + 1 : at + 4])
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return int(struct.unpack(">H", content[at + 7 : at + 9])[0])
        at += 2 + length
    return None
