"""Send a missed email again, to the address that replaces the wrong one: a row of its own, linked to the old one.

The old row stays what it is. Nobody who has the email, or may still get it, gets a second copy.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from broadcasts import audit
from broadcasts.blocking import find_block
from broadcasts.delivering.claiming import SENDING
from broadcasts.models import BlockLevel, ContactType, Delivery, EmailAddress, Guardianship, User
from broadcasts.models.deliveries import DeliveryQuerySet
from broadcasts.results import Result

# Older news would only puzzle its readers.
RECENT = timedelta(days=30)
# An emergency is over sooner: it is offered, but not ticked.
AN_EMERGENCY_LASTS = timedelta(days=1)

ARRIVED = (Result.SENT, Result.DELIVERED, Result.OPENED)


@dataclass
class SentAgain:
    """`left_out`: the rows that were not sent again, each with the reason in plain words."""

    sent: list[Delivery] = field(default_factory=list)
    left_out: list[tuple[Delivery, str]] = field(default_factory=list)


def missed_broadcasts(old: EmailAddress, now: datetime) -> DeliveryQuerySet:
    """The rows of this address's person that did not arrive at it lately and were not sent again, newest first."""
    again = Delivery.objects.filter(sent_again_for=OuterRef("pk"))
    carrier_missed = Q(result=Result.DUPLICATE) & _did_not_arrive("duplicate_of__")
    return (
        Delivery.objects.filter(_did_not_arrive() | carrier_missed, ~Exists(again), person=old.person_id, address=old)
        .filter(broadcast__status__in=SENDING, broadcast__prepared_at__gte=now - RECENT)
        .order_by("-broadcast__prepared_at", "-pk")
    )


def _did_not_arrive(row: str = "") -> Q:
    returned_late = Q(**{f"{row}result": Result.DELIVERED, f"{row}late_bounce_at__isnull": False})
    return Q(**{f"{row}result__in": [Result.FAILED, Result.BOUNCED]}) | returned_late


def is_worth_sending(delivery: Delivery, now: datetime) -> bool:
    """Whether it is ticked at first: an emergency of last week is not."""
    prepared_at = delivery.broadcast.prepared_at
    return not delivery.broadcast.is_emergency or (
        prepared_at is not None and prepared_at >= now - AN_EMERGENCY_LASTS
    )


def find_obstacles(deliveries: Collection[Delivery], to: EmailAddress) -> Mapping[int, str]:
    """Why some of these rows cannot be sent again to this address: row number → reason in plain words."""
    general = _general_obstacle(to)
    if general:
        return {delivery.pk: general for delivery in deliveries}
    found = {}
    types = set(ContactType.objects.coming().filter(address=to).values_list("broadcast_type_id", flat=True))
    already = _already_there(deliveries, to)
    block = find_block(to.key)
    for delivery in deliveries:
        kind = delivery.broadcast.broadcast_type
        if block and not (kind and kind.is_emergency and block.level == BlockLevel.EXCEPT_EMERGENCY):
            found[delivery.pk] = _("%(address)s is on the Blocked Email list.") % {"address": to.address}
            continue
        if delivery.broadcast_id in already:
            found[delivery.pk] = already[delivery.broadcast_id]
        elif kind is None or kind.pk not in types:
            words = _("%(address)s does not receive broadcasts of the type %(type)s.")
            found[delivery.pk] = words % {"address": to.address, "type": kind}
    return found


def _general_obstacle(to: EmailAddress) -> str:
    if not to.person.is_active:
        return _("%(person)s is not active in the directory and gets no broadcasts.") % {"person": to.person}
    if not (to.is_active and to.is_valid):
        return _("%(address)s is not an address that we write to.") % {"address": to.address}
    # Which child a missed email was about may have changed since: a mistake errs on the side of silence.
    if Guardianship.objects.filter(guardian=to.person_id, do_not_contact=True, student__is_active=True).exists():
        return _("%(person)s is marked “do not contact” for a student.") % {"person": to.person}
    return ""


def _already_there(deliveries: Collection[Delivery], to: EmailAddress) -> Mapping[int, str]:
    """Broadcast → who has it already at that address, or where this person has it."""
    missed = {delivery.pk for delivery in deliveries}
    broadcasts = {delivery.broadcast_id for delivery in deliveries}
    found = {}
    theirs = Delivery.objects.filter(broadcast__in=broadcasts, person=to.person_id).exclude(pk__in=missed)
    for row in theirs.select_related("duplicate_of"):
        carrier = row.duplicate_of or row
        if _is_there_or_on_its_way(carrier):
            words = _("%(person)s already gets it at %(address)s.")
            found[row.broadcast_id] = words % {"person": to.person, "address": carrier.email}
        elif row.address_key == to.key:
            words = _("They already have a row for %(address)s, which says: %(result)s.")
            found[row.broadcast_id] = words % {"address": to.address, "result": row.get_result_display()}
    others = Delivery.objects.filter(broadcast__in=broadcasts, address_key=to.key, is_sendable=True)
    for row in others.exclude(person=to.person_id):
        words = _("It already went to %(address)s, for %(person)s; the row there says: %(result)s.")
        values = {"address": to.address, "person": row.name, "result": row.get_result_display()}
        found[row.broadcast_id] = words % values
    return found


def _is_there_or_on_its_way(row: Delivery) -> bool:
    is_on_its_way = row.next_attempt_at is not None or row.state != Delivery.State.IDLE
    return is_on_its_way or (row.result in ARRIVED and row.late_bounce_at is None)


@transaction.atomic
def send_again(missed: QuerySet[Delivery], to: EmailAddress, by: User) -> SentAgain:
    """One new row for each of these rows (of `missed_broadcasts`), due now. Safe to repeat: the second does nothing.

    The caller wakes the workers of the broadcasts of `sent`.
    """
    now = timezone.now()
    # Two presses at once wait for each other here; the second finds what the first has written.
    locked = missed.select_for_update(of=("self",), no_key=True).select_related(
        "broadcast__broadcast_type", "broadcast__school"
    )
    rows = {row.pk: row for row in sorted(locked, key=lambda row: row.pk)}
    done = set(Delivery.objects.filter(sent_again_for__in=rows).values_list("sent_again_for_id", flat=True))
    to = EmailAddress.objects.select_related("person").get(pk=to.pk)  # as it is now, not as the page had it
    open_rows = [row for pk, row in rows.items() if pk not in done]
    obstacles = find_obstacles(open_rows, to)
    wanted = [row for row in open_rows if row.pk not in obstacles]
    Delivery.objects.bulk_create([_new_row(row, to, now) for row in wanted], ignore_conflicts=True)
    outcome = SentAgain(left_out=[(row, obstacles[row.pk]) for row in open_rows if row.pk in obstacles])
    for old, new in _pair(wanted):
        if new is None:
            outcome.left_out.append((old, _("Somebody else gets it at that address since a moment ago.")))
            continue
        outcome.sent.append(new)
        audit.record(
            by, "delivery.sent_again", new, school=old.broadcast.school,
            broadcast=str(old.broadcast), was=old.email, now=new.email,
        )  # fmt: skip
        # Its page has a recipient more from now on, and has to say why.
        audit.record(by, "broadcast.sent_again", old.broadcast, school=old.broadcast.school, to=new.email)
    return outcome


def _new_row(old: Delivery, to: EmailAddress, now: datetime) -> Delivery:
    """Name and language are today's, as in any row that is written today."""
    return Delivery(
        broadcast=old.broadcast,
        person=to.person,
        address=to,
        name=to.person.name,
        email=to.address,
        address_key=to.key,
        language=to.person.language,
        is_sendable=True,
        sent_again_for=old,
        next_attempt_at=now,
    )


def _pair(wanted: Collection[Delivery]) -> Iterator[tuple[Delivery, Delivery | None]]:
    """Each old row with what was written for it; None where a constraint of the database said no."""
    written = Delivery.objects.filter(sent_again_for__in=[row.pk for row in wanted]).select_related("broadcast")
    by_old = {row.sent_again_for_id: row for row in written}
    for old in wanted:
        yield old, by_old.get(old.pk)
