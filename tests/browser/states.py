"""Broadcasts in states that nobody can bring about by a click, and what only comes in from outside."""

import json
from datetime import timedelta
from typing import Any

from django.utils import timezone

from broadcasts.models import Broadcast, List, School, User
from broadcasts.results import Result
from reports.models import ExportFile
from tests import factory
from tests.reports.rows import make_delivery
from tracking.models import UnusedEvent, UnusedReport

SUBJECT = "Reminder: the parents' evening of the fifth grade is moved on"  # 61 characters
MAILBOX = "maximiliane.hohenberger-schlossmann.of.the.parents.association.x"  # the 64 that a mailbox may have
REFUSAL = "550 5.7.1 [203.0.113.5] Our system has detected that this message is likely unsolicited mail."
TROUBLE = "Nobody answers at smtp.example:587: connection refused."
Status, Hold = Broadcast.Status, Broadcast.Hold


def make_states() -> None:
    """Prints the pages' addresses as one line of JSON, by name."""
    found = {name: f"/broadcasts/{one.pk}/" for name, one in _make_broadcasts().items()}
    one_recipient = _make(SUBJECT, Status.SENT, {Result.DELIVERED: 1})
    found["one_recipient"] = f"/broadcasts/{one_recipient.pk}/"
    found["long_row"] = f"/email-log/{one_recipient.deliveries.get().pk}/"
    found["files_draft"] = f"/broadcasts/{_make_draft_with_files().pk}/"
    _make_exports()
    found["unused_event"], found["unused_report"] = _make_unused()
    print(json.dumps(found))


def _make_broadcasts() -> dict[str, Broadcast]:
    now = timezone.now()
    half = {Result.DELIVERED: 3, Result.OPENED: 2, Result.SOFT_BOUNCED: 1, Result.UNSENT: 2}
    trouble = {"trouble": TROUBLE, "trouble_since": now - timedelta(hours=5)}
    later = now + timedelta(hours=26)
    refused = {"held_for": Hold.REFUSED, "refused_in_row": 1, "last_refusal": REFUSAL}
    return {
        "late": _make("Field day", Status.PAUSED, {}, held_for=Hold.LATE),
        "abandoned": _make(SUBJECT, Status.PAUSED, half, held_for=Hold.ABANDONED, tended_at=now),
        "trouble": _make("Lunch menu", Status.PAUSED, half, held_for=Hold.IN_TROUBLE, **trouble),
        "refused": _make("Picture day", Status.PAUSED, half, **refused),
        "held_up": _make("Bus 12", Status.SENDING, half, next_try_at=later, worked_on_at=now, **trouble),
        "scheduled": _make("Tomorrow", Status.SCHEDULED, {}, send_at=later),
        "quiet": _make("At night", Status.SCHEDULED, {}, school=_quiet_school(), send_at=later),
        "cancelled": _make("Survey", Status.CANCELLED, half, finished_at=now),
    }


def _make(subject: str, status: str, results: dict[Result, int], **fields: Any) -> Broadcast:
    broadcast = factory.make_broadcast(fields.pop("school", None) or _school(), subject=subject)
    for result, count in results.items():
        for number in range(count):
            address = f"{MAILBOX[: -len(str(number))]}{number}@{result.name.lower().replace('_', '-')}.example"
            make_delivery(broadcast, address, result, attempts=1, last_attempt_at=timezone.now())
    fields.setdefault("send_at", timezone.now() - timedelta(hours=3))
    Broadcast.objects.filter(pk=broadcast.pk).update(status=status, sent_by=_user(), **fields)
    return broadcast


def _school() -> School:
    return School.objects.get(slug="sample")


def _user() -> User:
    return User.objects.get(username="admin")


def _quiet_school() -> School:
    """Nearly always, whatever the clock says when this runs."""
    school = factory.make_school("Quiet")
    hours = {"quiet_from": "00:01", "quiet_until": "00:00"}
    School.objects.filter(pk=school.pk).update(**hours)
    return school


def _make_draft_with_files() -> Broadcast:
    draft = factory.make_broadcast(_school(), subject=SUBJECT)
    draft.lists.set(List.objects.filter(school=_school())[:1])
    factory.make_attachment(draft)
    factory.make_attachment(draft, f"{MAILBOX}-scanned-and-never-renamed.pdf", factory.PDF + b"another")
    factory.make_picture(draft)
    return draft


def _make_exports() -> None:
    """Each lives on: a worker that looks in now finds nothing to resume."""
    for status in ExportFile.Status:
        ExportFile.objects.create(
            user=_user(), format="csv", status=status, rows_expected=281_344, rows_written=90_000,
            size=18_734_000, worked_on_at=timezone.now() + timedelta(hours=1),
        )  # fmt: skip


def _make_unused() -> tuple[str, str]:
    reason, raw = "No email is named in it.", "550 no such user " * 40
    event = UnusedEvent.objects.create(provider="postmark", reason=reason, raw=raw, is_whole=True)
    report = UnusedReport.objects.create(envelope_recipient=f"{MAILBOX}@school.example", reason=reason, raw=raw)
    return f"/admin/tracking/unusedevent/{event.pk}/change/", f"/admin/tracking/unusedreport/{report.pk}/change/"
