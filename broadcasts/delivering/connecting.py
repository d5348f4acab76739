"""Opening a connection to the mail server: greeting, TLS, sign-in. Everything after that is a conversation."""

import smtplib
import ssl
from functools import cache
from urllib.parse import unquote, urlsplit

from broadcasts.delivering.trouble import MailServerTrouble

COMMAND_SECONDS = 30


def connect(url: str, hostname: str | None = None) -> smtplib.SMTP:
    """`url`: smtp://, smtp+starttls:// or smtps://, with user:password@ when the server wants it.

    Certificates are verified. Raises MailServerTrouble: no recipient has been spoken of yet.
    """
    try:
        return _connect(url, hostname)
    except (OSError, smtplib.SMTPException) as error:
        raise MailServerTrouble(explain(error)) from error


def _connect(url: str, hostname: str | None) -> smtplib.SMTP:
    parts = urlsplit(url)
    host, scheme = parts.hostname or "localhost", parts.scheme
    if scheme == "smtps":
        port = parts.port or 465
        smtp: smtplib.SMTP = smtplib.SMTP_SSL(host, port, hostname, timeout=COMMAND_SECONDS, context=_tls())
    else:
        port = parts.port or (587 if scheme == "smtp+starttls" else 25)
        smtp = smtplib.SMTP(host, port, hostname, timeout=COMMAND_SECONDS)
    try:
        smtp.ehlo_or_helo_if_needed()
        if scheme == "smtp+starttls":
            smtp.starttls(context=_tls())
            smtp.ehlo()
        if parts.username:
            smtp.login(unquote(parts.username), unquote(parts.password or ""))
    except BaseException:
        smtp.close()
        raise
    return smtp


@cache
def _tls() -> ssl.SSLContext:
    """Reading the system's certificates takes 30 ms: once for a process, and only where a mail server uses TLS."""
    return ssl.create_default_context()


def takes_utf8(smtp: smtplib.SMTP) -> bool:
    """Addresses in UTF-8, and emails that name them. Who offers one must offer the other (RFC 6531 section 3.1)."""
    return smtp.has_extn("smtputf8") and smtp.has_extn("8bitmime")


def explain(error: Exception) -> str:
    """The network's and smtplib's words, without tuples and bytes."""
    if isinstance(error, smtplib.SMTPResponseException):
        words = error.smtp_error
        return f"{error.smtp_code} {words.decode('utf-8', 'replace') if isinstance(words, bytes) else words}"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
