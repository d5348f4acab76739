"""Why an email came back, in plain words: which line of the tables of replies decided → one sentence.

The rules are those of `broadcasts/delivering/replies.py` and `tracking/meanings.py`: words of a server, or codes of
RFC 3463 and RFC 7372. The first line that fits decides, so the narrow ones stand first.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from django.db.models import TextChoices
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from broadcasts.models import Attempt, Delivery
from broadcasts.people.directory import in_chunks
from broadcasts.results import Result
from tracking.models import Event


class Fault(TextChoices):
    """Whose it is: what decides whether there is anything to correct here."""

    ADDRESS = "address", _("The address does not work")
    OURS = "ours", _("Our side was refused")


@dataclass(frozen=True)
class Reason:
    fault: Fault
    words: str | Promise
    said: str = ""  # the server's own words


# (whose fault, how the rule or else the code begins, in plain words)
_TABLE: tuple[tuple[Fault, tuple[str, ...], Promise], ...] = (
    (
        Fault.ADDRESS,
        ("no such domain", "no server for", "domain takes no email", "5.1.2", "5.1.10", "5.4.4", "5.4.310"),
        _("There is no mail service behind the part after the @. It is probably mistyped."),
    ),
    (Fault.ADDRESS, ("5.1.3",), _("It is not written like an email address. It is probably mistyped.")),
    (Fault.ADDRESS, ("moved", "5.1.6"), _("The mailbox has moved to another address.")),
    (
        Fault.ADDRESS,
        (
            "unknown user", "user unknown", "no such mailbox", "address turned away", "address rejected",
            "mailbox unavailable", "invalid", "5.1.1", "5.1.0",
        ),
        _("There is no such mailbox: the address is mistyped, or the mailbox was closed."),
    ),
    (Fault.ADDRESS, ("mailbox closed", "5.2.1", "5.7.13"), _("The mailbox is switched off.")),
    (
        Fault.ADDRESS,
        ("mailbox full", "mail system full", "5.2.2", "4.2.2", "452", "552"),
        _("The mailbox was full for so long that the email was given up."),
    ),
    (
        Fault.ADDRESS,
        ("letters before the @ not taken", "5.6.7", "5.6.9"),
        _("A mail server on the way cannot write to the letters before its @. Ask for an address without them."),
    ),
    (Fault.OURS, ("too big", "5.2.3", "5.3.4"), _("The mail service there takes no emails of this size.")),
    (
        Fault.OURS,
        (
            "sender not verified", "our sender refused", "no reverse dns",
            "5.7.20", "5.7.21", "5.7.22", "5.7.23", "5.7.24", "5.7.25", "5.7.26", "5.7.27", "5.7.509", "5.7.515",
        ),
        _("The mail service there could not verify that the email comes from us (SPF, DKIM or DMARC)."),
    ),
    (
        Fault.OURS,
        ("harmful content", "taken for spam", "about the content", "refused by a filter", "content", "spam", "5.6"),
        _("The mail service there refused the email for what is in it."),
    ),
    (
        Fault.OURS,
        (
            "our server is on a block list", "their rules forbid it", "about policy", "refused at the door",
            "group closed to us", "too much at once", "too many", "greylisted", "blocked", "5.7", "4.7",
        ),
        _("The mail service there refused us by its own rules or for our reputation."),
    ),
    (
        Fault.OURS,
        ("we may not relay", "about the conversation", "5.5"),
        _("Our mail server and the one there did not understand each other."),
    ),
    (
        Fault.ADDRESS,
        (
            "their server could not be reached", "their mail system broke", "about the network", "not now",
            "going round in circles", "timed_out", "soft", "4.", "5.4", "421", "450", "451",
        ),
        _("The mail service there never took it in all the time that we tried."),
    ),
)  # fmt: skip
GAVE_UP = Reason(Fault.ADDRESS, _("It was never taken in all the time that we tried."))
MISTYPED = Reason(Fault.ADDRESS, _("It is not written like an email address."))
NO_MAILBOX = Reason(Fault.ADDRESS, _("The mail service there says that this address does not exist."))
CAME_BACK = Reason(Fault.ADDRESS, _("The mail service there returned it without saying more."))


def reason_for(rule: str, code: str, said: str) -> Reason | None:
    """`rule` as the tables of replies write it, perhaps with its source before a colon; None: no line fits."""
    for known in (rule.lower().rpartition(": ")[2].split(", "), [code]):
        for fault, beginnings, words in _TABLE:
            if any(part.startswith(beginnings) for part in known):
                return Reason(fault, words, said)
    return None


def explain_failures(deliveries: Collection[Delivery]) -> Mapping[int, Reason]:
    """Row number → why it came back: what a report says about it, else the answer to our last attempt."""
    found: dict[int, Reason] = {}
    rows = {delivery.pk: delivery for delivery in deliveries}
    for pk, rule, code, said in _evidence(rows):
        reason = reason_for(rule, code, said)
        if pk not in found or reason:
            found[pk] = reason or _by_result(rows[pk], said)
    return {pk: found.get(pk) or _by_result(row, row.late_bounce_reason) for pk, row in rows.items()}


def _evidence(rows: Mapping[int, Delivery]) -> list[tuple[int, str, str, str]]:
    """In the order in which it counts: attempts first to last, then what reports said."""
    found: list[tuple[int, str, str, str]] = []
    for chunk in in_chunks(rows):
        tries = Attempt.objects.filter(delivery__in=chunk).exclude(outcome=Attempt.Outcome.ACCEPTED)
        found += tries.order_by("number").values_list("delivery_id", "rule", "enhanced_code", "text")
        events = Event.objects.filter(delivery__in=chunk, result__in=[Result.BOUNCED, Result.FAILED])
        found += events.order_by("at", "pk").values_list("delivery_id", "rule", "code", "text")
    return found


def _by_result(row: Delivery, said: str) -> Reason:
    if row.note == Delivery.Note.BAD_ADDRESS:
        return MISTYPED
    if row.note == Delivery.Note.GAVE_UP:
        return Reason(GAVE_UP.fault, GAVE_UP.words, said)
    plain = NO_MAILBOX if row.result == Result.FAILED else CAME_BACK
    return Reason(plain.fault, plain.words, said)
