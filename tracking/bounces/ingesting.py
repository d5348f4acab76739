"""One function behind every door by which reports come in."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from broadcasts.addresses import address_key
from broadcasts.forgetting.anonymous import is_anonymous, stands_for
from broadcasts.models import Delivery
from broadcasts.tokens import read_token
from tracking.bounces.explaining import explain
from tracking.bounces.naming import token_of_address
from tracking.bounces.reports import Finding, Report
from tracking.bounces.unused import keep_unused
from tracking.models import Event
from tracking.recording import Evidence, record_events

A_MOMENT = timedelta(seconds=5)
CLOCKS_DIFFER = timedelta(days=1)
# Of a report about thousands of recipients, one email of ours has one; an alias has a few.
MOST_FINDINGS = 20


@dataclass(frozen=True, slots=True)
class Arrived:
    raw: bytes
    envelope_recipient: str


@dataclass(frozen=True, slots=True)
class Named:
    """A report whose delivery is known."""

    report: Report
    delivery_id: int


@dataclass(frozen=True, slots=True)
class About:
    """What must be known of a delivery to believe a report about it."""

    email: str
    broadcast_id: int
    prepared_at: datetime | None

    def is_of(self, finding: Finding) -> bool:
        """Whether it is about the address that we wrote to, also where that was removed since."""
        told = (finding.address.lower(), finding.original_address.lower())
        if not is_anonymous(self.email):
            return self.email in told
        return any(stands_for(self.email, self.broadcast_id, address_key(address)) for address in told)


class UnusableReport(Exception):
    """Its text says why, for an administrator."""


def ingest_report(raw: bytes, envelope_recipient: str) -> int:
    """Take in one message that came back; how many new events it gave. Safe to repeat."""
    return ingest_reports([Arrived(raw, envelope_recipient)])


def ingest_reports(reports: Sequence[Arrived]) -> int:
    """What cannot be used is kept, with the reason, and changes nothing."""
    explained = [(arrived, explain(arrived.raw)) for arrived in reports]  # before the transaction: it takes its time
    with transaction.atomic():
        new, refused = use_reports(explained)
        for arrived, reason in refused:
            keep_unused(arrived.raw, arrived.envelope_recipient, reason)
    return new


def use_reports(explained: Iterable[tuple[Arrived, Report]]) -> tuple[int, list[tuple[Arrived, str]]]:
    """How many new events they gave, and what was of no use with the reason why."""
    named: list[Named] = []
    refused: list[tuple[Arrived, str]] = []
    for arrived, report in explained:
        try:
            named.append(Named(report, find_delivery(arrived.envelope_recipient, report)))
        except UnusableReport as reason:
            refused.append((arrived, str(reason)))
    return record_events(_evidence_of(named)), refused


def find_delivery(envelope_recipient: str, report: Report) -> int:
    """By what we signed, in the order of how hard it is to lose on the way. Forged names fail their signature.

    Never by an address in the report: anybody can write one. Raises UnusableReport.
    """
    if not any(finding.meaning for finding in report.findings):
        raise UnusableReport(report.trouble or _("It says nothing about an email that was sent."))
    names = [name for name in (token_of_address(envelope_recipient), *report.names) if name]
    delivery_id = next((found for name in names if (found := read_token(name, "bounce")) is not None), None)
    if delivery_id is not None:
        return delivery_id
    if names:
        raise UnusableReport(_("The name of the email in it was not made by this Messenger."))
    raise UnusableReport(_("It does not say which of our emails it is about."))


def _evidence_of(named: Sequence[Named]) -> list[Evidence]:
    known = _look_up({one.delivery_id for one in named})
    heard_at = timezone.now()
    return [
        Evidence(
            delivery_id=one.delivery_id,
            meaning=finding.meaning,
            at=_plausible(finding.at or one.report.written_at, heard_at, known[one.delivery_id]),
            source=Event.Source.REPORT,
            key_parts=(one.report.message_id, str(number)),
            code=finding.status,
            text=finding.text,
        )
        for one in named
        if one.delivery_id in known
        for number, finding in _about(one.report.findings, known[one.delivery_id])
        if finding.meaning
    ]


def _look_up(ids: set[int]) -> Mapping[int, About]:
    rows = Delivery.objects.filter(pk__in=ids)
    fields = ("pk", "email", "broadcast_id", "broadcast__prepared_at")
    return {pk: About(email.lower(), *more) for pk, email, *more in rows.values_list(*fields)}


def _about(findings: Sequence[Finding], about: About) -> list[tuple[int, Finding]]:
    """Those about the address that we wrote to; with none, it was passed on, and each says where it ended."""
    numbered = list(enumerate(findings))
    ours = [(number, one) for number, one in numbered if about.is_of(one)]
    return (ours or numbered)[:MOST_FINDINGS]


def _plausible(said: datetime | None, heard: datetime, about: About) -> datetime:
    """When it happened. A wrong clock over there puts no event into our future, nor before we wrote."""
    # Reports name whole seconds: said a moment ago, it would sort before the sending that caused it.
    if said is None or said >= heard - A_MOMENT:
        return heard
    if about.prepared_at and said < about.prepared_at - CLOCKS_DIFFER:
        return heard
    return said
