"""Rows of the Email Log as the rooms upstream leave them."""

from django.utils import timezone

from broadcasts.addresses import address_key
from broadcasts.models import Attempt, Broadcast, Delivery
from broadcasts.results import ABSORBING, Result
from tests import factory


def make_delivery(
    broadcast: Broadcast, email: str = "", result: Result = Result.UNSENT, **fields: object
) -> Delivery:
    if not broadcast.prepared_at:
        broadcast.prepared_at = timezone.now()
        broadcast.status = Broadcast.Status.SENDING
        broadcast.save()
    fields.setdefault("name", email.partition("@")[0].title() or "Nobody")
    fields.setdefault("is_sendable", bool(email) and result not in ABSORBING)
    if "person" not in fields:
        fields["person"] = factory.make_person(broadcast.school, str(fields["name"]), [email] if email else [])
    row = Delivery.objects.create(
        broadcast=broadcast, email=email, address_key=address_key(email), result=result, **fields
    )
    if row.state == Delivery.State.UNCONFIRMED:
        doubt = Attempt.Outcome.IN_DOUBT
        Attempt.objects.create(delivery=row, number=max(row.attempts, 1), at=timezone.now(), outcome=doubt)
    return row


def make_one_of_each(broadcast: Broadcast) -> list[Delivery]:
    """A row for every stored result, so eleven of them: two say Blocked."""
    rows = [
        make_delivery(broadcast, f"{result.name.lower()}@home.example", result)
        for result in Result
        if result is not Result.NO_EMAIL_SELECTED
    ]
    rows.append(make_delivery(broadcast, "", Result.NO_EMAIL_SELECTED, note=Delivery.Note.NO_ADDRESS))
    return rows
