"""How the sandbox's recipients behave: the beginning of the local part decides, whatever the domain.

The names follow the mailbox simulator of Amazon SES.
"""

from dataclasses import dataclass
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class ReportKind(StrEnum):
    DELIVERED = "delivered"
    DELAYED = "delayed"
    FAILED = "failed"
    AUTO_REPLY = "auto-reply"
    COMPLAINT = "complaint"


@dataclass(frozen=True, slots=True)
class PlannedReport:
    kind: ReportKind
    after: float  # seconds


# Short enough to watch, long enough to see one come after the other.
SOON = PlannedReport(ReportKind.DELIVERED, 0.3)


@dataclass(frozen=True, slots=True)
class Behaviour:
    prefix: str
    about: str | Promise
    rcpt_reply: str = ""
    rcpt_refusals: int | None = None  # how many attempts get that reply; None: all
    data_reply: str = ""
    reports: tuple[PlannedReport, ...] = (SOON,)


BEHAVIOURS = (
    Behaviour(
        "bounce",
        _("there is no such mailbox: Failed"),
        rcpt_reply="550 5.1.1 No such mailbox here",
    ),
    Behaviour(
        "full",
        _("the mailbox is full at the first two attempts, then it has room"),
        rcpt_reply="452 4.2.2 Mailbox full, try again later",
        rcpt_refusals=2,
    ),
    Behaviour(
        "refuse",
        _("the email is refused for what it says: Bounced"),
        data_reply="550 5.7.1 Message refused by policy",
    ),
    Behaviour(
        "late",
        _("delivered, and a little later returned all the same"),
        reports=(SOON, PlannedReport(ReportKind.FAILED, 3)),
    ),
    Behaviour(
        "slow",
        _("kept waiting first, delivered after that"),
        reports=(PlannedReport(ReportKind.DELAYED, 0), PlannedReport(ReportKind.DELIVERED, 4)),
    ),
    Behaviour("quiet", _("accepted, and nobody ever says what became of it: Sent"), reports=()),
    Behaviour(
        "ooto",
        _("answers by itself: out of the office"),
        reports=(PlannedReport(ReportKind.AUTO_REPLY, 0.3),),
    ),
    Behaviour(
        "complaint",
        _("delivered, and then reported as spam: the address goes onto the Blocked Email list"),
        reports=(SOON, PlannedReport(ReportKind.COMPLAINT, 2)),
    ),
)
EVERYBODY_ELSE = Behaviour("", _("delivered"))


def behaviour_of(address: str) -> Behaviour:
    local_part = address.lower()
    return next((one for one in BEHAVIOURS if local_part.startswith(one.prefix)), EVERYBODY_ELSE)
