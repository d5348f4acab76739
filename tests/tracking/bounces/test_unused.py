"""What could not be used waits for a person, bounded, and can be read again."""

from unittest.mock import patch

import pytest
from django.test import Client
from django.urls import reverse

from broadcasts.models import AuditEntry, Delivery
from broadcasts.results import Result
from tests.tracking.rows import bounce_address, make_delivery
from tests.tracking.test_ingesting import dsn
from tracking.bounces import unused
from tracking.bounces.ingesting import ingest_report
from tracking.bounces.unused import LONGEST_KEPT
from tracking.models import Event, UnusedReport

pytestmark = pytest.mark.django_db
LIST = "admin:tracking_unusedreport_changelist"


def read_again(client: Client, *reports: UnusedReport) -> str:
    chosen = {"action": "read_chosen_again", "_selected_action": [report.pk for report in reports]}
    return client.post(reverse(LIST), chosen, follow=True).text


def misunderstood(delivery: Delivery) -> UnusedReport:
    """As an older Messenger kept it, which could not read this kind."""
    return UnusedReport.objects.create(
        envelope_recipient=bounce_address(delivery), reason="Unreadable.", raw=dsn().decode()
    )


def test_what_is_understood_by_now_is_used(as_charlie: Client) -> None:
    delivery = make_delivery()
    report = misunderstood(delivery)
    assert "1 report was of use." in read_again(as_charlie, report)
    assert Delivery.objects.get(pk=delivery.pk).result == Result.FAILED
    assert not UnusedReport.objects.exists()
    entry = AuditEntry.objects.get(action="unused_report.read_again")
    assert entry.actor_name == "Charlie"


def test_second_press_does_nothing_more(as_charlie: Client) -> None:
    delivery = make_delivery()
    for report in (misunderstood(delivery), misunderstood(delivery)):
        read_again(as_charlie, report)
    assert Event.objects.count() == 1


def test_what_is_still_of_no_use_stays_with_the_reason_of_today(as_charlie: Client) -> None:
    useless = UnusedReport.objects.create(reason="Unreadable.", raw="Subject: hello\r\n\r\nA person.\r\n")
    both = read_again(as_charlie, useless, misunderstood(make_delivery()))
    assert "1 report was of use." in both
    assert "1 report is still of no use." in both
    kept = UnusedReport.objects.get()
    assert kept.pk == useless.pk
    assert "no report in a form" in kept.reason
    assert kept.received_at == useless.received_at


def test_office_staff_see_none_of_it(as_bob: Client) -> None:
    delivery = make_delivery()
    report = misunderstood(delivery)
    assert as_bob.get(reverse(LIST)).status_code in (302, 403)
    read_again(as_bob, report)
    assert UnusedReport.objects.exists()
    assert Delivery.objects.get(pk=delivery.pk).result == Result.SENT


def test_of_a_large_one_the_start_is_kept() -> None:
    ingest_report(b"Subject: hello\r\n\r\n" + "ä".encode() * 500_000, "")
    assert len(UnusedReport.objects.get().raw) <= LONGEST_KEPT


def test_only_the_newest_are_kept() -> None:
    with patch.multiple(unused, MOST_KEPT=5, LOOK_EVERY=1):
        for number in range(9):
            ingest_report(f"Subject: {number}\r\n\r\nhello".encode(), "")
    kept = UnusedReport.objects.values_list("raw", flat=True)
    assert [raw.split()[1] for raw in kept] == ["8", "7", "6", "5", "4"]
