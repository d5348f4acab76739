"""An SMTP server in a thread of this process, on any free port: what the sandbox and the bounce listener stand on."""

import asyncio
import socket
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP

Address = tuple[str, int]


class SmtpThread(Controller):
    """`smtp_class` speaks, `handler` decides. Port 0 takes a free port; `address` says which."""

    def __init__(self, handler: object, address: Address, smtp_class: type[SMTP] = SMTP, **options: Any) -> None:
        host, port = address
        super().__init__(handler, host, port, enable_SMTPUTF8=False, server_hostname="localhost", **options)
        self._smtp_class = smtp_class

    @property
    def address(self) -> Address:
        return self.hostname, self.port

    def factory(self) -> SMTP:
        return self._smtp_class(self.handler, **self.SMTP_kwargs)

    async def _listen(self) -> asyncio.AbstractServer:
        # Bound here because aiosmtpd's own start would knock at port 0.
        bound = socket.create_server((self.hostname, self.port))
        self.port = bound.getsockname()[1]
        return await self.loop.create_server(self._factory_invoker, sock=bound)

    def _create_server(self) -> Any:
        return self._listen()

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
