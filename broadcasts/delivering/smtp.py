"""One SMTP connection, its phases driven by hand so that "before the dot" and "after the dot" are told apart.

RFC 5321 for the conversation and its time-outs (section 4.5.3.2), RFC 3461 for delivery status notifications.
"""

import re
import smtplib
import ssl
from contextlib import suppress
from types import TracebackType
from typing import NoReturn, Self
from urllib.parse import unquote, urlsplit

from broadcasts.delivering.replies import Reply, parse_reply

COMMAND_SECONDS = 30
FINAL_REPLY_SECONDS = 600
_DOT_AT_START_OF_LINE = re.compile(rb"^\.", re.MULTILINE)


class MailServerTrouble(Exception):
    """Our own side's trouble: nobody is marked for it. Its text is for people."""


class ConversationBroken(MailServerTrouble):
    """The server hung up, or said that it will (421), while one recipient or message was being spoken of."""

    def __init__(self, phase: str, reply: Reply) -> None:
        super().__init__(f"{reply.code} {reply.text}" if reply.code else reply.text)
        self.phase, self.reply = phase, reply


class RecipientRefused(Exception):
    """The server refused this recipient or this message; the connection goes on."""

    def __init__(self, phase: str, reply: Reply) -> None:
        super().__init__(f"{phase}: {reply.code} {reply.text}")
        self.phase, self.reply = phase, reply


class InDoubt(Exception):
    """The message was written and no reply came: nobody can know whether the server took it."""


def xtext(value: str) -> str:
    """RFC 3461 section 4: everything outside `!`-`~`, and `+` and `=`, as `+HH`."""
    return "".join(
        chr(byte) if 33 <= byte <= 126 and byte not in b"+=" else f"+{byte:02X}" for byte in value.encode()
    )


class SmtpConnection:
    """Opened by `with`; raises MailServerTrouble for whatever is not about one recipient."""

    def __init__(self, url: str, hostname: str | None = None) -> None:
        """`url`: smtp://, smtp+starttls:// or smtps://, with user:password@ when the server wants it."""
        self._parts = urlsplit(url)
        self._hostname = hostname
        self.messages = 0  # accepted over this connection
        self.answers = 0  # accepted or refused: the server does its work

    def __enter__(self) -> Self:
        try:
            self._smtp = self._connect()
        except (OSError, smtplib.SMTPException) as error:
            raise MailServerTrouble(_explain(error)) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._smtp.quit()
        except (OSError, smtplib.SMTPException):
            pass
        finally:
            self._smtp.close()

    def name_recipient(self, sender: str, recipient: str, envelope_id: str = "") -> None:
        """MAIL and RCPT, asking for notifications where the server offers them. Raises RecipientRefused."""
        asks = self._smtp.has_extn("dsn") and bool(envelope_id)
        mail = f"MAIL FROM:<{sender}>" + (f" RET=HDRS ENVID={xtext(envelope_id)}" if asks else "")
        rcpt = f"RCPT TO:<{recipient}>"
        if asks:
            rcpt += f" NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;{xtext(recipient)}"
        reply = self._command(mail)
        if reply.code != 250:
            raise MailServerTrouble(f"{reply.code} {reply.text}")
        reply = self._ask("rcpt", rcpt)
        if reply.code not in (250, 251):
            self._refuse("rcpt", reply)

    def forget_recipient(self) -> None:
        """RSET: what was named is not sent."""
        self._command("RSET")

    def announce_message(self) -> None:
        """DATA. Raises RecipientRefused when the server does not want to hear the message."""
        reply = self._ask("data", "DATA")
        if reply.code != 354:
            self._refuse("data", reply)

    def write_message(self, message: bytes) -> Reply:
        """The message, the final dot and the reply to it. Raises InDoubt or RecipientRefused."""
        sock = self._smtp.sock
        if sock is None:
            raise InDoubt
        try:
            sock.settimeout(FINAL_REPLY_SECONDS)
            end = b".\r\n" if message.endswith(b"\r\n") else b"\r\n.\r\n"
            self._smtp.send(_DOT_AT_START_OF_LINE.sub(b"..", message) + end)
            reply = parse_reply(*self._smtp.getreply())
            sock.settimeout(COMMAND_SECONDS)
        except (OSError, smtplib.SMTPException) as error:
            raise InDoubt(_explain(error)) from error
        if reply.code == 250:
            self.messages += 1
            self.answers += 1
            return reply
        if reply.code == 421:
            # RFC 5321 section 3.8: the server closes the channel and has not taken the message.
            raise ConversationBroken("body", reply)
        if not 400 <= reply.code < 600:
            raise InDoubt(reply.text)
        self.answers += 1
        raise RecipientRefused("body", reply)

    def _ask(self, phase: str, line: str) -> Reply:
        try:
            return self._command(line)
        except MailServerTrouble as trouble:
            raise ConversationBroken(phase, Reply(0, "", str(trouble))) from trouble

    def _refuse(self, phase: str, reply: Reply) -> NoReturn:
        self.answers += 1
        with suppress(MailServerTrouble):  # some servers hang up after a refusal: that changes nothing about it
            self.forget_recipient()
        raise RecipientRefused(phase, reply)

    def _connect(self) -> smtplib.SMTP:
        host, scheme = self._parts.hostname or "localhost", self._parts.scheme
        tls = ssl.create_default_context()
        if scheme == "smtps":
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(
                host, self._parts.port or 465, self._hostname, timeout=COMMAND_SECONDS, context=tls
            )
        else:
            port = self._parts.port or (587 if scheme == "smtp+starttls" else 25)
            smtp = smtplib.SMTP(host, port, self._hostname, timeout=COMMAND_SECONDS)
        try:
            smtp.ehlo_or_helo_if_needed()
            if scheme == "smtp+starttls":
                smtp.starttls(context=tls)
                smtp.ehlo()
            if self._parts.username:
                smtp.login(unquote(self._parts.username), unquote(self._parts.password or ""))
        except BaseException:
            smtp.close()
            raise
        return smtp

    def _command(self, line: str) -> Reply:
        try:
            self._smtp.putcmd(line)
            reply = parse_reply(*self._smtp.getreply())
        except (OSError, smtplib.SMTPException) as error:
            raise MailServerTrouble(_explain(error)) from error
        if reply.code == 421:
            raise MailServerTrouble(f"{reply.code} {reply.text}")
        return reply


def _explain(error: Exception) -> str:
    """The network's and smtplib's words, without tuples and bytes."""
    if isinstance(error, smtplib.SMTPResponseException):
        words = error.smtp_error
        return f"{error.smtp_code} {words.decode('utf-8', 'replace') if isinstance(words, bytes) else words}"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
