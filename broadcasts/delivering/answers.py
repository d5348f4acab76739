"""What a server's answer about one delivery comes to: a result, another attempt, or our own fault."""

from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from broadcasts.delivering.claiming import Job
from broadcasts.delivering.ledger import Outcome
from broadcasts.delivering.replies import Reply, classify
from broadcasts.delivering.retrying import next_attempt
from broadcasts.models import Attempt, Delivery
from broadcasts.results import Result

# A server that breaks off over the same recipient this often says something about the recipient.
MOST_BREAKS = 3
AFTER_A_BREAK = timedelta(seconds=15)
AFTER_OUR_FAULT = timedelta(hours=1)
Kind = Attempt.Outcome


def accepted(job: Job, reply: Reply) -> Outcome:
    return make_outcome(job, Kind.ACCEPTED, "body", reply, result=Result.SENT)


def refused(job: Job, phase: str, reply: Reply, *, is_emergency: bool) -> Outcome:
    """`result` None: the server refuses us, whoever the recipient is: somebody must look after it."""
    meaning = classify(reply.code, reply.enhanced, reply.text, phase)
    if meaning.result is None:
        again = timezone.now() + AFTER_OUR_FAULT
        return make_outcome(job, Kind.REFUSED, phase, reply, rule=meaning.rule, next_attempt_at=again)
    if meaning.result == Result.SOFT_BOUNCED:
        return try_again(job, phase, reply, rule=meaning.rule, is_emergency=is_emergency)
    return make_outcome(job, Kind.REFUSED, phase, reply, rule=meaning.rule, result=meaning.result)


def broke_off(job: Job, phase: str, reply: Reply, *, is_emergency: bool) -> Outcome:
    """Nobody's fault at first, and others go first; repeated, a temporary failure of this recipient."""
    if job.attempts >= MOST_BREAKS:
        return try_again(job, phase, reply, is_emergency=is_emergency)
    again = timezone.now() + AFTER_A_BREAK * job.attempts
    return make_outcome(job, Kind.DEFERRED, phase, reply, next_attempt_at=again)


def not_written(job: Job) -> Outcome:
    """An error of ours over this one email: the others go on, and somebody finds it in the log."""
    again = timezone.now() + AFTER_OUR_FAULT
    words = Reply(0, "", _("Messenger could not write this email; its log says why."))
    return make_outcome(job, Kind.REFUSED, "body", words, rule="our own error", next_attempt_at=again)


def cannot_write_to_it() -> str:
    return _("This address has letters before the @ that the mail server of this school cannot write to.")


def not_writable(job: Job, *, is_for_now: bool, is_emergency: bool) -> Outcome:
    """No mail server of ours takes its letters before the @; or one that is away might. Nobody was asked.

    Bounced, not Failed: it says nothing against the address, which must not be blocked for it.
    """
    words = Reply(0, "", cannot_write_to_it())
    rule = "letters before the @ not taken"
    if is_for_now:
        return try_again(job, "rcpt", words, rule=rule, is_emergency=is_emergency)
    return make_outcome(job, Kind.REFUSED, "rcpt", words, rule=rule, result=Result.BOUNCED)


def try_again(job: Job, phase: str, reply: Reply, *, rule: str = "", is_emergency: bool) -> Outcome:
    """A temporary failure of this recipient: later, or no more."""
    again = next_attempt(job.attempts, is_emergency=is_emergency, now=timezone.now())
    if again is None:
        given_up = Delivery.Note.GAVE_UP
        return make_outcome(job, Kind.DEFERRED, phase, reply, rule=rule, result=Result.BOUNCED, note=given_up)
    soft = Result.SOFT_BOUNCED
    return make_outcome(job, Kind.DEFERRED, phase, reply, rule=rule, result=soft, next_attempt_at=again)


def make_outcome(job: Job, kind: Attempt.Outcome, phase: str, reply: Reply, **rest: object) -> Outcome:
    """`rest`: more fields of an Outcome."""
    return Outcome(
        delivery_id=job.pk,
        number=job.attempts,
        at=timezone.now(),
        outcome=kind,
        phase=phase,
        code=reply.code or None,
        enhanced_code=reply.enhanced,
        text=reply.text,
        **rest,  # type: ignore[arg-type]
    )
