"""What others report blocks addresses by itself: complaints, and failures that say so again and again."""

import pytest
from django.utils import timezone

from broadcasts.blocking import find_block
from broadcasts.models import AuditEntry, BlockedEmail, BlockingPolicy, BlockLevel, Delivery, Person, School
from broadcasts.results import Result
from tests import factory
from tests.reports.trials import make_sent, make_trial
from tests.tracking.rows import make_delivery
from tracking.meanings import COMPLAINED, Meaning, meaning_of_failure
from tracking.models import Event
from tracking.recording import Evidence, record_events

pytestmark = pytest.mark.django_db
UNKNOWN = meaning_of_failure("5.1.1", "550 5.1.1 no such user")
KEY = "ann@home.example"


@pytest.fixture
def person(lincoln: School) -> Person:
    BlockingPolicy.objects.create(pk=1, failures=3)
    return factory.make_person(lincoln, "Ann", [KEY])


def report(delivery: Delivery, meaning: Meaning) -> int:
    evidence = Evidence(delivery.pk, meaning, timezone.now(), Event.Source.REPORT, (meaning.rule,))
    return record_events([evidence])


def sent(person: Person, result: Result = Result.SENT) -> Delivery:
    return make_trial(make_sent(person.school), person, result)


def test_third_report_that_there_is_no_such_address_blocks_it(person: Person) -> None:
    rows = [sent(person) for _ in range(3)]
    for row in rows[:2]:
        report(row, UNKNOWN)
    assert find_block(KEY) is None
    report(rows[2], UNKNOWN)
    entry = find_block(KEY)
    assert entry
    assert (entry.source, entry.level) == (BlockedEmail.Source.FAILURES, BlockLevel.EXCEPT_EMERGENCY)


def test_second_arrival_of_the_same_reports_changes_nothing(person: Person) -> None:
    rows = [sent(person) for _ in range(3)]
    for _ in range(2):
        for row in rows:
            report(row, UNKNOWN)
    assert AuditEntry.objects.filter(action="blocked_email.added").count() == 1


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("5.7.1", "550 5.7.1 our reputation: your IP is on a block list"),
        ("5.7.23", "550 5.7.23 SPF validation failed"),
        ("5.7.20", "550 5.7.20 No passing DKIM signature found"),
        ("5.7.26", "550-5.7.26 unauthenticated email is not accepted due to DMARC policy"),
        ("5.7.1", "554 5.7.1 relay access denied"),
        ("5.2.2", "552 5.2.2 mailbox full"),
        ("5.6.0", "554 5.6.0 message content rejected"),
        ("5.4.1", "550 5.4.1 timed out"),
    ],
)
def test_what_is_our_sides_fault_or_passes_never_blocks(person: Person, status: str, words: str) -> None:
    for _ in range(5):
        row = sent(person)
        report(row, meaning_of_failure(status, words))
        row.refresh_from_db()
        assert row.result == Result.BOUNCED
    assert not BlockedEmail.objects.exists()


def test_late_failure_does_not_count(person: Person) -> None:
    for _ in range(5):
        report(sent(person, Result.DELIVERED), UNKNOWN)
    assert not BlockedEmail.objects.exists()


@pytest.mark.parametrize("level", BlockLevel.values)
def test_complaint_blocks_at_the_level_that_the_policy_says(level: str) -> None:
    BlockingPolicy.objects.create(pk=1, complaint_level=level)
    delivery = make_delivery(KEY)
    for _ in range(2):
        report(delivery, COMPLAINED)
    entry = BlockedEmail.objects.get()
    assert (entry.level, entry.source, entry.added_by) == (level, BlockedEmail.Source.COMPLAINT, None)
    assert "as spam" in entry.reason
    assert AuditEntry.objects.filter(action="blocked_email.added").count() == 1
