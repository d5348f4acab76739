"""A single message that is complete already, by the provider's API: new passwords, tests of a broadcast."""

from email import message_from_bytes, policy
from email.headerregistry import Address
from email.message import EmailMessage
from typing import Any

from anymail.message import AnymailMessage  # type: ignore[import-untyped]
from django.utils.translation import gettext as _

from broadcasts.delivering.providers.asking import InDoubt, RequestRefused, careful
from broadcasts.delivering.providers.backends import open_backend
from broadcasts.delivering.providers.table import Provider
from broadcasts.delivering.trouble import MailServerTrouble

# The provider writes these itself.
NOT_OURS = {"from", "to", "cc", "bcc", "reply-to", "subject", "date", "message-id", "mime-version"}
GONE_WRONG = {"invalid", "rejected", "failed"}


def send_plain_by_provider(provider: Provider, recipient: str, message: bytes) -> None:
    """Raises MailServerTrouble, whoever's fault it is."""
    parsed = message_from_bytes(message, policy=policy.default)
    made = _make(provider, recipient, parsed)
    try:
        with open_backend(provider) as backend:
            careful(lambda: backend.send_messages([made]))
    except (RequestRefused, InDoubt) as error:
        raise MailServerTrouble(str(error)) from error
    statuses = {one.status for one in made.anymail_status.recipients.values()}
    if statuses & GONE_WRONG:
        raise MailServerTrouble(_("The email provider did not take it for this address."))


def _make(provider: Provider, recipient: str, parsed: EmailMessage) -> AnymailMessage:
    plain, html = parsed.get_body(("plain",)), parsed.get_body(("html",))
    made = AnymailMessage(
        subject=str(parsed["Subject"] or ""),
        body=_content(plain),
        from_email=_mailboxes(parsed, "From")[0],
        to=[recipient],
        reply_to=_mailboxes(parsed, "Reply-To"),
        headers={name: str(value) for name, value in parsed.items() if _is_wanted(name, str(value))},
    )
    if html is not None:
        made.attach_alternative(_content(html), "text/html")
    for part in parsed.iter_attachments():
        made.attach(part.get_filename(), part.get_content(), part.get_content_type())
    if provider.has_tracking_switch:
        made.track_opens, made.track_clicks = False, False
    if provider.extra:
        made.esp_extra = {**provider.extra}
    return made


def _content(part: Any) -> str:
    return str(part.get_content()) if part is not None else ""


def _mailboxes(parsed: EmailMessage, name: str) -> list[str]:
    found: tuple[Address, ...] = parsed[name].addresses if parsed[name] else ()
    return [str(address) for address in found]


def _is_wanted(name: str, value: str) -> bool:
    """Not all of them encode a header."""
    return name.lower() not in NOT_OURS and not name.lower().startswith("content-") and value.isascii()
