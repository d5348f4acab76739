"""An attempt or an event in plain words: what it is called on the timeline, and what it means."""

from datetime import datetime

from django.utils.translation import gettext as _

from broadcasts.delivering.replies import plain_words
from broadcasts.models import Attempt
from broadcasts.results import Result
from reports.reasons import reason_for
from tracking.models import Event

Kind = Event.Kind
MACHINES = (Event.Label.AUTOMATIC, Event.Label.SCANNER)


def name_attempt(attempt: Attempt) -> str:
    outcome = Attempt.Outcome(attempt.outcome)
    return _("Attempt %(number)s: %(outcome)s") % {"number": attempt.number, "outcome": outcome.label}


def about_attempt(attempt: Attempt) -> str:
    plain = _in_plain_words(plain_words(attempt.rule))
    return f"{plain} {_what_follows(attempt)}".strip()


def _what_follows(attempt: Attempt) -> str:
    outcome = Attempt.Outcome(attempt.outcome)
    if attempt.result is None and outcome is Attempt.Outcome.REFUSED:
        return _("That is about us, whoever the recipient is: nobody is marked because of it, and we try again.")
    if attempt.result is None and outcome is Attempt.Outcome.DEFERRED:
        return _("The connection broke before the email left, so we try again.")
    if attempt.result == Result.BOUNCED and outcome is Attempt.Outcome.DEFERRED:
        return _("We have tried for as long as we try, so this was the last time.")
    words = {
        Attempt.Outcome.ACCEPTED: _("From here on the email is in the hands of other mail servers."),
        Attempt.Outcome.DEFERRED: _("That is a “try again later”, not a “no”."),
        Attempt.Outcome.REFUSED: _("That is final: we do not try this address again for this broadcast."),
        Attempt.Outcome.IN_DOUBT: _("The connection broke at the one moment when nobody can tell."),
    }
    return words[outcome]


def name_phase(phase: str) -> str:
    words = {
        "rcpt": _("when we named the recipient (rcpt)"),
        "data": _("when we announced the email (data)"),
        "body": _("after we had sent the email (body)"),
    }
    return words.get(phase, phase)


def name_event(event: Event) -> str:
    if event.label == Event.Label.AUTOMATIC:
        return _("The mailbox loaded the pictures by itself")
    if event.label == Event.Label.SCANNER:
        return _("A security program looked at the email")
    return str(Kind(event.kind).label)


def about_event(event: Event, late_bounce_at: datetime | None) -> str:
    if event.label in MACHINES:
        return _by_machine(event)
    if event.effect:
        return _without_effect(event)
    plain = _why(event)
    if is_late(event, late_bounce_at):
        return f"{plain} {late_words()}".strip()
    return f"{plain} {_meaning(Kind(event.kind))}".strip()


def is_late(event: Event, late_bounce_at: datetime | None) -> bool:
    """Whatever the provider calls it: it came back after it had arrived."""
    came_back = event.result in (Result.BOUNCED, Result.FAILED)
    return came_back and late_bounce_at is not None and event.at >= late_bounce_at


def _without_effect(event: Event) -> str:
    """A complaint or an unsubscription from which nothing followed, and why."""
    arrived = _("So it did arrive.")
    if event.effect == Event.Effect.REQUIRED:
        return f"{arrived} " + _(
            "Families do not choose whether this type of broadcast comes, so nothing was changed."
        )
    if event.kind == Kind.COMPLAINED:
        return f"{arrived} " + _("The address was unblocked by hand after that, so it was not blocked again.")
    return f"{arrived} " + _("They were signed up for this type again after that, so nothing was changed.")


def _meaning(kind: Event.Kind) -> str:
    words = {
        Kind.ACCEPTED: _("From here on the email is in the hands of other mail servers."),
        Kind.DELIVERED: _("That server has it now. Where it shows it, in the inbox or among spam, is up to it."),
        Kind.DEFERRED: _("The servers are still trying; we will hear how it ends."),
        Kind.BOUNCED: _("It did not reach the mailbox."),
        Kind.REFUSED: _("It never left: the provider's own list or its rules said no."),
        Kind.FAILED: _("It never arrived at the recipient's server."),
        Kind.CLICKED: _("So somebody has it open."),
        Kind.NOTED: _("That changes nothing for this email."),
        Kind.OPENED: _("Its pictures were loaded."),
        Kind.COMPLAINED: _("So it did arrive. We put the address on the Blocked Email list."),
        Kind.UNSUBSCRIBED: _("So it did arrive. We took this type of broadcast off the address."),
        Kind.AUTO_REPLIED: _("So it did arrive, but perhaps nobody has read it yet."),
    }
    return words[kind]


def _why(event: Event) -> str:
    """Only what keeps an email back needs a reason."""
    if event.kind not in (Kind.BOUNCED, Kind.REFUSED, Kind.FAILED, Kind.DEFERRED):
        return ""
    if words := plain_words(event.rule):
        return _in_plain_words(words)
    is_final = event.result in (Result.BOUNCED, Result.FAILED)
    reason = reason_for(event.rule, event.code, event.text) if is_final else None
    return str(reason.words) if reason else ""


def _in_plain_words(words: str) -> str:
    return _("In plain words: %(words)s.") % {"words": words} if words else ""


def _by_machine(event: Event) -> str:
    if event.label == Event.Label.AUTOMATIC:
        words = _("So it did arrive, but perhaps nobody has read it yet.")
    else:
        words = _("That says nothing about the reader.")
    if event.result == Result.OPENED:
        words += " " + _("A setting of this Messenger makes it count as Opened all the same (COUNT_MACHINE_OPENS).")
    return words


def late_words() -> str:
    return _("The email came back after it counted as received. Results do not move backwards, so we note it beside.")
