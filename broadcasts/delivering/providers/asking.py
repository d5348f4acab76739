"""One request to the provider's API, and what its answer is worth.

Certain is what the provider says (also no) and what never reached it. In doubt is every request that left and has no
answer that we can read: the other side may have taken all, some or none of its emails.
"""

import email.utils
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import requests
from anymail.exceptions import (  # type: ignore[import-untyped]
    AnymailAPIError,
    AnymailError,
)
from anymail.message import AnymailMessage  # type: ignore[import-untyped]
from django.utils import timezone
from django.utils.translation import gettext as _
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError

from broadcasts.delivering.claiming import Job
from broadcasts.delivering.providers.backends import Backend, open_backend
from broadcasts.delivering.providers.joining import send_joined
from broadcasts.delivering.providers.messages import Messages
from broadcasts.delivering.providers.said import Said, message_name, text_of
from broadcasts.delivering.trouble import MailServerTrouble

LONGEST_WAIT = timedelta(hours=1)
# Our key, our account, the address of the API, and "not so fast": whoever the recipients are.
ABOUT_US = {401, 402, 403, 404, 405, 407, 408, 425, 429}
NAMED_ABOUT_US = {"Invalid_Key", "PaymentRequired", "Unknown_Subaccount"} | {
    "AccessDenied",
    "InvalidServerAPIKey",
    "ServerSuspended",
    "UnauthenticatedFromAddress",
}
NAMED_REFUSALS = {"ValidationError", "parameter-error", "validation-error", "NoRecipients", "NoContent"}


class InDoubt(Exception):
    """Nobody knows what became of this request. Its text is for people."""


class RequestRefused(Exception):
    """The provider took none of it, for something that is in it."""

    def __init__(self, said: Said) -> None:
        super().__init__(said.text)
        self.said = said


@dataclass(frozen=True)
class Answer:
    """`said`: by row; a row that is missing is in doubt."""

    said: Mapping[int, Said] = field(default_factory=dict)
    refusal: Said | None = None
    doubt: str = ""
    trouble: MailServerTrouble | None = None


def ask(messages: Messages, jobs: Sequence[Job]) -> Answer:
    """Hand these emails over in one request. Never raises what the network or the provider can cause."""
    try:
        with open_backend(messages.provider) as backend:
            return Answer(said=_send(backend, messages, jobs))
    except MailServerTrouble as trouble:
        return Answer(trouble=trouble)
    except RequestRefused as refused:
        return Answer(refusal=refused.said)
    except InDoubt as doubt:
        return Answer(doubt=str(doubt))


def _send(backend: Backend, messages: Messages, jobs: Sequence[Job]) -> dict[int, Said]:
    if messages.provider.syntax is None and len(jobs) > 1:
        wholes = [_build(messages.whole, job) for job in jobs]
        said = careful(lambda: send_joined(messages.provider, backend, wholes))
        return {job.pk: one for job, one in zip(jobs, said, strict=True)}
    with_places = messages.provider.syntax is not None
    message = _build(messages.placed, jobs) if with_places else _build(messages.whole, jobs[0])
    careful(lambda: backend.send_messages([message]))
    return dict(_read(message, jobs))


def _build(make: Callable[[Any], AnymailMessage], of: Any) -> AnymailMessage:
    try:
        return make(of)
    except ValueError as error:  # nothing has left
        raise RequestRefused(Said("refused", None, 0, str(error))) from error


def _read(message: AnymailMessage, jobs: Sequence[Job]) -> Iterator[tuple[int, Said]]:
    status = message.anymail_status
    # What it says to a batch, it says of all of them at once.
    code, text = status.esp_response.status_code, text_of(status.esp_response) if len(jobs) == 1 else ""
    # Some write addresses in their own way.
    heard = {address.casefold(): one for address, one in status.recipients.items()}
    for job, to in zip(jobs, message.to, strict=True):
        one = heard.get(to.addr_spec.casefold())
        if one:
            yield job.pk, Said(one.status or "", message_name(one.message_id), code, text)


def careful(call: Any) -> Any:
    """What it returns; raises MailServerTrouble, RequestRefused or InDoubt."""
    try:
        return call()
    except AnymailAPIError as error:
        if error.response is None:
            raise _from_the_network(error.__cause__ or error) from error
        raise _from_an_answer(error.response) from error
    except AnymailError as error:
        # Before anything left: what Anymail cannot express for this provider.
        raise RequestRefused(Said("refused", None, 0, str(error))) from error
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        # Anymail stumbles over an answer that is not what the provider documents.
        raise InDoubt(_("The email provider gave an answer that cannot be read.")) from error


def _from_the_network(error: BaseException) -> Exception:
    if _never_left(error):
        return MailServerTrouble(_("The email provider cannot be reached: %(error)s") % {"error": _plain(error)})
    return InDoubt(_("The email provider did not answer, so it may have taken these emails."))


def _never_left(error: BaseException) -> bool:
    if isinstance(error, requests.ConnectTimeout | requests.exceptions.ProxyError | requests.TooManyRedirects):
        return True
    cause = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else None
    return isinstance(reason, NewConnectionError | ConnectTimeoutError) or (
        isinstance(error, requests.exceptions.SSLError) and isinstance(cause, MaxRetryError)
    )


def _plain(error: BaseException) -> str:
    if isinstance(error, requests.TooManyRedirects):
        return _("its address leads elsewhere.")
    if isinstance(error, requests.ConnectTimeout):
        return _("it does not take the connection.")
    if isinstance(error, requests.exceptions.SSLError):
        return _("its certificate is not in order.")
    return _("there is no connection to it.")


def _from_an_answer(response: requests.Response) -> Exception:
    code, text = response.status_code, text_of(response)
    if not 400 <= code < 500:
        code = _named_error(response) or code
    if code in ABOUT_US:
        return MailServerTrouble(_about_us(code, text), wait=_asked_to_wait(response))
    if 400 <= code < 500:
        return RequestRefused(Said("refused", None, code, text))
    if code < 300:
        return InDoubt(_("The email provider gave an answer that cannot be read."))
    return InDoubt(_("The email provider met an error of its own and may have taken these emails: %(code)s %(text)s")
                   % {"code": code, "text": text[:200]})  # fmt: skip


def _named_error(response: requests.Response) -> int:
    """The status that should have been: Mandrill says 500 to a wrong key, Postal 200, but both name the error."""
    try:
        said = response.json()
        if said["status"] not in ("error", "parameter-error"):
            return 0
        name = said.get("name") or said["data"].get("code") or said["status"]
    except (ValueError, KeyError, TypeError, AttributeError):
        return 0
    if name in NAMED_ABOUT_US:
        return 403
    return 400 if name in NAMED_REFUSALS else 0


def _about_us(code: int, text: str) -> str:
    about = {"code": code, "text": text[:200]}
    if code in (401, 403):
        words = _("The email provider refuses our key. An administrator should look at it: %(code)s %(text)s")
    elif code == 429:
        words = _("The email provider asks us to send more slowly: %(code)s %(text)s")
    else:
        words = _("The email provider refuses us: %(code)s %(text)s")
    return words % about


def _asked_to_wait(response: requests.Response) -> timedelta:
    """Retry-After is a number of seconds or a date (RFC 9110 section 10.2.3)."""
    said = response.headers.get("Retry-After", "").strip()
    if said.isdecimal():
        return min(timedelta(seconds=int(said[:6])), LONGEST_WAIT)
    try:
        until = email.utils.parsedate_to_datetime(said)
    except (ValueError, TypeError):
        return timedelta(0)
    if until.tzinfo is None:
        return timedelta(0)
    return min(max(until - timezone.now(), timedelta(0)), LONGEST_WAIT)
