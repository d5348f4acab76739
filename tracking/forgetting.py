"""What this room forgets when a rule of retention says so: the words of events, and what could not be used."""

from collections.abc import Collection
from datetime import datetime

from django.db.models import QuerySet

from broadcasts.addresses import without_addresses
from broadcasts.among import among
from broadcasts.forgetting.also import LOOSE, WORDS_ABOUT, Loose
from broadcasts.models import RetentionRule
from tracking.models import Event, UnusedEvent, UnusedReport
from tracking.storing import ABOUT_A_PERSON


def drop_words(delivery_ids: Collection[int]) -> None:
    """What happened, when, and the rule that decided stay: every count goes by these."""
    empty = dict.fromkeys(ABOUT_A_PERSON, "")
    Event.objects.filter(among("delivery", delivery_ids)).exclude(**empty).update(**empty)


def count_reports(before: datetime) -> int:
    return _old_reports(before).count()


def remove_reports(before: datetime, most: int) -> int:
    """The messages; that they came, when, and why they were of no use stays."""
    found = list(_old_reports(before).order_by("pk").select_for_update(skip_locked=True)[:most])
    for report in found:
        report.raw, report.envelope_recipient = "", ""
        report.reason = without_addresses(report.reason)
    UnusedReport.objects.bulk_update(found, ["raw", "envelope_recipient", "reason"], batch_size=200)
    return len(found)


def _old_reports(before: datetime) -> QuerySet[UnusedReport]:
    return UnusedReport.objects.filter(received_at__lt=before).exclude(raw="", envelope_recipient="")


def count_events(before: datetime) -> int:
    return _old_events(before).count()


def remove_events(before: datetime, most: int) -> int:
    found = list(_old_events(before).order_by("pk").select_for_update(skip_locked=True)[:most])
    for event in found:
        event.raw, event.is_whole = "", False
        event.message_id = event.address_key = ""
        event.reason = without_addresses(event.reason)
    changed = ["raw", "is_whole", "message_id", "address_key", "reason"]
    UnusedEvent.objects.bulk_update(found, changed, batch_size=200)
    return len(found)


def _old_events(before: datetime) -> QuerySet[UnusedEvent]:
    return UnusedEvent.objects.filter(received_at__lt=before).exclude(raw="", message_id="", address_key="")


def take_part() -> None:
    if drop_words not in WORDS_ABOUT:
        WORDS_ABOUT.append(drop_words)
        LOOSE[RetentionRule.Kind.UNUSED] += [
            Loose(count_reports, remove_reports),
            Loose(count_events, remove_events),
        ]
