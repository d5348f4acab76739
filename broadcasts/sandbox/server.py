"""The sandbox mail server: plays the outside world for an installation without one (MAIL_URL=sandbox:)."""

from pathlib import Path

from broadcasts.listening import SmtpThread
from broadcasts.local_services import Address, publish_service
from broadcasts.sandbox.conversing import SandboxHandler, SandboxSMTP
from broadcasts.sandbox.sending_reports import ReportSender
from broadcasts.sandbox.store import Store, sandbox_folder


class SandboxServer:
    """Accepts everything on 127.0.0.1, answers and reports as `recipients` says, and forgets nothing."""

    def __init__(self, folder: Path | None = None) -> None:
        """The mailboxes page reads `sandbox_folder()`: another one is for tests."""
        self._store = Store(folder or sandbox_folder())
        self._sender = ReportSender(self._store)
        handler = SandboxHandler(self._store, on_arrival=self._sender.wake)
        self._listener = SmtpThread(handler, ("127.0.0.1", 0), SandboxSMTP)

    @property
    def address(self) -> Address:
        return self._listener.address

    def start(self) -> None:
        self._listener.start()
        self._sender.start()
        publish_service("sandbox", *self.address)

    def stop(self) -> None:
        self._listener.stop()
        self._sender.stop()
        self._store.close()
