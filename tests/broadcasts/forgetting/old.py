"""Broadcasts that ended long ago, with all that the log knows of them."""

from datetime import timedelta

from django.utils import timezone

from broadcasts.delivering.settling import settle_deliveries
from broadcasts.models import Attempt, Broadcast, Delivery, RetentionRule, School
from broadcasts.results import Result
from tests import factory
from tests.reports.rows import make_delivery, make_one_of_each

Kind = RetentionRule.Kind
NOW = timezone.now()
LONG_AGO = NOW - timedelta(days=100)
WORDS = "550 5.1.1 <{}>: no such user here"


def make_old(school: School, ended_at: object = LONG_AGO, **fields: object) -> Broadcast:
    values = {"status": "sent", "prepared_at": ended_at, "finished_at": ended_at} | fields
    return factory.make_broadcast(school, **values)  # type: ignore[arg-type]


def make_old_rows(broadcast: Broadcast) -> list[Delivery]:
    """One of each result; all but those that are still tried are settled. Each tried one has the server's words."""
    rows = [row for row in make_one_of_each(broadcast) if row.result != Result.UNSENT]
    Delivery.objects.filter(broadcast=broadcast, result=Result.UNSENT).delete()
    for row in rows:
        if row.is_sendable:
            Delivery.objects.filter(pk=row.pk).update(
                attempts=1, last_attempt_at=LONG_AGO, late_bounce_reason=WORDS.format(row.email),
                address=row.person and row.person.addresses.first(),
            )  # fmt: skip
            Attempt.objects.create(
                delivery=row,
                number=1,
                at=LONG_AGO,
                outcome="refused",
                rule="unknown user",
                text=WORDS.format(row.email),
            )
    settle_deliveries(NOW)
    return list(broadcast.deliveries.order_by("pk"))


def make_rule(kind: Kind = Kind.ADDRESSES, school: School | None = None, days: int | None = 60) -> RetentionRule:
    """In force: two days old."""
    rule = RetentionRule.objects.create(kind=kind, school=school, days=days)
    RetentionRule.objects.filter(pk=rule.pk).update(changed_at=NOW - timedelta(days=2))
    return rule


def make_neighbours(broadcast: Broadcast, count: int, domain: str = "mail.example") -> list[Delivery]:
    return [
        make_delivery(broadcast, f"family{number}@{domain}", Result.DELIVERED, name=f"Family {number}")
        for number in range(count)
    ]
