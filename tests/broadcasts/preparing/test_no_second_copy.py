"""Who has a broadcast, or may still get it, is not sent it again."""

import pytest
from django.utils import timezone

from broadcasts.models import Delivery, EmailAddress, Person, School, User
from broadcasts.results import Result
from tests import factory
from tests.broadcasts.preparing.corrections import ann_of, correct, press
from tests.reports.trials import make_failed, make_trial


@pytest.fixture(autouse=True)
def general(db: None) -> None:
    factory.make_type()


@pytest.fixture
def failed(lincoln: School) -> Delivery:
    """Ann's email to an@home.example, which does not exist."""
    return make_failed(lincoln)


def test_who_has_it_at_another_address_gets_no_second_copy(failed: Delivery, lincoln: School, alice: User) -> None:
    ann = ann_of(failed)
    for result, late in ((Result.DELIVERED, None), (Result.OPENED, None), (Result.SENT, None)):
        other = make_other_row(failed, ann, result)
        old, new = correct(failed, alice, f"ann-{result.value}@home.example")
        assert press(old, new, alice) == ([], ["Ann already gets it at work@home.example."]), late
        other.delete()
        EmailAddress.objects.filter(pk=old.pk).update(is_active=True, replaced_by=None)


def make_other_row(failed: Delivery, ann: Person, result: Result, **fields: object) -> Delivery:
    return Delivery.objects.create(
        broadcast=failed.broadcast, person=ann, name="Ann", email="work@home.example",
        address_key="work@home.example", is_sendable=True, result=result, **fields,
    )  # fmt: skip


def test_other_address_that_returned_it_does_not_count(failed: Delivery, alice: User) -> None:
    make_other_row(failed, ann_of(failed), Result.DELIVERED, late_bounce_at=timezone.now())
    old, new = correct(failed, alice)
    assert len(press(old, new, alice)[0]) == 1


def test_email_that_is_still_on_its_way_counts(failed: Delivery, alice: User) -> None:
    make_other_row(failed, ann_of(failed), Result.UNSENT, next_attempt_at=timezone.now())
    old, new = correct(failed, alice)
    assert press(old, new, alice) == ([], ["Ann already gets it at work@home.example."])


def test_email_in_doubt_counts(failed: Delivery, alice: User) -> None:
    make_other_row(failed, ann_of(failed), Result.UNSENT, state=Delivery.State.UNCONFIRMED)
    old, new = correct(failed, alice)
    assert press(old, new, alice)[0] == []


def test_copy_that_came_to_a_shared_address_counts(failed: Delivery, lincoln: School, alice: User) -> None:
    ben = factory.make_person(lincoln, "Ben", ["both@home.example"])
    carrier = make_trial(failed.broadcast, ben, Result.DELIVERED)
    Delivery.objects.create(
        broadcast=failed.broadcast, person=failed.person, name="Ann", email="both@home.example",
        address_key="both@home.example", is_sendable=False, result=Result.DUPLICATE, duplicate_of=carrier,
    )  # fmt: skip
    old, new = correct(failed, alice)
    assert press(old, new, alice) == ([], ["Ann already gets it at both@home.example."])


def test_corrected_address_that_already_has_a_row_gets_no_second_one(
    failed: Delivery, lincoln: School, alice: User
) -> None:
    ben = factory.make_person(lincoln, "Ben", ["ann@home.example"])
    make_trial(failed.broadcast, ben, Result.DELIVERED)
    old, new = correct(failed, alice)
    sent, left_out = press(old, new, alice)
    assert sent == []
    assert left_out == ["It already went to ann@home.example, for Ben; the row there says: Delivered."]


def test_who_shares_the_wrong_address_missed_it_as_well(failed: Delivery, lincoln: School, alice: User) -> None:
    ben = factory.make_person(lincoln, "Ben", ["an@home.example"])
    shared = make_trial(failed.broadcast, ben, Result.DUPLICATE, duplicate_of=failed)
    old, new = correct(shared, alice, "ben@home.example")
    assert [row.sent_again_for_id for row in press(old, new, alice)[0]] == [shared.pk]
    old, new = correct(failed, alice)
    assert [row.sent_again_for_id for row in press(old, new, alice)[0]] == [failed.pk]


def test_both_who_shared_it_and_share_the_new_one_get_one_copy(
    failed: Delivery, lincoln: School, alice: User
) -> None:
    ben = factory.make_person(lincoln, "Ben", ["an@home.example"])
    shared = make_trial(failed.broadcast, ben, Result.DUPLICATE, duplicate_of=failed)
    assert len(press(*correct(failed, alice), alice)[0]) == 1
    sent, left_out = press(*correct(shared, alice), alice)
    assert sent == []
    assert left_out == ["It already went to ann@home.example, for Ann; the row there says: Unsent."]


def test_own_row_at_the_corrected_address_is_the_one_there_is(failed: Delivery, alice: User) -> None:
    make_other_row(failed, ann_of(failed), Result.FAILED)
    old, new = correct(failed, alice, "work@home.example")
    assert press(old, new, alice) == ([], ["They already have a row for work@home.example, which says: Failed."])


def test_two_wrong_addresses_corrected_one_after_the_other_bring_one_copy(failed: Delivery, alice: User) -> None:
    second = EmailAddress.objects.create(
        person=ann_of(failed), address="work@home.example", key="work@home.example", is_valid=True, position=1
    )
    other = make_other_row(failed, ann_of(failed), Result.FAILED, address=second)
    assert len(press(*correct(failed, alice), alice)[0]) == 1
    sent, left_out = press(*correct(other, alice, "office@home.example"), alice)
    assert (sent, left_out) == ([], ["Ann already gets it at ann@home.example."])
