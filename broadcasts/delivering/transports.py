"""Which mail server MAIL_URL names, and how to reach it; and how a single message leaves."""

import smtplib
from collections.abc import Sequence
from contextlib import suppress
from email.utils import parseaddr
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.utils.translation import gettext as _
from email_validator import EmailNotValidError

from broadcasts.addresses import recipient_address
from broadcasts.delivering.answers import cannot_write_to_it
from broadcasts.delivering.claiming import Job
from broadcasts.delivering.connecting import connect, explain, takes_utf8
from broadcasts.delivering.conversing import Conversation
from broadcasts.delivering.naming_relays import Relay, read_relays
from broadcasts.delivering.providers.plain import send_plain_by_provider
from broadcasts.delivering.providers.table import chosen_provider
from broadcasts.delivering.smtp import UTF8
from broadcasts.delivering.trouble import MailServerTrouble
from broadcasts.local_services import find_service

__all__ = ["MailServerTrouble", "PortalMailBackend", "open_line", "send_plain"]


def open_line(relay: Relay) -> Conversation[Job]:
    """Raises MailServerTrouble when there is no server to talk to."""
    return Conversation(_connect(relay))


def _connect(relay: Relay) -> smtplib.SMTP:
    hostname = urlsplit(settings.SITE_URL).hostname
    if not settings.MAIL_IS_SANDBOX:
        return connect(relay.url, hostname)
    address = find_service("sandbox")
    if address is None:
        raise MailServerTrouble(_("The sandbox mail server is not running."))
    return connect("smtp://{}:{}".format(*address), hostname)


def _connect_any() -> smtplib.SMTP:
    """The first of several that answers."""
    relays = read_relays(settings.MAIL_URL)
    for relay in relays[:-1]:
        with suppress(MailServerTrouble):
            return _connect(relay)
    return _connect(relays[-1])


def send_plain(envelope_from: str, recipient: str, message: bytes) -> None:
    """One message outside any broadcast: tests, password resets. Raises MailServerTrouble, whoever's fault it is."""
    provider, to = chosen_provider(), _on_the_wire(recipient)
    if provider:
        if not to.isascii():
            raise MailServerTrouble(cannot_write_to_it())
        send_plain_by_provider(provider, recipient, message)
        return
    smtp = _connect_any()
    try:
        if not (to.isascii() or takes_utf8(smtp)):
            raise MailServerTrouble(cannot_write_to_it())
        smtp.sendmail(envelope_from, [to], message, () if to.isascii() else UTF8.split())
    except smtplib.SMTPRecipientsRefused as refusal:
        code, words = next(iter(refusal.recipients.values()))
        raise MailServerTrouble(explain(smtplib.SMTPResponseException(code, words))) from refusal
    except (OSError, smtplib.SMTPException) as error:
        raise MailServerTrouble(explain(error)) from error
    finally:
        smtp.close()


def _on_the_wire(recipient: str) -> str:
    if recipient.isascii():
        return recipient
    try:
        return recipient_address(recipient)
    except EmailNotValidError as error:
        raise MailServerTrouble(str(error)) from error


class PortalMailBackend(BaseEmailBackend):
    """Lets Django's own emails (password resets) leave by the same server as everything else."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        for email in email_messages:
            message = email.message().as_bytes(linesep="\r\n")  # type: ignore[call-arg]  # Django's own, not email's
            for recipient in email.recipients():
                send_plain(parseaddr(email.from_email)[1], recipient, message)
        return len(email_messages)
