"""The thread that sends the sandbox's reports when they fall due, for as long as it takes."""

import logging
import smtplib
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from broadcasts.local_services import find_service
from broadcasts.sandbox.store import DueReport, Store
from broadcasts.sandbox.writing_reports import Outgoing, write_report

log = logging.getLogger(__name__)

AGAIN_AFTER_SECONDS = 2.0  # while the listener is away or says: not now
CONNECTIONS = 8  # what arrives together is stored together: many are cheaper for the listener than one
REPORTS_AT_ONCE = 400  # in memory
GATHER_SECONDS = 0.25  # a connection costs more than a report: those due in this time leave together


class ReportSender:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._stop = threading.Event()
        self._woken = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sandbox-reports", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """A report was added that may fall due before the one we wait for."""
        self._woken.set()

    def stop(self) -> None:
        self._stop.set()
        self._woken.set()
        self._thread.join()

    def _run(self) -> None:
        with ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="sandbox-report") as pool:
            while not self._stop.is_set():
                try:
                    self._send_what_is_due(pool)
                except Exception:
                    log.exception("Reports could not be sent")
                    self._stop.wait(AGAIN_AFTER_SECONDS)

    def _send_what_is_due(self, pool: ThreadPoolExecutor) -> None:
        self._woken.clear()
        due = self._store.due_reports(time.time(), REPORTS_AT_ONCE)
        connections = min(CONNECTIONS, 1 + len(due) // 2)
        shares = [due[start::connections] for start in range(connections)]
        if not due:
            self._wait_for_next()
        elif all(list(pool.map(self._send_share, shares))):
            self._stop.wait(GATHER_SECONDS)
        else:
            self._stop.wait(AGAIN_AFTER_SECONDS)

    def _wait_for_next(self) -> None:
        next_due_at = self._store.next_due_at()
        wait = None if next_due_at is None else max(0.0, next_due_at - time.time())
        if not self._stop.is_set():
            self._woken.wait(wait)

    def _send_share(self, due: list[DueReport]) -> bool:
        """Send these over one connection; False when the listener is away or broke off."""
        address = find_service("bounce-listener")
        if address is None:
            return False
        try:
            with smtplib.SMTP(*address, local_hostname="sandbox.messenger.test", timeout=60) as connection:
                connection.ehlo()
                for report in due:
                    if self._stop.is_set():
                        break
                    self._send(connection, report)
        except (OSError, smtplib.SMTPException) as error:
            log.info("Reports wait for the bounce listener: %s", error)
            return False
        return True

    def _send(self, connection: smtplib.SMTP, report: DueReport) -> None:
        now = time.time()
        code, text = converse(connection, write_report(report, now))
        if 400 <= code < 500:
            self._store.postpone_reports([report.id], now + AGAIN_AFTER_SECONDS)
        else:
            # A refusal for good (5xx) is an outcome too: a real server would let the report go.
            self._store.finish_reports([(report.id, f"{code} {text}")], now)


def converse(connection: smtplib.SMTP, message: Outgoing) -> tuple[int, str]:
    """One message; the reply that decided what became of it."""
    sender = "" if message.envelope_from == "<>" else message.envelope_from
    reply = connection.mail(sender)
    if reply[0] == 250:
        reply = connection.rcpt(message.recipient)
    if reply[0] == 250:
        reply = connection.data(message.raw)
    if reply[0] >= 400:
        connection.rset()
    return reply[0], reply[1].decode("ascii", "replace")
