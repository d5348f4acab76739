"""An address that Failed at one broadcast after the other is blocked by itself, as the policy says."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from broadcasts.blocking import find_block, unblock_addresses
from broadcasts.blocking_failures import block_repeated_failures
from broadcasts.models import AuditEntry, BlockedEmail, BlockingPolicy, BlockLevel, Delivery, Person, School
from broadcasts.people.editing import confirm_address
from broadcasts.results import Result
from tests import factory
from tests.reports.trials import address_of, make_sent, make_trial

pytestmark = pytest.mark.django_db
KEY = "an@home.example"


@pytest.fixture
def person(lincoln: School) -> Person:
    BlockingPolicy.objects.create(pk=1, failures=3, within_days=90)
    return factory.make_person(lincoln, "Ann", ["An@home.example"])


def fail(person: Person, times: int = 1, result: Result = Result.FAILED, **fields: Any) -> Delivery:
    for _ in range(times):
        row = make_trial(make_sent(person.school), person, result, **fields)
    return row


def is_blocked() -> bool:
    return find_block(KEY) is not None


def test_third_broadcast_that_failed_blocks_except_for_emergencies(person: Person) -> None:
    assert block_repeated_failures([fail(person, 2).pk]) == []
    [entry] = block_repeated_failures([fail(person).pk])
    assert (entry.address, entry.key, entry.level) == ("An@home.example", KEY, BlockLevel.EXCEPT_EMERGENCY)
    assert entry.source == BlockedEmail.Source.FAILURES
    assert "Failed at 3 broadcasts within 90 days" in entry.reason
    assert AuditEntry.objects.get().actor_name == "Messenger"


def test_second_arrival_blocks_nothing_more(person: Person) -> None:
    last = fail(person, 3)
    assert len(block_repeated_failures([last.pk])) == 1
    assert block_repeated_failures([last.pk]) == []
    assert AuditEntry.objects.count() == 1


@pytest.mark.parametrize("result", [r for r in Result if r is not Result.FAILED])
def test_what_is_not_the_addresss_fault_never_blocks(person: Person, result: Result) -> None:
    last = fail(person, 5, result)
    fail(person, 2)
    assert block_repeated_failures([last.pk]) == []
    assert not is_blocked()


def test_each_broadcast_counts_once(person: Person) -> None:
    """Also the address of twins, whose failures are one address's, whoever has it."""
    broadcast = make_sent(person.school)
    twin = factory.make_person(person.school, "Bo", ["an@home.example"])
    fail(person)
    make_trial(broadcast, person, Result.FAILED)
    last = make_trial(broadcast, twin, Result.FAILED, is_sendable=False)
    assert block_repeated_failures([last.pk]) == []
    assert len(block_repeated_failures([fail(twin).pk])) == 1


def test_what_arrived_in_between_starts_the_count_anew(person: Person) -> None:
    now = timezone.now()
    fail(person, 2, last_attempt_at=now - timedelta(days=3))
    fail(person, 1, Result.OPENED, last_attempt_at=now - timedelta(days=2))
    last = fail(person, 2, last_attempt_at=now)
    assert block_repeated_failures([last.pk]) == []
    Delivery.objects.filter(result=Result.OPENED).update(late_bounce_at=now)  # it did not arrive after all
    assert len(block_repeated_failures([last.pk])) == 1


def test_old_failures_are_forgotten(person: Person) -> None:
    fail(person, 2, last_attempt_at=timezone.now() - timedelta(days=91))
    assert block_repeated_failures([fail(person).pk]) == []


def test_who_lifted_the_block_or_vouched_for_the_address_starts_the_count_anew(person: Person) -> None:
    block_repeated_failures([fail(person, 3).pk])
    unblock_addresses([KEY], reason="It was full")
    now = timezone.now()
    assert block_repeated_failures([fail(person, 2, last_attempt_at=now).pk]) == []
    confirm_address(address_of(person), by=factory.make_user("Alice", person.school))
    assert block_repeated_failures([fail(person, 2, last_attempt_at=timezone.now()).pk]) == []
    assert len(block_repeated_failures([fail(person, last_attempt_at=timezone.now()).pk])) == 1


def test_policy_can_be_switched_off(person: Person) -> None:
    BlockingPolicy.objects.update(blocks_failures=False)
    assert block_repeated_failures([fail(person, 9).pk]) == []


def test_without_a_policy_the_careful_defaults_hold(person: Person) -> None:
    BlockingPolicy.objects.all().delete()
    assert block_repeated_failures([fail(person, 4).pk]) == []
    assert len(block_repeated_failures([fail(person).pk])) == 1


def test_many_at_once_cost_few_queries(person: Person, django_assert_max_num_queries: object) -> None:
    people = [factory.make_person(person.school, addresses=[f"p{n}@home.example"]) for n in range(30)]
    for _ in range(3):
        broadcast = make_sent(person.school)
        rows = [make_trial(broadcast, one, Result.FAILED) for one in people]
    with django_assert_max_num_queries(4 + 2 + 2 * 30 + 10):  # type: ignore[operator]
        assert len(block_repeated_failures([row.pk for row in rows])) == 30


PAGE = reverse("admin:broadcasts_blockingpolicy_changelist")
FORM = {
    "blocks_failures": "on",
    "failures": "4",
    "within_days": "30",
    "failures_level": "all",
    "complaint_level": "all",
}


def test_administrator_sets_the_policy_on_record(as_charlie: Client) -> None:
    assert 'value="5"' in as_charlie.get(PAGE).text
    assert not BlockingPolicy.objects.exists()  # looking stores nothing
    for days in ("30", "60"):
        as_charlie.post(PAGE, FORM | {"within_days": days})
    policy = BlockingPolicy.objects.get()
    assert (policy.pk, policy.failures, policy.within_days, policy.failures_level) == (1, 4, 60, "all")
    assert set(AuditEntry.objects.values_list("action", flat=True)) == {"blocking_policy.changed"}


@pytest.mark.parametrize(("field", "value"), [("failures", "1"), ("failures", "101"), ("within_days", "0")])
def test_rash_policy_is_refused(as_charlie: Client, field: str, value: str) -> None:
    assert "Ensure this value is" in as_charlie.post(PAGE, FORM | {field: value}).text
    assert not BlockingPolicy.objects.exists()


def test_office_staff_may_not_set_the_policy(as_alice: Client) -> None:
    assert as_alice.post(PAGE, FORM).status_code == 403
    assert not BlockingPolicy.objects.exists()
