"""Broadcasts that were read by some, as the rooms upstream leave them, and the page about them."""

from datetime import UTC, datetime

from django.test import Client
from django.utils import timezone

from broadcasts.models import Broadcast, Delivery, School
from broadcasts.results import Result, raise_results
from reports.behaviour.counting import count_what_changed
from reports.models import CountingRound
from tests import factory
from tracking.models import Event

Label = Event.Label
MONDAY = datetime(2026, 5, 11, 14, 0, tzinfo=UTC)  # 9 am in Chicago
DAYS = "first=2026-05-01&last=2026-05-31"


def make_read(
    school: School,
    opened: int,
    unopened: int = 0,
    *,
    began: datetime = MONDAY,
    type_name: str = "General",
    **others: int,
) -> Broadcast:
    """`others`: results by name, with their numbers of rows."""
    broadcast = factory.make_broadcast(
        school, type_name=type_name, status=Broadcast.Status.SENT, prepared_at=began, worked_on_at=began
    )
    results = {Result.OPENED: opened, Result.DELIVERED: unopened}
    results |= {Result[name.upper()]: number for name, number in others.items()}
    Delivery.objects.bulk_create(
        Delivery(
            broadcast=broadcast, name="Family", result=result, is_sendable=True,
            email=f"{result}-{number}@home.example", address_key=f"{result}-{number}",
        )
        for result, count in results.items() for number in range(count)
    )  # fmt: skip
    return broadcast


def open_by(row: Delivery, label: Event.Label, key: str = "") -> Event:
    if label is Label.PERSON:
        raise_results(Delivery.objects.filter(pk=row.pk), Result.OPENED)
    return Event.objects.create(
        delivery=row, kind=Event.Kind.OPENED, label=label, at=timezone.now(), source=Event.Source.PIXEL,
        key=key or f"{row.pk} {label}",
    )  # fmt: skip


def count() -> int:
    """A round, though the last one may just have ended."""
    CountingRound.objects.update(ended_at=None)
    return count_what_changed(timezone.now())


def page_of(client: Client, address: str = DAYS) -> str:
    count()
    return client.get(f"/reports/behaviour/?{address}").text


def line_of(page: str, label: str) -> list[str]:
    """The cells of the first table's row with this heading: broadcasts, emails, opened, automatic, share."""
    for row in page.split("<tr>")[1:]:
        heading, _, cells = row.partition("</th>")
        if label in heading:
            return [_text(cell.split("</td>")[0]) for cell in cells.split("<td ")[1:]]
    raise AssertionError(f"no row {label}")


def _text(cell: str) -> str:
    inner = cell.partition(">")[2]
    if "<b>" in inner:
        return inner.split("<b>")[1].split("</b>")[0]
    return inner.replace("</span>", "").rpartition(">")[2].strip()
