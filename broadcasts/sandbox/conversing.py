"""The sandbox's side of the SMTP conversation, with delivery status notifications (RFC 3461) understood."""

import re
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from email.header import decode_header, make_header
from email.parser import BytesHeaderParser
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from broadcasts.listening import QuickSMTP
from broadcasts.sandbox.recipients import Behaviour, ReportKind, behaviour_of
from broadcasts.sandbox.store import Arrival, Store
from broadcasts.tokens import read_token

DSN_PARAMETERS = {"RET", "ENVID", "NOTIFY", "ORCPT"}
# Without NOTIFY a sender hears of failures and delays, not of success (RFC 3461 section 4.1).
DEFAULT_NOTIFY = frozenset({"FAILURE", "DELAY"})
NOTIFY_OF = {
    ReportKind.DELIVERED: "SUCCESS",
    ReportKind.DELAYED: "DELAY",
    ReportKind.FAILED: "FAILURE",
}


@dataclass(frozen=True, slots=True)
class AcceptedRecipient:
    address: str
    original: str
    notify: frozenset[str]


class SandboxEnvelope(Envelope):
    """With what the DSN parameters of this transaction asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.envelope_id = ""
        self.recipients: list[AcceptedRecipient] = []


def split_dsn_parameters(argument: str) -> tuple[str, dict[str, str]]:
    """The argument of MAIL or RCPT without its DSN parameters, and those."""
    path, bracket, tail = argument.rpartition(">")
    kept, taken = [], {}
    for parameter in tail.split():
        name, _, value = parameter.partition("=")
        if name.upper() in DSN_PARAMETERS:
            taken[name.upper()] = value
        else:
            kept.append(parameter)
    return " ".join([path + bracket, *kept]), taken


def decode_xtext(text: str) -> str:
    """RFC 3461 section 4: `+2B` is a plus sign."""
    return re.sub(r"\+([0-9A-F]{2})", lambda match: chr(int(match[1], 16)), text)


class SandboxSMTP(QuickSMTP):
    """aiosmtpd answers 555 to parameters it does not know: take them out before it looks."""

    # RFC 3461 section 4 lengthens both commands; ours may be as long as a line.
    command_size_limits: dict[str, int] = defaultdict(lambda: 1000)

    def __init__(self, handler: object, **options: Any) -> None:
        self.dsn_parameters: dict[str, str] = {}
        super().__init__(handler, **options)

    def _create_envelope(self) -> SandboxEnvelope:
        return SandboxEnvelope()

    async def smtp_MAIL(self, arg: str | None) -> None:  # noqa: N802
        arg, self.dsn_parameters = split_dsn_parameters(arg or "")
        await super().smtp_MAIL(arg)

    async def smtp_RCPT(self, arg: str | None) -> None:  # noqa: N802
        arg, self.dsn_parameters = split_dsn_parameters(arg or "")
        await super().smtp_RCPT(arg)


class SandboxHandler:
    """aiosmtpd's hooks; the names and arguments are its own."""

    def __init__(self, store: Store, on_arrival: Callable[[], None]) -> None:
        self._store = store
        self._on_arrival = on_arrival

    async def handle_EHLO(  # noqa: N802
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [*responses[:-1], "250-PIPELINING", "250-ENHANCEDSTATUSCODES", "250-DSN", responses[-1]]

    async def handle_MAIL(  # noqa: N802
        self, server: SandboxSMTP, _session: Session, envelope: SandboxEnvelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        envelope.envelope_id = decode_xtext(server.dsn_parameters.get("ENVID", ""))
        return "250 2.1.0 Sender OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SandboxSMTP, _session: Session, envelope: SandboxEnvelope, address: str, options: list[str]
    ) -> str:
        behaviour = behaviour_of(address)
        if self._refuses(behaviour, envelope.mail_from or "", address):
            return behaviour.rcpt_reply
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        asked = server.dsn_parameters
        envelope.recipients.append(
            AcceptedRecipient(
                address=address,
                original=decode_xtext(asked.get("ORCPT", "")),
                notify=frozenset(asked["NOTIFY"].upper().split(",")) if "NOTIFY" in asked else DEFAULT_NOTIFY,
            )
        )
        return "250 2.1.5 Recipient OK"

    def _refuses(self, behaviour: Behaviour, sender: str, address: str) -> bool:
        if not behaviour.rcpt_reply or behaviour.rcpt_refusals is None:
            return bool(behaviour.rcpt_reply)
        return self._store.count_refusal(sender, address) <= behaviour.rcpt_refusals

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: SandboxEnvelope) -> str:  # noqa: N802
        for recipient in envelope.recipients:
            if reply := behaviour_of(recipient.address).data_reply:
                return reply
        raw = envelope.original_content or b""
        arrivals = [_arrival(envelope, recipient, raw) for recipient in envelope.recipients]
        # Our 250 takes over responsibility: only after the commit (RFC 5321 section 6.1).
        self._store.accept(arrivals, time.time())
        self._on_arrival()
        return "250 2.0.0 Accepted"


def _arrival(envelope: SandboxEnvelope, recipient: AcceptedRecipient, raw: bytes) -> Arrival:
    headers = BytesHeaderParser().parsebytes(raw.partition(b"\r\n\r\n")[0])
    sender = envelope.mail_from or "<>"
    wanted = tuple(
        report
        for report in behaviour_of(recipient.address).reports
        if sender != "<>" and (report.kind not in NOTIFY_OF or NOTIFY_OF[report.kind] in recipient.notify)
    )
    return Arrival(
        sender=sender,
        recipient=recipient.address,
        envelope_id=envelope.envelope_id,
        original_recipient=recipient.original,
        subject=_decoded(str(headers["Subject"] or "")),
        raw=raw,
        reports=wanted,
        delivery_id=read_token(str(headers["X-Delivery-Id"] or "").strip(), "bounce"),
    )


def _decoded(header: str) -> str:
    try:
        return " ".join(str(make_header(decode_header(header))).split())
    except (ValueError, LookupError):  # not what RFC 2047 calls encoded
        return header
