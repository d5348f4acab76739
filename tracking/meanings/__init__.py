"""What the outside world's words mean for a delivery, as tables. Nothing else in tracking decides a result.

Here: reports by email, and what people do. `provider_events`: what email providers say. `raw_details`: what they say
between the lines.
"""

from dataclasses import dataclass

from broadcasts.delivering.replies import classify
from broadcasts.results import Result
from tracking.models import Event

Kind = Event.Kind
REPORT_FAILED = "report: failed, "

# As evidence, the lowest of the ten: it is recorded, and moves no row.
CHANGES_NOTHING = Result.UNSENT


@dataclass(frozen=True, slots=True)
class Meaning:
    kind: Event.Kind
    result: Result
    rule: str


# What a report's Action says (RFC 3464 section 2.3.3); `failed` depends on why, see `meaning_of_failure`.
ACTIONS = {
    # The recipient's own server put it into the mailbox.
    "delivered": Meaning(Kind.DELIVERED, Result.DELIVERED, "report: delivered"),
    # Passed on to a server that reports no successes: the last positive word there will be (RFC 3461 section 5.2.2).
    "relayed": Meaning(Kind.DELIVERED, Result.DELIVERED, "report: relayed"),
    # The address is a list or an alias, and its members have it.
    "expanded": Meaning(Kind.DELIVERED, Result.DELIVERED, "report: expanded"),
    # A server holds the email and goes on trying; nothing is lost yet.
    "delayed": Meaning(Kind.DEFERRED, Result.SOFT_BOUNCED, "report: delayed"),
}

# What somebody did with the email; each proves at least that it arrived.
OPENED = Meaning(Kind.OPENED, Result.OPENED, "picture fetched")
# Calling an email spam needs its subject line only: it arrived, nobody says it was read.
COMPLAINED = Meaning(Kind.COMPLAINED, Result.DELIVERED, "spam complaint")
# One-click unsubscribing is a button of the mailbox's list: no opening either (RFC 8058).
UNSUBSCRIBED = Meaning(Kind.UNSUBSCRIBED, Result.DELIVERED, "unsubscribed")
# A machine answered, from inside the mailbox.
AUTO_REPLIED = Meaning(Kind.AUTO_REPLIED, Result.DELIVERED, "automatic reply")


def meaning_of_failure(status: str, diagnostic: str, code: str = "", stage: str = "", context: str = "") -> Meaning:
    """A report with Action `failed`: the address's fault is Failed, everything else Bounced.

    What would be temporary in a conversation (a full mailbox, 4.4.7) is final here: whoever reports it has
    stopped trying.
    """
    said = classify(int(code) if code.isdecimal() else None, status, diagnostic, stage, context)
    result = Result.FAILED if said.result is Result.FAILED else Result.BOUNCED
    return Meaning(Kind.BOUNCED, result, f"{REPORT_FAILED}{said.rule}"[:60])
