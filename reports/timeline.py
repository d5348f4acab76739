"""What happened to one delivery, in the order of time and in plain words."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from broadcasts.audit import history
from broadcasts.delivering.doubts import is_on_the_wire
from broadcasts.models import Attempt, Broadcast, Delivery
from broadcasts.results import Result
from broadcasts.templatetags.messenger import moment
from tracking.models import Event


@dataclass(frozen=True)
class Entry:
    at: datetime
    what: str
    more: str = ""
    result: int | None = None
    details: tuple[tuple[str, str], ...] = field(default=())
    other: Delivery | None = None  # the row that it leads to, or comes from


def timeline(delivery: Delivery) -> list[Entry]:
    """Everything there is evidence of, oldest first."""
    entries = [*_prepared(delivery), *_attempts(delivery), *_events(delivery), *_late_bounce(delivery)]
    entries += [*_cancelled(delivery), *_sent_again(delivery)]
    return sorted(entries, key=lambda entry: entry.at)


def _prepared(delivery: Delivery) -> Iterator[Entry]:
    at = delivery.broadcast.prepared_at
    if at is None or delivery.sent_again_for_id:
        return
    if delivery.is_sendable:
        yield Entry(at, _("This email was prepared"), _("It got its row here before the first email left."))
    else:
        why = _("We looked at everybody on the lists and decided not to write here: %(reason)s.")
        reason = delivery.get_note_display() or delivery.get_result_display()
        yield Entry(at, _("This row was written"), why % {"reason": reason}, delivery.result)


def _attempts(delivery: Delivery) -> Iterator[Entry]:
    words = {
        Attempt.Outcome.ACCEPTED: _("From here on the email is in the hands of other mail servers."),
        Attempt.Outcome.DEFERRED: _("That is a “try again later”, not a “no”."),
        Attempt.Outcome.REFUSED: _("That is final: we do not try this address again for this broadcast."),
        Attempt.Outcome.IN_DOUBT: _("The connection broke at the one moment when nobody can tell."),
    }
    for attempt in delivery.tries.all():
        outcome = Attempt.Outcome(attempt.outcome)
        what = _("Attempt %(number)s: %(outcome)s") % {"number": attempt.number, "outcome": outcome.label}
        details = (
            (_("Reply code"), str(attempt.code or "")),
            (_("Status code"), attempt.enhanced_code),
            (_("The server's words"), attempt.text),
            (_("Stage"), attempt.phase),
            (_("Rule that decided"), attempt.rule),
        )
        more = words[outcome]
        if outcome is Attempt.Outcome.DEFERRED and attempt.result == Result.BOUNCED:
            more = _("We have tried for as long as we try, so this was the last time.")
        yield Entry(attempt.at, what, more, attempt.result, _filled(details))


def _events(delivery: Delivery) -> Iterator[Entry]:
    words = {
        Event.Kind.ACCEPTED: _("From here on the email is in the hands of other mail servers."),
        Event.Kind.DELIVERED: _(
            "That server has it now. Where it shows it, in the inbox or among spam, is up to it."
        ),
        Event.Kind.DEFERRED: _("The servers are still trying; we will hear how it ends."),
        Event.Kind.BOUNCED: _("It did not reach the mailbox."),
        Event.Kind.REFUSED: _("It never left: the provider's own list or its rules said no."),
        Event.Kind.FAILED: _("It never arrived at the recipient's server."),
        Event.Kind.CLICKED: _("So somebody has it open."),
        Event.Kind.NOTED: _("That changes nothing for this email."),
        Event.Kind.OPENED: _("Its pictures were loaded."),
        Event.Kind.COMPLAINED: _("So it did arrive. We put the address on the Blocked Email list."),
        Event.Kind.UNSUBSCRIBED: _("So it did arrive. We took this type of broadcast off the address."),
        Event.Kind.AUTO_REPLIED: _("So it did arrive, but perhaps nobody has read it yet."),
    }
    for event in delivery.events.all():
        kind = Event.Kind(event.kind)
        what, more = str(kind.label), words[kind]
        if kind is Event.Kind.BOUNCED and delivery.late_bounce_at and event.at >= delivery.late_bounce_at:
            more = _late_words()
        if event.label in (Event.Label.AUTOMATIC, Event.Label.SCANNER):
            what, more = _fetched_by_machine(Event.Label(event.label))
        details = (
            (_("We know it from"), event.get_source_display()),
            (_("We heard of it"), moment(event.recorded_at)),
            (_("Status code"), event.code),
            (_("The server's words"), event.text),
            (_("Opened by"), str(event.get_label_display())),
            (_("How often that day"), _how_often(event)),
            (_("Program"), event.agent),
            (_("Network"), event.network),
            (_("Rule that decided"), event.rule),
        )
        yield Entry(event.at, what, more, event.result, _filled(details))


def _how_often(event: Event) -> str:
    if event.times < 2 or event.last_at is None:
        return ""
    words = ngettext("%(count)s time, last on %(last)s", "%(count)s times, last on %(last)s", event.times)
    return words % {"count": intcomma(event.times), "last": moment(event.last_at)}


def _fetched_by_machine(label: Event.Label) -> tuple[str, str]:
    if label is Event.Label.AUTOMATIC:
        return _("The mailbox loaded the pictures by itself"), _(
            "So it did arrive, but perhaps nobody has read it yet."
        )
    return _("A security program looked at the email"), _("That says nothing about the reader.")


def _late_bounce(delivery: Delivery) -> Iterator[Entry]:
    """For a late bounce that has no event of its own."""
    at = delivery.late_bounce_at
    if at and not any(event.kind == Event.Kind.BOUNCED and event.at >= at for event in delivery.events.all()):
        details = _filled(((_("The server's words"), delivery.late_bounce_reason),))
        yield Entry(at, _("It bounced later"), _late_words(), None, details)


def _late_words() -> str:
    return _("The email came back after it counted as received. Results do not move backwards, so we note it beside.")


def _cancelled(delivery: Delivery) -> Iterator[Entry]:
    at = delivery.broadcast.finished_at
    if at and delivery.note == Delivery.Note.CANCELLED:
        yield Entry(at, _("The broadcast was cancelled"), _("This email had not left yet, so it never will."))


def _sent_again(delivery: Delivery) -> Iterator[Entry]:
    """On both rows: on the one that was missed, and on the one that carries it to the corrected address."""
    old, new = delivery.sent_again_for, delivery.sent_again_as.first()
    if old:
        at, who = _pressed(delivery)
        what = _("%(who)s sent this missed email again") % {"who": who}
        words = _("It had not reached %(address)s, which was corrected to %(now)s.")
        yield Entry(at, what, words % {"address": old.email, "now": delivery.email}, other=old)
    if new:
        at, who = _pressed(new)
        what = _("%(who)s sent it again, to the corrected address") % {"who": who}
        words = _("This row stays as it is. What became of the email to %(address)s is on a row of its own.")
        yield Entry(at, what, words % {"address": new.email}, other=new)


def _pressed(row: Delivery) -> tuple[datetime, str]:
    """When the row was added by hand, and by whom."""
    deed = history(row).filter(action="delivery.sent_again").first()
    if deed:
        return deed.at, deed.actor_name
    return row.last_attempt_at or row.broadcast.prepared_at or timezone.now(), _("Somebody")


def _filled(details: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in details if value)


def standing(delivery: Delivery) -> str:
    """What is going on with it now and what comes next; empty when nothing does."""
    if is_on_the_wire(delivery):
        return _("It is being sent at this moment.")
    if delivery.state in (Delivery.State.IN_DOUBT, Delivery.State.UNCONFIRMED):
        return _doubt(delivery)
    if delivery.next_attempt_at is None:
        return ""
    return _waiting(delivery, delivery.next_attempt_at)


def _waiting(delivery: Delivery, until: datetime) -> str:
    broadcast = delivery.broadcast
    if broadcast.status == Broadcast.Status.PAUSED:
        return _("It is waiting because the broadcast is paused.")
    if broadcast.trouble and broadcast.trouble_since:
        words = _("It is waiting because our mail server has had trouble since %(since)s. Sending goes on by itself.")
        return words % {"since": moment(broadcast.trouble_since)}
    if delivery.attempts == 0:
        return _("It is waiting for its turn.")
    return _("It is now waiting until %(when)s. Then we try again.") % {"when": moment(until)}


def _doubt(delivery: Delivery) -> str:
    unclear = _("In doubt: we do not know whether the mail server took this email, because the connection broke.")
    kind = delivery.broadcast.broadcast_type
    if delivery.state == Delivery.State.UNCONFIRMED or (kind and not kind.repeat_when_in_doubt):
        stays = _("Broadcasts of this type are not sent twice, so it stays like this unless we hear more.")
        return f"{unclear} {stays}"
    return f"{unclear} {_('If we hear nothing soon, we send it once more; somebody may get it twice.')}"
