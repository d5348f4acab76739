"""Which mail server MAIL_URL names, and how to reach it."""

from collections.abc import Sequence
from email.message import Message
from email.utils import parseaddr
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.utils.translation import gettext as _

from broadcasts.delivering.smtp import InDoubt, MailServerTrouble, RecipientRefused, SmtpConnection
from broadcasts.local_services import find_service

__all__ = ["MailServerTrouble", "PortalMailBackend", "open_connection", "send_plain"]


def open_connection() -> SmtpConnection:
    """A connection to be entered with `with`. Raises MailServerTrouble when there is no server to connect to."""
    hostname = urlsplit(settings.SITE_URL).hostname
    if not settings.MAIL_IS_SANDBOX:
        return SmtpConnection(settings.MAIL_URL, hostname)
    address = find_service("sandbox")
    if address is None:
        raise MailServerTrouble(_("The sandbox mail server is not running."))
    return SmtpConnection("smtp://{}:{}".format(*address), hostname)


def send_plain(envelope_from: str, recipient: str, message: bytes) -> None:
    """One message outside any broadcast: tests, password resets. Raises MailServerTrouble, whoever's fault it is."""
    with open_connection() as connection:
        try:
            connection.name_recipient(envelope_from, recipient)
            connection.announce_message()
            connection.write_message(message)
        except RecipientRefused as refusal:
            raise MailServerTrouble(refusal.reply.text) from refusal
        except InDoubt as doubt:
            raise MailServerTrouble(_("The mail server did not say whether it took the email.")) from doubt


class PortalMailBackend(BaseEmailBackend):
    """Lets Django's own emails (password resets) leave by the same server as everything else."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        for email in email_messages:
            message: Message = email.message()
            for recipient in email.recipients():
                send_plain(
                    parseaddr(email.from_email)[1],
                    recipient,
                    message.as_bytes(policy=message.policy.clone(linesep="\r\n")),
                )
        return len(email_messages)
