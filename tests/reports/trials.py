"""Broadcasts that fared well or ill at somebody's address."""

from datetime import datetime, timedelta

from django.utils import timezone

from broadcasts.models import Attempt, Broadcast, Delivery, EmailAddress, Person, School
from broadcasts.results import ABSORBING, Result
from tests import factory


def address_of(person: Person) -> EmailAddress:
    return EmailAddress.objects.filter(person=person, is_active=True).earliest("pk")


def make_sent(
    school: School, subject: str = "Menu", *, ago: timedelta = timedelta(hours=1), type_name: str = "General"
) -> Broadcast:
    return factory.make_broadcast(
        school,
        subject=subject,
        type_name=type_name,
        status=Broadcast.Status.SENT,
        prepared_at=timezone.now() - ago,
    )


def make_trial(broadcast: Broadcast, person: Person, result: Result, rule: str = "", **fields: object) -> Delivery:
    """A row of this person at their address; with `rule`, the refusal that decided it."""
    address = address_of(person)
    at: datetime | None = broadcast.prepared_at
    values: dict[str, object] = {
        "address": address,
        "name": person.name,
        "email": address.address,
        "address_key": address.key,
        "is_sendable": result not in ABSORBING,
        "attempts": 1,
        "last_attempt_at": at,
    }
    row = Delivery.objects.create(broadcast=broadcast, person=person, result=result, **{**values, **fields})
    if rule:
        Attempt.objects.create(
            delivery=row, number=1, at=at or timezone.now(), outcome="refused", result=result, code=550, rule=rule,
            text="550 no thanks",
        )  # fmt: skip
    return row


def make_failed(
    school: School, name: str = "Ann", address: str = "an@home.example", rule: str = "unknown user"
) -> Delivery:
    person = factory.make_person(school, name, [address])
    return make_trial(make_sent(school), person, Result.FAILED, rule)
