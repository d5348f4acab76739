"""What the provider's word about one email comes to, as a server's answer does in `answers.py`."""

import re

from django.utils import timezone

from broadcasts.delivering.answers import AFTER_OUR_FAULT, make_outcome, try_again
from broadcasts.delivering.claiming import Job
from broadcasts.delivering.ledger import Outcome
from broadcasts.delivering.providers.said import Said
from broadcasts.delivering.replies import Reply
from broadcasts.models import Attempt
from broadcasts.results import Result

Kind = Attempt.Outcome
PHASE = "api"
# “'to' parameter is not a valid address”, “email is not valid in to”, “Invalid 'To' address”. Not of a sender.
_BAD = r"(not (a )?valid|invalid|illegal|malformed|unparsable|incorrect)"
_WHOM = r"(\bto\b|recipients?\b|\bto\W{1,3}\d)"
_INVALID = re.compile(
    rf"at least one valid recipient|is an invalid email address|{_WHOM}[^.;]{{0,60}}\b{_BAD}"
    rf"|\b{_BAD}[^.;]{{0,60}}{_WHOM}",
    re.IGNORECASE,
)
_OF_US = re.compile(r"\b(from|sender|reply.?to|domain is not)\b", re.IGNORECASE)


def outcome_of(job: Job, said: Said, *, is_emergency: bool) -> Outcome | None:
    """None: in doubt. `result` None in it: the provider refuses it and it is not about this recipient."""
    reply = Reply(said.code, "", said.text)
    outcome: Outcome | None = None
    match said.status:
        case "sent" | "queued":
            outcome = _taken(job, said, reply)
        case "unknown" if said.message_id:
            # SparkPost took some of a batch and does not say whom; its webhooks will.
            outcome = _taken(job, said, reply)
        case "rejected":
            rule = "provider: on its own list"
            outcome = make_outcome(job, Kind.REFUSED, PHASE, reply, rule=rule, result=Result.BLOCKED)
        case "invalid":
            outcome = _invalid(job, reply)
        case "failed" if _is_about_the_address(said.text):
            outcome = _invalid(job, reply)
        case "failed":
            outcome = try_again(job, PHASE, reply, rule="provider: failed", is_emergency=is_emergency)
        case "refused":
            outcome = _refused(job, reply)
    return outcome


def _taken(job: Job, said: Said, reply: Reply) -> Outcome:
    name = said.message_id
    return make_outcome(job, Kind.ACCEPTED, PHASE, reply, result=Result.SENT, provider_message_id=name)


def _invalid(job: Job, reply: Reply) -> Outcome:
    return make_outcome(job, Kind.REFUSED, PHASE, reply, rule="provider: not valid", result=Result.FAILED)


def _refused(job: Job, reply: Reply) -> Outcome:
    if _is_about_the_address(reply.text):
        return _invalid(job, reply)
    again = timezone.now() + AFTER_OUR_FAULT
    return make_outcome(job, Kind.REFUSED, PHASE, reply, rule="provider: refused", next_attempt_at=again)


def _is_about_the_address(text: str) -> bool:
    return bool(_INVALID.search(text)) and not _OF_US.search(text)
