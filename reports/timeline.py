"""What happened to one delivery, in the order of time and in plain words."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from broadcasts.audit import history
from broadcasts.blocking import deeds_about
from broadcasts.deeds import words_for
from broadcasts.delivering.doubts import is_on_the_wire
from broadcasts.delivering.sweeping import SOFT_BOUNCE_HORIZON
from broadcasts.models import AuditEntry, Broadcast, Delivery
from broadcasts.results import Result
from broadcasts.templatetags.messenger import moment
from reports.evidence_words import (
    about_attempt,
    about_event,
    is_late,
    late_words,
    name_attempt,
    name_event,
    name_phase,
)
from tracking.models import Event


@dataclass(frozen=True)
class Entry:
    at: datetime | None  # None: nobody wrote down when; it stands where it belongs
    what: str
    more: str = ""
    result: int | None = None
    details: tuple[tuple[str, str], ...] = field(default=())
    other: Delivery | None = None  # the row that it leads to, or comes from
    rule: str = ""
    decides: bool = False  # this made the result what it is


def timeline(delivery: Delivery) -> list[Entry]:
    """Everything there is evidence of, oldest first."""
    entries = [*_prepared(delivery), *_attempts(delivery), *_events(delivery), *_late_bounce(delivery)]
    entries += [
        *_cancelled(delivery),
        *_stopped(delivery),
        *_given_up(delivery),
        *_sent_again(delivery),
        *_blocks(delivery),
    ]
    dated = sorted((entry.at, number, entry) for number, entry in enumerate(entries) if entry.at)
    return list(_with_decision([*(entry for _at, _number, entry in dated), *_held_back(delivery)], delivery.result))


def _with_decision(entries: list[Entry], result: int) -> Iterator[Entry]:
    """A result is the greatest that anything argues for: the first that argued for it made it."""
    deciding = next((entry for entry in entries if entry.result == result), None)
    return (replace(entry, decides=True) if entry is deciding else entry for entry in entries)


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
    for attempt in delivery.tries.all():
        details = (
            (_("Reply code"), str(attempt.code or "")),
            (_("Status code"), attempt.enhanced_code),
            (_("The server's words"), attempt.text),
            (_("Stage"), name_phase(attempt.phase)),
            (_("Rule that decided"), attempt.rule),
        )
        what, more = name_attempt(attempt), about_attempt(attempt)
        yield Entry(attempt.at, what, more, attempt.result, _filled(details), rule=attempt.rule)


def _events(delivery: Delivery) -> Iterator[Entry]:
    for event in delivery.events.all():
        is_from_provider = event.source == Event.Source.WEBHOOK
        details = (
            (_("We know it from"), event.get_source_display()),
            (_("Email provider"), event.rule.partition(": ")[0] if is_from_provider else ""),
            (_("We heard of it"), moment(event.recorded_at)),
            (_("Status code"), event.code),
            (_("The server's words"), event.text),
            (_("Opened by"), str(event.get_label_display())),
            (_("How often that day"), _how_often(event)),
            (_("Program"), event.agent),
            (_("Network"), event.network),
            (_("Rule that decided"), event.rule),
        )
        what, more = name_event(event), about_event(event, delivery.late_bounce_at)
        yield Entry(event.at, what, more, event.result, _filled(details), rule=event.rule)


def _how_often(event: Event) -> str:
    if event.times < 2 or event.last_at is None:
        return ""
    words = ngettext("%(count)s time, last on %(last)s", "%(count)s times, last on %(last)s", event.times)
    return words % {"count": intcomma(event.times), "last": moment(event.last_at)}


def _late_bounce(delivery: Delivery) -> Iterator[Entry]:
    """For a late bounce that has no event of its own."""
    at = delivery.late_bounce_at
    if at and not any(is_late(event, at) for event in delivery.events.all()):
        details = _filled(((_("The server's words"), delivery.late_bounce_reason),))
        yield Entry(at, _("It bounced later"), late_words(), None, details)


def _cancelled(delivery: Delivery) -> Iterator[Entry]:
    at = delivery.broadcast.finished_at
    if not at or delivery.note != Delivery.Note.CANCELLED:
        return
    if delivery.result == Result.UNSENT:
        yield Entry(at, _("The broadcast was cancelled"), _("This email had not left yet, so it never will."))
    else:
        words = _("It had not worked until then, and nobody tries any more.")
        yield Entry(at, _("The broadcast was cancelled"), words, Result.BOUNCED)


def _stopped(delivery: Delivery) -> Iterator[Entry]:
    tried_at = delivery.last_attempt_at
    if not tried_at or delivery.note != Delivery.Note.STOPPED:
        return
    # A broadcast can be stopped again, when something was sent again in between.
    stops = history(delivery.broadcast).filter(action="broadcast.retries_stopped", at__gte=tried_at).order_by("at")
    at = stops.values_list("at", flat=True).first() or delivery.broadcast.retries_stopped_at or tried_at
    words = _("It had not worked until then, and nobody tries any more.")
    yield Entry(at, str(Delivery.Note.STOPPED.label), words, Result.BOUNCED)


def _given_up(delivery: Delivery) -> Iterator[Entry]:
    """“Still trying” must be true: closed because nobody said anything for so long."""
    at = delivery.last_attempt_at
    has_said_so = any(attempt.result == Result.BOUNCED for attempt in delivery.tries.all())
    if delivery.note == Delivery.Note.GAVE_UP and at and not has_said_so:
        words = _("Nobody has told us more for %(hours)d hours, so we count on nobody trying any more.")
        hours = SOFT_BOUNCE_HORIZON.total_seconds() // 3600
        yield Entry(at + SOFT_BOUNCE_HORIZON, _("We stopped waiting"), words % {"hours": hours}, Result.BOUNCED)


def _held_back(delivery: Delivery) -> Iterator[Entry]:
    """What a worker found when it took the row up, before it wrote to anybody."""
    if not delivery.is_sendable:
        return
    words = {
        Delivery.Note.BLOCKED: _("When its turn came, the address was on the Blocked Email list."),
        Delivery.Note.DO_NOT_CONTACT: _(
            "When its turn came, this person was marked “do not contact” for the student."
        ),
    }
    if delivery.note in words:
        made = delivery.result in (Result.BLOCKED, Result.NO_EMAIL_SELECTED, Result.BOUNCED)
        note = Delivery.Note(delivery.note)
        yield Entry(None, _("It was held back"), words[note], delivery.result if made else None)


def _blocks(delivery: Delivery) -> Iterator[Entry]:
    """Blocked and lifted since this was prepared; of a row that says Blocked, also the block that kept it back."""
    since = delivery.broadcast.prepared_at
    if not delivery.address_key or since is None:
        return
    deeds = list(deeds_about(delivery.address_key).order_by("-at", "-pk")[:50])
    before = [deed for deed in deeds if deed.at <= since and deed.action != "blocked_email.removed"]
    shown = [deed for deed in deeds if deed.at > since]
    if delivery.note == Delivery.Note.BLOCKED:
        shown += before[:1]
    for deed in shown:
        yield _block_entry(deed, delivery)


def _block_entry(deed: AuditEntry, delivery: Delivery) -> Entry:
    reason = deed.details.get("reason")
    more = _("Reason: %(reason)s") % {"reason": reason} if reason else ""
    if deed.action == "blocked_email.removed" and delivery.result == Result.BLOCKED:
        more = f"{_('This row stays Blocked, because results only move forward.')} {more}".strip()
    return Entry(deed.at, f"{deed.actor_name} {words_for(deed.action)}", more)


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
    if delivery.next_attempt_at is None and delivery.state != Delivery.State.WAITING:
        return ""
    return _waiting(delivery, delivery.next_attempt_at)


def _waiting(delivery: Delivery, until: datetime | None) -> str:
    broadcast = delivery.broadcast
    if broadcast.status == Broadcast.Status.PAUSED:
        return _("It is waiting because the broadcast is paused.")
    if broadcast.trouble and broadcast.trouble_since:
        words = _("It is waiting because our mail server has had trouble since %(since)s. Sending goes on by itself.")
        return words % {"since": moment(broadcast.trouble_since)}
    if delivery.attempts == 0 or until is None:
        return _("It is waiting for its turn.")
    return _("It is now waiting until %(when)s. Then we try again.") % {"when": moment(until)}


def _doubt(delivery: Delivery) -> str:
    unclear = _("In doubt: we do not know whether the mail server took this email, because the connection broke.")
    kind = delivery.broadcast.broadcast_type
    if delivery.state == Delivery.State.UNCONFIRMED or (kind and not kind.repeat_when_in_doubt):
        stays = _("Broadcasts of this type are not sent twice, so it stays like this unless we hear more.")
        return f"{unclear} {stays}"
    return f"{unclear} {_('If we hear nothing soon, we send it once more; somebody may get it twice.')}"
