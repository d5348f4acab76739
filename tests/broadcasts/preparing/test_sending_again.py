"""One new row for each missed broadcast, to the corrected address; never a second copy to somebody who has it."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from broadcasts.addresses import address_key
from broadcasts.audit import history
from broadcasts.blocking import block_addresses
from broadcasts.composing.compiling import compile_broadcast
from broadcasts.composing.headers import Recipient
from broadcasts.models import (
    BlockedEmail,
    Broadcast,
    ContactType,
    Delivery,
    EmailAddress,
    Guardianship,
    Person,
    School,
    User,
)
from broadcasts.people.editing import add_address, correct_address
from broadcasts.preparing.sending_again import is_worth_sending, missed_broadcasts, send_again
from broadcasts.results import Result, count_by_label
from tests import factory
from tests.broadcasts.preparing.corrections import ann_of, correct, missed, press
from tests.reports.trials import address_of, make_failed, make_sent, make_trial

DAY = timedelta(days=1)
Status = Broadcast.Status


@pytest.fixture(autouse=True)
def general(db: None) -> None:
    factory.make_type()


@pytest.fixture
def failed(lincoln: School) -> Delivery:
    """Ann's email to an@home.example, which does not exist."""
    return make_failed(lincoln)


def test_new_row_carries_the_missed_email_and_the_old_one_stays(failed: Delivery, alice: User) -> None:
    old, new = correct(failed, alice)
    Person.objects.update(language="es", name="Ann Lee")
    sent, left_out = press(old, new, alice)
    assert not left_out
    row = Delivery.objects.get(pk=sent[0].pk)
    assert (row.email, row.name, row.language) == ("ann@home.example", "Ann Lee", "es")
    assert (row.sent_again_for, row.result, row.is_sendable) == (failed, Result.UNSENT, True)
    assert row.next_attempt_at is not None
    before = Delivery.objects.get(pk=failed.pk)
    assert (before.result, before.email, before.name) == (Result.FAILED, "an@home.example", "Ann")
    counts = count_by_label(failed.broadcast.deliveries.all())
    assert (counts["Failed"], counts["Unsent"], sum(counts.values())) == (1, 1, 2)


def test_it_is_on_record_in_plain_words(failed: Delivery, alice: User) -> None:
    old, new = correct(failed, alice)
    sent, _ = press(old, new, alice)
    entry = history(sent[0]).get()
    assert str(entry).startswith("Alice: sent the missed email again, to the corrected address")
    assert entry.details == {"broadcast": "Menu", "was": "an@home.example", "now": "ann@home.example"}


def test_the_broadcast_s_page_says_why_it_has_a_recipient_more(
    failed: Delivery, alice: User, as_alice: Client
) -> None:
    for _press in range(2):
        press(*correct(failed, alice), alice)
    shown = as_alice.get(reverse("broadcasts:broadcast-detail", args=[failed.broadcast_id])).text
    assert shown.count("Alice sent it again to somebody whose address was corrected") == 1


def test_message_id_is_not_that_of_the_email_that_failed(failed: Delivery, alice: User) -> None:
    old, new = correct(failed, alice)
    (row,), _ = press(old, new, alice)
    compiled = compile_broadcast(failed.broadcast)

    def message_id(delivery: Delivery) -> bytes:
        message = compiled.message_for(Recipient(delivery.pk, delivery.name, delivery.email))
        return next(line for line in message.splitlines() if line.startswith(b"Message-ID"))

    assert message_id(row) != message_id(failed)
    assert message_id(row) == message_id(row)


def test_second_press_does_nothing(failed: Delivery, alice: User) -> None:
    old, new = correct(failed, alice)
    rows = missed_broadcasts(old, timezone.now())
    first, _ = press(old, new, alice)
    again = send_again(Delivery.objects.filter(pk=failed.pk), new, alice)
    assert (len(first), again.sent, again.left_out) == (1, [], [])
    assert not rows.exists()
    assert Delivery.objects.count() == 2


def test_database_itself_lets_a_missed_email_be_sent_again_once(failed: Delivery, alice: User) -> None:
    for email in ("one@home.example", "two@home.example"):
        row = Delivery(
            broadcast=failed.broadcast, person=failed.person, name="Ann", email=email,
            address_key=address_key(email), is_sendable=True, sent_again_for=failed,
        )  # fmt: skip
        if email.startswith("one"):
            row.save()
            continue
        with pytest.raises(IntegrityError), transaction.atomic():
            row.save()


@pytest.mark.parametrize(
    ("result", "fields", "is_missed"),
    [
        (Result.FAILED, {}, True),
        (Result.BOUNCED, {}, True),
        (Result.DELIVERED, {"late_bounce_at": timezone.now()}, True),
        (Result.OPENED, {"late_bounce_at": timezone.now()}, False),
        (Result.DELIVERED, {}, False),
        (Result.SENT, {}, False),
        (Result.UNSENT, {}, False),
        (Result.SOFT_BOUNCED, {}, False),
        (Result.BLOCKED, {}, False),
        (Result.NO_EMAIL_SELECTED, {}, False),
    ],
)
def test_what_counts_as_missed(
    lincoln: School, alice: User, result: Result, fields: dict[str, object], is_missed: bool
) -> None:
    ann = factory.make_person(lincoln, "Ann", ["an@home.example"])
    row = make_trial(make_sent(lincoln), ann, result)
    Delivery.objects.filter(pk=row.pk).update(**{"attempts": 1, **fields})
    old, _new = correct(row, alice)
    assert missed(old) == ([row.pk] if is_missed else [])


@pytest.mark.parametrize("status", [Status.CANCELLED, Status.PAUSED])
def test_what_is_cancelled_or_paused_is_not_offered(failed: Delivery, alice: User, status: Status) -> None:
    Broadcast.objects.update(status=status)
    old, _new = correct(failed, alice)
    assert missed(old) == []


def test_only_the_last_thirty_days_newest_first(lincoln: School, alice: User) -> None:
    ann = factory.make_person(lincoln, "Ann", ["an@home.example"])
    rows = [make_trial(make_sent(lincoln, ago=days * DAY), ann, Result.FAILED) for days in (31, 29, 3)]
    old, _new = correct(rows[0], alice)
    assert missed(old) == [rows[2].pk, rows[1].pk]


def test_old_emergency_is_offered_and_not_ticked(lincoln: School) -> None:
    ann = factory.make_person(lincoln, "Ann", ["an@home.example"])
    now = timezone.now()
    for name, days, is_worth in (("Emergency", 2, False), ("Emergency", 0, True), ("General", 20, True)):
        row = make_trial(make_sent(lincoln, ago=days * DAY, type_name=name), ann, Result.FAILED)
        assert is_worth_sending(row, now) is is_worth


def block_ann(_new: EmailAddress) -> None:
    block_addresses(["ann@home.example"], reason="Asked", source=BlockedEmail.Source.STAFF)


def switch_type_off(new: EmailAddress) -> None:
    ContactType.objects.filter(address=new).update(receives=False)


def forget_type(new: EmailAddress) -> None:
    ContactType.objects.filter(address=new).delete()


def put_away(new: EmailAddress) -> None:
    Person.objects.filter(pk=new.person_id).update(is_active=False)
    new.person.refresh_from_db()


def mark_do_not_contact(new: EmailAddress) -> None:
    student = factory.make_person(new.person.school, "Cora", kind=Person.Kind.STUDENT)
    Guardianship.objects.create(student=student, guardian=new.person, do_not_contact=True)


@pytest.mark.parametrize(
    ("happens", "reason"),
    [
        (block_ann, "ann@home.example is on the Blocked Email list."),
        (switch_type_off, "ann@home.example does not receive broadcasts of the type General."),
        (forget_type, "ann@home.example does not receive broadcasts of the type General."),
        (put_away, "Ann is not active in the directory and gets no broadcasts."),
        (mark_do_not_contact, "Ann is marked “do not contact” for a student."),
    ],
)
def test_who_may_not_be_written_to_is_not(
    failed: Delivery, alice: User, happens: Callable[[EmailAddress], None], reason: str
) -> None:
    old, new = correct(failed, alice)
    happens(new)
    assert press(old, new, alice) == ([], [reason])
    assert Delivery.objects.count() == 1


def test_correction_that_fails_too_can_be_corrected_and_sent_again(failed: Delivery, alice: User) -> None:
    old, wrong = correct(failed, alice, "anne@home.example")
    (second,), _ = press(old, wrong, alice)
    Delivery.objects.filter(pk=second.pk).update(result=Result.FAILED, next_attempt_at=None)
    assert missed(old) == []
    right = correct_address(wrong, "ann@home.example", by=alice)
    assert [row.sent_again_for_id for row in press(wrong, right, alice)[0]] == [second.pk]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("addresses", [("ann@home.example",) * 2, ("ann@home.example", "other@home.example")])
def test_of_two_who_press_at_once_one_sends(lincoln: School, alice: User, addresses: tuple[str, str]) -> None:
    """Also to two addresses, when one of them has an older page before them."""
    failed = make_failed(lincoln)
    old = address_of(ann_of(failed))
    first = correct_address(old, addresses[0], by=alice)
    targets = [first, add_address(first.person, addresses[1], by=alice) if len(set(addresses)) > 1 else first]
    barrier, sent = threading.Barrier(2), []

    def press_now(to: EmailAddress) -> None:
        try:
            barrier.wait(10)
            sent.extend(send_again(missed_broadcasts(old, timezone.now()), to, alice).sent)
        finally:
            connection.close()

    threads = [threading.Thread(target=press_now, args=[one]) for one in targets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(sent) == 1
    assert Delivery.objects.filter(sent_again_for=failed).count() == 1
