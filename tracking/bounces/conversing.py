"""How reports are spoken with: SMTP (RFC 5321) and LMTP (RFC 2033), in little memory whatever is sent."""

import asyncio
from typing import Any

from aiosmtpd.lmtp import LMTP

from broadcasts.listening import MessageTooBig, QuickSMTP
from tracking.bounces.explaining import LARGEST_READ

# More is refused. What comes between this and LARGEST_READ is taken, and its start is kept.
LARGEST_REPORT_BYTES = 40 * 1024 * 1024
# A sender that goes on for longer than this is cut off.
MOST_PATIENCE = 4 * LARGEST_REPORT_BYTES
# For all conversations together.
ROOM_BYTES = 32 * 1024 * 1024


class Room:
    """How much of what is being said may be held at a time."""

    def __init__(self, total: int = ROOM_BYTES) -> None:
        self.left = total

    def take(self, wanted: int) -> bool:
        if wanted > self.left:
            return False
        self.left -= wanted
        return True

    def give(self, taken: int) -> None:
        self.left += taken


class ReportSMTP(QuickSMTP):
    """Keeps the start of a message and forgets the rest as it comes. `room` is shared by all conversations."""

    def __init__(self, *args: Any, room: Room, **options: Any) -> None:
        super().__init__(*args, data_size_limit=LARGEST_REPORT_BYTES, **options)
        self.room = room
        self.taken = self.said = 0
        self.has_room = True

    @property
    def is_too_big(self) -> bool:
        return self.said > LARGEST_REPORT_BYTES

    async def smtp_DATA(self, arg: str | None) -> None:  # noqa: N802
        try:
            await super().smtp_DATA(arg)
        finally:
            self.room.give(self.taken)
            self.taken = 0

    async def _read_message(self) -> bytes:
        """The start of it, without the dots that keep lines from looking like the end."""
        self.said, self.has_room = 0, True
        kept, tail = bytearray(b"\r\n"), b"\r\n"
        while not tail.endswith(b"\r\n.\r\n"):
            gulp = await self._read_gulp()
            self.said += len(gulp)
            if self.said > MOST_PATIENCE:
                raise MessageTooBig
            self._keep(kept, gulp)
            tail = (tail + gulp)[-5:]
        if kept.endswith(b"\r\n.\r\n"):
            del kept[-3:]
        return bytes(kept.replace(b"\r\n.", b"\r\n")[2:])

    async def _read_gulp(self) -> bytes:
        try:
            return bytes(await self._reader.readuntil(b".\r\n"))
        except asyncio.LimitOverrunError as far:  # an attachment may go on for megabytes without a dot
            return bytes(await self._reader.readexactly(far.consumed))

    def _keep(self, kept: bytearray, gulp: bytes) -> None:
        if not self.has_room or len(kept) > LARGEST_READ:
            return
        if self.room.take(len(gulp)):
            self.taken += len(gulp)
            kept += gulp
        else:
            self.has_room = False
            kept.clear()


class ReportLMTP(ReportSMTP, LMTP):
    """One reply for each recipient after the final dot."""
