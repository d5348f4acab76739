"""What an email provider's event means: Anymail's event type and reject reason, and our reading of the raw detail.

The first line that fits decides. `why` is for those who wonder about a line, here and in the tests.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from broadcasts.results import Result
from tracking.meanings import CHANGES_NOTHING, Kind


class Detail(StrEnum):
    """What a provider's own words say where Anymail's event type and reject reason do not (`raw_details`)."""

    NONE = ""
    INVALID = "invalid"  # there is no such address
    HARD = "hard"  # final
    SOFT = "soft"  # for now
    SUPPRESSED = "suppressed"  # on the provider's own list: it did not even try
    CONTENT = "content"  # this message was not wanted, whoever it is for
    CHALLENGE = "challenge"  # held until somebody answers a question
    ADMINISTRATIVE = "administrative"  # about an account or a list, not about an email
    DELAYED = "delayed"
    LOADED = "loaded"


# Anymail's words (`anymail.signals.EventType` and `RejectReason`), all of them.
EVENT_TYPES = (
    "queued", "sent", "rejected", "failed", "bounced", "deferred", "delivered", "autoresponded", "opened", "clicked",
    "complained", "unsubscribed", "subscribed", "inbound", "inbound_failed", "unknown",
)  # fmt: skip
REASONS = ("", "invalid", "bounced", "timed_out", "blocked", "spam", "unsubscribed", "other")


@dataclass(frozen=True, slots=True)
class Line:
    event_type: str
    reasons: tuple[str, ...]  # empty: any
    details: tuple[Detail, ...]  # empty: any
    kind: Kind
    result: Result
    why: str

    def fits(self, event_type: str, reason: str, detail: Detail) -> bool:
        return (
            self.event_type == event_type
            and (not self.reasons or reason in self.reasons)
            and (not self.details or detail in self.details)
        )


_INVALID, _HARD, _SOFT = (Detail.INVALID,), (Detail.HARD,), (Detail.SOFT,)
_SUPPRESSED, _CONTENT = (Detail.SUPPRESSED,), (Detail.CONTENT,)
_ADMINISTRATIVE = (Detail.ADMINISTRATIVE,)
_BLOCKED = Result.BLOCKED_BY_PROVIDER

TABLE: tuple[Line, ...] = (
    # --- on its way
    Line("queued", (), _SUPPRESSED, Kind.REFUSED, _BLOCKED, "Held by the provider's own list for good."),
    Line("queued", (), (), Kind.ACCEPTED, Result.SENT, "Handed over; the recipient's server has not spoken."),
    Line("sent", (), (), Kind.ACCEPTED, Result.SENT, "The same: the recipient's server has not spoken."),
    Line("deferred", (), _SUPPRESSED, Kind.REFUSED, _BLOCKED, "Called a delay; the provider's list is the cause."),
    Line("deferred", (), (), Kind.DEFERRED, Result.SOFT_BOUNCED, "Tries have failed so far; the provider goes on."),
    # --- arrived
    Line("delivered", (), (), Kind.DELIVERED, Result.DELIVERED, "The recipient's server confirmed it."),
    Line("opened", (), (), Kind.OPENED, Result.OPENED, "A picture was fetched; by whom, `tracking.opens` decides."),
    Line("clicked", (), (), Kind.CLICKED, Result.OPENED, "Who follows a link has the email open."),
    Line("complained", (), _SUPPRESSED, Kind.REFUSED, _BLOCKED, "An earlier complaint stopped it: it was not sent."),
    Line("complained", (), _CONTENT, Kind.BOUNCED, Result.BOUNCED, "A filter's verdict on the text, no person's."),
    Line("complained", (), _ADMINISTRATIVE, Kind.NOTED, CHANGES_NOTHING, "It takes a complaint back (RFC 6430)."),
    Line("complained", (), (), Kind.COMPLAINED, Result.DELIVERED, "It arrived; a subject is enough to complain."),
    Line("unsubscribed", (), _ADMINISTRATIVE, Kind.NOTED, CHANGES_NOTHING, "Put on the provider's list by hand."),
    Line("unsubscribed", (), (), Kind.UNSUBSCRIBED, Result.DELIVERED, "It arrived; the mailbox has a button for it."),
    Line("subscribed", (), (), Kind.NOTED, CHANGES_NOTHING, "About the provider's list, not about this email."),
    Line("autoresponded", (), (Detail.CHALLENGE,), Kind.ACCEPTED, Result.SENT, "Held until somebody answers."),
    Line("autoresponded", (), (), Kind.AUTO_REPLIED, Result.DELIVERED, "A machine answered from inside the mailbox."),
    # --- returned by the recipient's side
    Line("bounced", (), _SUPPRESSED, Kind.REFUSED, _BLOCKED, "Called a bounce, but it never left the provider."),
    Line("bounced", ("unsubscribed",), (), Kind.REFUSED, _BLOCKED, "The provider remembers that they unsubscribed."),
    Line("bounced", ("invalid",), (), Kind.BOUNCED, Result.FAILED, "There is no such address."),
    Line("bounced", ("timed_out",), (), Kind.BOUNCED, Result.BOUNCED, "Given up: nobody is trying any more."),
    Line("bounced", ("blocked",), (), Kind.BOUNCED, Result.BOUNCED, "A policy over there, not the address's fault."),
    Line("bounced", ("spam",), (), Kind.BOUNCED, Result.BOUNCED, "A filter over there, not the address's fault."),
    Line("bounced", (), _INVALID, Kind.BOUNCED, Result.FAILED, "The words of provider or server name the address."),
    Line("bounced", (), _SOFT, Kind.BOUNCED, Result.SOFT_BOUNCED, "Flattened by Anymail: for now, not for ever."),
    Line("bounced", (), (), Kind.BOUNCED, Result.BOUNCED, "Returned, and nothing says that the address is wrong."),
    # --- refused by the provider before it left
    Line("rejected", (), _CONTENT, Kind.REFUSED, Result.BOUNCED, "This message was refused, for whomever it was."),
    Line("rejected", ("invalid",), (), Kind.REFUSED, Result.FAILED, "There is no such address."),
    Line("rejected", (), _INVALID, Kind.REFUSED, Result.FAILED, "The words say that there is no such address."),
    Line("rejected", (), (), Kind.REFUSED, _BLOCKED, "The provider's list said no (bounce, complaint, by hand)."),
    # --- could not be sent
    Line("failed", (), _INVALID, Kind.FAILED, Result.FAILED, "The server's words say that there is no such address."),
    Line("failed", (), _SUPPRESSED, Kind.REFUSED, _BLOCKED, "The provider's list said no."),
    Line("failed", (), _SOFT, Kind.FAILED, Result.SOFT_BOUNCED, "The server's words: not now."),
    Line("failed", (), (Detail.HARD, Detail.CONTENT), Kind.FAILED, Result.BOUNCED, "The server's words: no."),
    Line("failed", (), (), Kind.NOTED, CHANGES_NOTHING, "A fault inside the provider says nothing of the recipient."),
    # --- Anymail 15.2 does not know it
    Line("unknown", (), (Detail.DELAYED,), Kind.DEFERRED, Result.SOFT_BOUNCED, "Amazon SES: it goes on."),
    Line("unknown", (), (Detail.LOADED,), Kind.OPENED, Result.OPENED, "Postal's word, SparkPost's first open."),
    Line("unknown", (), _SUPPRESSED, Kind.REFUSED, _BLOCKED, "Resend email.suppressed: its own list said no."),
    Line("unknown", (), _ADMINISTRATIVE, Kind.NOTED, CHANGES_NOTHING, "About an account or a list, not an email."),
)  # fmt: skip


def _all() -> Iterator[tuple[tuple[str, str, Detail], Line]]:
    for event_type in EVENT_TYPES:
        for reason in REASONS:
            for detail in Detail:
                line = next((line for line in TABLE if line.fits(event_type, reason, detail)), None)
                if line:
                    yield (event_type, reason, detail), line


_LINES = dict(_all())
# Most events are none of these, and need no second look.
DETAILED = {line.event_type for line in TABLE if line.details}


def line_for(event_type: str, reason: str, detail: Detail) -> Line | None:
    """None: we cannot tell what it means (an unknown event, an inbound email), so it is kept for a person."""
    return _LINES.get((event_type, reason, detail)) or _LINES.get((event_type, "other", detail))
