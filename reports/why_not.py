"""Why a broadcast did not reach somebody, in plain words; or that it did."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _

from broadcasts.delivering.doubts import doubt_about
from broadcasts.models import (
    BlockedEmail,
    Broadcast,
    ContactType,
    ContactTypeChange,
    Delivery,
    EmailAddress,
    Person,
    User,
)
from broadcasts.results import Result
from broadcasts.templatetags.messenger import moment
from reports.explanations import explain_row
from reports.reasons import explain_failures
from reports.timeline import standing

Note = Delivery.Note
MOST_BROADCASTS = 100


@dataclass(frozen=True)
class Answer:
    words: str
    delivery: Delivery | None = None  # the row that says more


def explain_absence(broadcast: Broadcast, person: Person) -> list[Answer]:
    """An answer for each row of this person; one where there is none."""
    rows = Delivery.objects.filter(broadcast=broadcast, person=person).order_by("pk")
    joined = rows.select_related(
        "broadcast__broadcast_type", "broadcast__school", "duplicate_of__broadcast__broadcast_type"
    )
    return [Answer(words_for(row), row) for row in joined] or [Answer(_without_a_row(broadcast, person))]


def _without_a_row(broadcast: Broadcast, person: Person) -> str:
    prepared_at = broadcast.prepared_at
    if prepared_at is None:
        return _("This broadcast has not been sent yet.")
    values = {
        "person": person.name,
        "prepared": moment(prepared_at, broadcast.school),
        "added": moment(person.created_at, broadcast.school),
        "lists": ", ".join(sorted(each.name for each in broadcast.lists.all())),
    }
    if person.created_at > prepared_at:
        words = _("%(person)s was added on %(added)s, after this broadcast was prepared on %(prepared)s.")
    elif not person.is_active:
        words = _("%(person)s is not active in the directory, and who is not active gets no broadcasts.")
    else:
        words = _("%(person)s was not on its lists (%(lists)s) when it was prepared on %(prepared)s.")
    return words % values


def words_for(row: Delivery) -> str:
    if row.late_bounce_at:
        return _join(_returned_late(row), _reason(row))
    say = _blocked if row.note == Note.BLOCKED else _BY_RESULT.get(Result(row.result), _under_way)
    return say(row)


def _join(*sentences: object) -> str:
    return " ".join(str(each) for each in sentences if each)


def _reason(row: Delivery) -> object:
    if row.note == Note.DO_NOT_CONTACT:
        return _("They were marked “do not contact” for the student before it worked.")
    if row.note == Note.CANCELLED:
        return _("The broadcast was cancelled before it worked.")
    if row.note == Note.STOPPED:
        return _("Somebody stopped our trying again before it worked.")
    return explain_failures([row])[row.pk].words


def _came_back(row: Delivery) -> str:
    return _join(_("It did not reach %(email)s.") % {"email": row.email}, _reason(row))


def _under_way(row: Delivery) -> str:
    return _join(explain_row(row, doubt_about(row)).meaning, standing(row))


def _values(row: Delivery) -> dict[str, str]:
    school = row.broadcast.school
    return {
        "email": row.email,
        "when": moment(row.last_attempt_at, school),
        "late": moment(row.late_bounce_at, school),
        "prepared": moment(row.broadcast.prepared_at, school),
    }


def _arrived(row: Delivery) -> str:
    if row.result == Result.OPENED:
        return _("They did get it at %(email)s, sent on %(when)s, and somebody opened it.") % _values(row)
    return _("They did get it at %(email)s: sent on %(when)s, and their mail service has it.") % _values(row)


def _returned_late(row: Delivery) -> str:
    return _("It counted as received at %(email)s, and came back on %(late)s.") % _values(row)


def _shared(row: Delivery) -> str:
    carrier = row.duplicate_of
    if carrier is None:
        return _("Somebody else with the address %(email)s was to get it there; that row is gone.") % _values(row)
    words = _("They share %(email)s with %(person)s, whose row carries the one email to this address.")
    return _join(words % {"email": row.email, "person": carrier.name}, words_for(carrier))


def _blocked(row: Delivery) -> str:
    entry = BlockedEmail.objects.filter(key=row.address_key).first()
    if entry is None:
        return _("%(email)s was on the Blocked Email list when this was sent. It is not on it any more.") % _values(
            row
        )
    words = _("%(email)s is on the Blocked Email list since %(since)s. Why: %(reason)s")
    since = moment(entry.added_at, row.broadcast.school)
    return words % {"email": row.email, "since": since, "reason": entry.reason or entry.get_source_display()}


def _unselected(row: Delivery) -> str:
    return " ".join(_why_unselected(row))


def _why_unselected(row: Delivery) -> Iterator[str]:
    if row.note == Note.NO_ADDRESS:
        yield _("There was no email address on file for them.")
        return
    if row.note == Note.DO_NOT_CONTACT:
        yield _("They are marked “do not contact” for the student, so nothing was written to them.")
        return
    values = {"type": str(row.broadcast.broadcast_type)}
    yield _("None of their addresses received broadcasts of the type %(type)s.") % values
    for address in EmailAddress.objects.filter(person=row.person_id, is_active=True).order_by("position", "pk"):
        yield _switched_off(address, row)


def _switched_off(address: EmailAddress, row: Delivery) -> str:
    """Who took the type off the address, and when; or that it has come back since."""
    kind, school = row.broadcast.broadcast_type_id, row.broadcast.school
    choice = ContactType.objects.filter(address=address, broadcast_type=kind).first()
    off = ContactTypeChange.objects.filter(address=address, broadcast_type=kind, receives=False)
    change = off.select_related("changed_by").first()
    if (
        choice
        and not choice.receives
        and ContactType.objects.coming_of(row.broadcast.broadcast_type).filter(pk=choice.pk)
    ):
        words = _("For %(address)s the family switched it off; as it is required now, the next one goes there.")
        return words % {"address": address.address}
    if choice and choice.receives:
        words = _("%(address)s receives it since %(when)s, so the next one goes there.")
        return words % {"address": address.address, "when": moment(choice.changed_at, school)}
    if change:
        who = change.changed_by.display_name if change.changed_by else change.get_chosen_by_display()
        words = _("For %(address)s it was switched off by %(who)s on %(when)s.")
        return words % {"address": address.address, "who": who, "when": moment(change.at, school)}
    if choice:
        words = _("For %(address)s it was switched off by %(who)s on %(when)s.")
        when = moment(choice.changed_at, school)
        return words % {"address": address.address, "who": choice.get_chosen_by_display(), "when": when}
    return _("Nobody ever selected it for %(address)s.") % {"address": address.address}


_BY_RESULT: Mapping[Result, Callable[[Delivery], str]] = {
    Result.DELIVERED: _arrived,
    Result.OPENED: _arrived,
    Result.BOUNCED: _came_back,
    Result.FAILED: _came_back,
    Result.DUPLICATE: _shared,
    Result.NO_EMAIL_SELECTED: _unselected,
    Result.BLOCKED: _blocked,
}


def answers_for(broadcast: Broadcast, people: list[Person]) -> list[tuple[Person, list[Answer]]]:
    return [(person, explain_absence(broadcast, person)) for person in people]


def broadcasts_to_ask_about(user: User, subject: str) -> list[Broadcast]:
    """The latest ones that were prepared, perhaps only those with these words in their subject."""
    prepared = Broadcast.objects.visible_to(user).filter(prepared_at__isnull=False).select_related("school")
    return list((prepared.filter(name__icontains=subject) if subject else prepared)[:MOST_BROADCASTS])
