"""What stands around and between the parts of a message (RFC 2046, 2387), and files encoded once for all recipients.

    multipart/mixed( multipart/related( multipart/alternative( text, html ), pictures ), files )

as far as there are any. No line of it begins with a dot: it never has to be stuffed.
"""

import binascii
from collections.abc import Collection, Iterable, Mapping
from email.utils import encode_rfc2231
from uuid import UUID

from broadcasts.composing.pictures import content_id
from broadcasts.models import Attachment, Broadcast

CRLF = b"\r\n"
LINE = 76


class Files:
    """The parts that a broadcast's files become, each as bytes that all its emails share."""

    def __init__(self, broadcast: Broadcast) -> None:
        found = broadcast.attachments
        self.pictures: Mapping[UUID, bytes] = {
            one.picture_id: encode_part(one, content_of(one)) for one in found.pictures()
        }
        self.attached: tuple[bytes, ...] = tuple(encode_part(one, content_of(one)) for one in found.files())


def content_of(file: Attachment) -> bytes:
    """Read alone and not kept: PostgreSQL gives a view of its own buffer."""
    return bytes(Attachment.objects.filter(pk=file.pk).values_list("content", flat=True).get())


class Frame:
    """A boundary that begins with "=_" cannot occur in a quoted-printable or base64 body: safe, always the same."""

    def __init__(self, name: str, files: Files, shown: Collection[UUID]) -> None:
        # None of the boundaries begins as another one does: the letters are no hexadecimal digits.
        mixed, related, self._alternative = f"=_m{name}", f"=_r{name}", f"=_{name}"
        pictures = [part for picture, part in files.pictures.items() if picture in shown]
        self.opening = f'Content-Type: multipart/alternative; boundary="{self._alternative}"\r\n'.encode()
        self.closing: list[bytes] = [f"\r\n--{self._alternative}--\r\n".encode()]
        if pictures:
            self._surround(related, 'multipart/related; type="multipart/alternative"', pictures)
        if files.attached:
            self._surround(mixed, "multipart/mixed", files.attached)

    def _surround(self, boundary: str, kind: str, parts: Iterable[bytes]) -> None:
        line = f"\r\n--{boundary}\r\n".encode()
        self.opening = f'Content-Type: {kind}; boundary="{boundary}"\r\n'.encode() + line + self.opening
        for part in parts:
            self.closing += (line, part)
        self.closing.append(f"\r\n--{boundary}--\r\n".encode())

    def part(self, subtype: str, encoding: str) -> bytes:
        return (
            f"\r\n--{self._alternative}\r\n"
            f'Content-Type: text/{subtype}; charset="utf-8"\r\n'
            f"Content-Transfer-Encoding: {encoding}\r\n\r\n"
        ).encode()


def encode_part(file: Attachment, content: bytes) -> bytes:
    """Header fields and base64, with a line break at the end."""
    disposition = "inline" if file.is_inline else "attachment"
    head = [
        f"Content-Type: {_media_type(file.content_type, content)}",
        "Content-Transfer-Encoding: base64",
        f"Content-Disposition: {disposition};\r\n {_named(file.filename)}",
        *([f"Content-ID: <{content_id(file.picture_id)}>"] if file.is_inline else []),
    ]
    return "\r\n".join([*head, "", ""]).encode("ascii") + _in_lines(content)


def _named(filename: str) -> str:
    """As Django writes it: plain where it is ASCII, else by RFC 2231."""
    if filename.isascii():
        return 'filename="{}"'.format(filename.replace("\\", "\\\\").replace('"', '\\"'))
    return f"filename*={encode_rfc2231(filename, 'utf-8')}"


def _media_type(content_type: str, content: bytes) -> str:
    """A text in an encoding that we cannot name is a file like any other: nobody's mail program may mangle it."""
    if not content_type.startswith("text/"):
        return content_type
    try:
        content.decode()
    except UnicodeDecodeError:
        return "application/octet-stream"
    return f'{content_type}; charset="utf-8"'


def _in_lines(content: bytes) -> bytes:
    encoded = binascii.b2a_base64(content, newline=False)
    return b"".join([encoded[at : at + LINE] + CRLF for at in range(0, len(encoded), LINE)])
