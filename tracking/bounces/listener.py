"""The door for reports: an SMTP or LMTP server that says 250 only when the report is safely in the database."""

import asyncio
import logging
import threading
from concurrent.futures import Future
from dataclasses import dataclass, field
from queue import SimpleQueue

from aiosmtpd.smtp import SMTP, Envelope, Session
from django.conf import settings
from django.db import close_old_connections, connections

from broadcasts.listening import SmtpThread
from broadcasts.local_services import Address, publish_service
from tracking.bounces.conversing import ReportLMTP, ReportSMTP, Room
from tracking.bounces.ingesting import Arrived, ingest_reports

log = logging.getLogger(__name__)

STORED = "250 2.0.0 Stored"
COME_AGAIN = "451 4.3.0 Cannot store it now, please come again"
TOO_BIG = "552 5.3.4 Message too big"
# A report has one recipient: the sender of one email.
MOST_RECIPIENTS = 20
TOGETHER = 50  # reports that share one transaction when they arrive at the same time


@dataclass(frozen=True, slots=True)
class Waiting:
    report: Arrived
    stored: "Future[bool]" = field(default_factory=Future)


class Storer:
    """One thread with one database connection: what arrived while it stored is stored together."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[Waiting | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="bounce-storer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._queue.put(None)
        self._thread.join()

    def store(self, report: Arrived) -> "Future[bool]":
        """Resolves to whether the report is in the database."""
        waiting = Waiting(report)
        self._queue.put(waiting)
        return waiting.stored

    def _run(self) -> None:
        try:
            while batch := self._next_batch():
                self._store_batch(batch)
        finally:
            connections.close_all()

    def _next_batch(self) -> list[Waiting]:
        """Empty when it is time to stop."""
        batch: list[Waiting] = []
        while not batch or (len(batch) < TOGETHER and not self._queue.empty()):
            waiting = self._queue.get()
            if waiting is None:
                if batch:
                    self._queue.put(None)
                break
            # Nobody waits any more when its connection broke: the sender comes again.
            if waiting.stored.set_running_or_notify_cancel():
                batch.append(waiting)
        return batch

    def _store_batch(self, batch: list[Waiting]) -> None:
        try:
            close_old_connections()
            ingest_reports([waiting.report for waiting in batch])
        except Exception:
            # The conversation goes on whatever happened: the sender keeps the report and comes again.
            log.exception("Reports could not be stored")
            if len(batch) > 1:
                for waiting in batch:
                    self._store_batch([waiting])
                return
            batch[0].stored.set_result(False)
        else:
            for waiting in batch:
                waiting.stored.set_result(True)


class ReportHandler:
    """aiosmtpd's hooks; the names and arguments are its own."""

    def __init__(self, storer: Storer) -> None:
        self._storer = storer

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        domain = address.rpartition("@")[2].lower()
        # Ours are ASCII; anything else may be no text at all.
        is_ours = address.isascii() and domain == settings.BOUNCE_DOMAIN.lower()
        if not settings.BOUNCE_DOMAIN or not is_ours:
            return "550 5.1.2 This server takes bounce reports only"
        if len(envelope.rcpt_tos) >= MOST_RECIPIENTS:
            return "452 4.5.3 Too many recipients"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Recipient OK"

    async def handle_DATA(self, server: ReportSMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        replies = await self._take(server, envelope)
        if isinstance(server, ReportLMTP):  # RFC 2033 section 4.2: a reply for each recipient
            return "\r\n".join(replies)
        return next((reply for reply in replies if reply != STORED), STORED)

    async def _take(self, server: ReportSMTP, envelope: Envelope) -> list[str]:
        if server.is_too_big:
            return [TOO_BIG] * len(envelope.rcpt_tos)
        if not server.has_room:
            return [COME_AGAIN] * len(envelope.rcpt_tos)
        raw = envelope.original_content or b""
        stores = [self._storer.store(Arrived(raw, recipient)) for recipient in envelope.rcpt_tos]
        stored = await asyncio.gather(*map(asyncio.wrap_future, stores))
        return [STORED if each else COME_AGAIN for each in stored]


class BounceListener:
    def __init__(self, host: str, port: int, *, lmtp: bool = False) -> None:
        """Port 0 takes any free port; who sends reports finds it by the name "bounce-listener"."""
        self._storer = Storer()
        speaks = ReportLMTP if lmtp else ReportSMTP
        self._server = SmtpThread(
            ReportHandler(self._storer), (host, port), speaks, room=Room(), ident="Messenger", enable_SMTPUTF8=True
        )
        self._name = "bounce-listener-lmtp" if lmtp else "bounce-listener"

    @property
    def address(self) -> Address:
        return self._server.address

    def start(self) -> None:
        self._server.start()
        self._storer.start()
        publish_service(self._name, *self.address)

    def stop(self) -> None:
        self._server.stop()
        self._storer.stop()
