"""Correct the address of a row, and send what was missed."""

from django.utils import timezone

from broadcasts.models import Delivery, EmailAddress, Person, User
from broadcasts.people.editing import correct_address
from broadcasts.preparing.sending_again import missed_broadcasts, send_again


def ann_of(row: Delivery) -> Person:
    assert row.person
    return row.person


def correct(row: Delivery, by: User, to: str = "ann@home.example") -> tuple[EmailAddress, EmailAddress]:
    """The address of this row before and after."""
    old = EmailAddress.objects.get(person=row.person, address=row.email)
    return old, correct_address(old, to, by=by)


def missed(old: EmailAddress) -> list[int]:
    return [row.pk for row in missed_broadcasts(old, timezone.now())]


def press(old: EmailAddress, new: EmailAddress, by: User) -> tuple[list[Delivery], list[str]]:
    outcome = send_again(missed_broadcasts(old, timezone.now()), new, by)
    return outcome.sent, [reason for _row, reason in outcome.left_out]
