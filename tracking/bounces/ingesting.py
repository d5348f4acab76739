"""One function behind every door by which reports come in."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email import message_from_bytes
from email.message import Message
from hashlib import sha256

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from broadcasts.tokens import read_token
from tracking.bounces.auto_reply import read_auto_reply
from tracking.bounces.complaint import read_complaint
from tracking.bounces.dsn import read_dsn
from tracking.bounces.reports import Understood, read_date
from tracking.models import Event, UnusedReport
from tracking.recording import Evidence, record_events, storable

LONGEST_KEPT = 64_000
A_MOMENT = timedelta(seconds=5)
# A complaint is a multipart/report too, and may quote a delivery status: it goes first.
READERS = (read_complaint, read_dsn, read_auto_reply)


@dataclass(frozen=True, slots=True)
class Arrived:
    raw: bytes
    envelope_recipient: str


class UnusableReport(Exception):
    """Its text says why, for an administrator."""


def ingest_report(raw: bytes, envelope_recipient: str) -> int:
    """Take in one message that came back; how many new events it gave. Safe to repeat."""
    return ingest_reports([Arrived(raw, envelope_recipient)])


@transaction.atomic
def ingest_reports(reports: Sequence[Arrived]) -> int:
    """What cannot be used is kept, with the reason, and changes nothing."""
    evidence: list[Evidence] = []
    for report in reports:
        try:
            evidence += _read_evidence(report)
        except UnusableReport as reason:
            _keep_unused(report, str(reason))
        except Exception as error:  # noqa: BLE001 - the email parser stumbles over some malformed messages
            _keep_unused(report, _("It could not be read: %(error)s") % {"error": error})
    return record_events(evidence)


def _read_evidence(report: Arrived) -> Iterable[Evidence]:
    message = message_from_bytes(report.raw)
    understood = next((found for read in READERS if (found := read(message))), None)
    if understood is None:
        raise UnusableReport(_("This is no report in a form that Messenger can read."))
    delivery_id = _find_delivery(report, message, understood)
    heard_at = timezone.now()
    written_at = read_date(message["Date"])
    name = str(message["Message-ID"] or "").strip() or sha256(report.raw).hexdigest()
    return [
        Evidence(
            delivery_id=delivery_id,
            meaning=finding.meaning,
            at=_plausible(finding.at or written_at, heard_at),
            source=Event.Source.REPORT,
            key_parts=(name, str(number)),
            code=finding.code,
            text=finding.text,
        )
        for number, finding in enumerate(understood.findings)
    ]


def _plausible(said: datetime | None, heard: datetime) -> datetime:
    """When it happened. A wrong clock over there must not put an event into our future."""
    # Reports name whole seconds: said a moment ago, it would sort before the sending that caused it.
    return said if said and said < heard - A_MOMENT else heard


def _find_delivery(report: Arrived, message: Message, understood: Understood) -> int:
    """By what we signed, in the order of how hard it is to lose on the way. Forged names fail their signature."""
    names = (
        token_of_address(report.envelope_recipient),
        understood.envelope_id,
        _returned_header(message, "X-Delivery-Id"),
    )
    for name in names:
        delivery_id = read_token(name, "bounce") if name else None
        if delivery_id is not None:
            return delivery_id
    if any(names):
        raise UnusableReport(_("The name of the email in it was not made by this Messenger."))
    raise UnusableReport(_("It does not say which of our emails it is about."))


def token_of_address(address: str) -> str:
    """From `b+<token>@<our bounce domain>`; empty for any other address."""
    local_part, _at, domain = address.strip().strip("<>").rpartition("@")
    prefix, _plus, token = local_part.partition("+")
    is_ours = prefix.lower() == "b" and domain.lower() == settings.BOUNCE_DOMAIN.lower()
    return token if is_ours else ""


def _returned_header(message: Message, name: str) -> str:
    """From the email or its headers as the report gives them back; never from the report's own."""
    for part in message.walk():
        kind = part.get_content_type()
        returned: Message | None = None
        if kind == "message/rfc822" and isinstance(part.get_payload(), list):
            returned = next((inner for inner in part.walk() if inner is not part), None)
        elif kind == "text/rfc822-headers" and isinstance(headers := part.get_payload(decode=True), bytes):
            returned = message_from_bytes(headers)
        if returned and returned[name]:
            return str(returned[name]).strip()
    return ""


def _keep_unused(report: Arrived, reason: str) -> None:
    UnusedReport.objects.create(
        envelope_recipient=storable(report.envelope_recipient, 320),
        reason=storable(reason, 200),
        raw=storable(report.raw.decode("utf-8", "replace"), LONGEST_KEPT),
    )
