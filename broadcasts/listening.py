"""An SMTP server in a thread of this process, on any free port: what the sandbox and the bounce listener stand on."""

import asyncio
import socket
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP

from broadcasts.local_services import Address


class MessageTooBig(Exception):
    pass


class QuickSMTP(SMTP):
    """Reads a message in a few gulps; aiosmtpd goes line by line, which is most of its time."""

    line_length_limit = 64 * 1024  # how much is read at once

    async def smtp_DATA(self, arg: str | None) -> None:  # noqa: N802
        if not self.envelope or not self.envelope.rcpt_tos:
            await self.push("503 5.5.1 Need RCPT first")
            return
        if arg:
            await self.push("501 5.5.4 Syntax: DATA")
            return
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        try:
            self.envelope.content = self.envelope.original_content = await self._read_message()
        except MessageTooBig:
            # What follows would be taken for commands: there is no way back into this conversation.
            await self.push("552 5.3.4 Message too big")
            self._writer.close()
            raise asyncio.CancelledError from None
        status = await self._call_handler_hook("DATA")
        self.envelope = self._create_envelope()
        await self.push(status)

    async def _read_message(self) -> bytes:
        """Up to the final dot, without it and without the dots that keep other lines from looking like it."""
        data = bytearray(b"\r\n")
        while not data.endswith(b"\r\n.\r\n"):
            try:
                data += await self._reader.readuntil(b".\r\n")
            except asyncio.LimitOverrunError as far:  # an attachment may go on for megabytes without a dot
                data += await self._reader.readexactly(far.consumed)
            if self.data_size_limit and len(data) > self.data_size_limit:
                raise MessageTooBig
        return bytes(data[:-3].replace(b"\r\n.", b"\r\n")[2:])


class SmtpThread(Controller):
    """`smtp_class` speaks, `handler` decides. Port 0 takes a free port; `address` says which."""

    def __init__(self, handler: object, address: Address, smtp_class: type[SMTP] = QuickSMTP, **options: Any) -> None:
        host, port = address
        super().__init__(handler, host, port, **{"enable_SMTPUTF8": False, "server_hostname": "localhost", **options})
        self._smtp_class = smtp_class

    @property
    def address(self) -> Address:
        return self.hostname, self.port

    def factory(self) -> SMTP:
        return self._smtp_class(self.handler, **self.SMTP_kwargs)

    def start(self) -> None:
        # Bound here because aiosmtpd would knock at port 0, and would say after seconds only that a port is taken.
        self._bound = socket.create_server((self.hostname, self.port))
        self.port = self._bound.getsockname()[1]
        super().start()

    def _create_server(self) -> Any:
        return self.loop.create_server(self._factory_invoker, sock=self._bound)

    def cancel_tasks(self, stop_loop: bool = True) -> None:  # noqa: FBT001, FBT002
        """Let cancelled conversations end before the loop does; aiosmtpd stops it first."""
        self.loop.create_task(self._end_conversations(stop_loop=stop_loop))

    async def _end_conversations(self, *, stop_loop: bool) -> None:
        others = asyncio.all_tasks(self.loop) - {asyncio.current_task(self.loop)}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        if stop_loop:
            self.loop.stop()
