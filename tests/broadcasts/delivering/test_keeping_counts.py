"""The counts that pages show are those of the rows, whatever changed them."""

import threading
from collections.abc import Callable
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from broadcasts.blocking import block_addresses
from broadcasts.counting import count_broadcast
from broadcasts.delivering.controlling import cancel, pause
from broadcasts.delivering.evidence import apply_evidence
from broadcasts.delivering.sweeping import sweep
from broadcasts.keeping_counts import (
    Difference,
    differences,
    drop_triggers,
    fold_counts,
    keep_counts,
    missing_triggers,
)
from broadcasts.models import BlockedEmail, Broadcast, Delivery, ResultCount, School, User
from broadcasts.results import Result, count_by_label, raise_results
from tests import factory
from tests.broadcasts.delivering.steps import deliver, make_due, make_people, row_of, start
from tests.broadcasts.preparing.corrections import correct, press
from tests.reports.rows import make_one_of_each
from tests.reports.trials import make_failed
from tests.smtp_server import Script

pytestmark = pytest.mark.django_db


def check(broadcast: Broadcast, **expected: int) -> None:
    assert differences() == []
    counts = count_broadcast(broadcast)
    assert counts == count_by_label(broadcast.deliveries.all())
    assert {label.replace(" ", "_"): count for label, count in counts.items() if count} == expected


def test_from_preparing_to_the_end(mail_server: Script, alice: User) -> None:
    mail_server.answer("rcpt", "550 5.1.1 no such user", recipient="fay")
    mail_server.answer("rcpt", "452 4.2.2 mailbox full", recipient="sue")
    block_addresses(["bert@x.example"], reason="asked", source=BlockedEmail.Source.STAFF)
    names = ("anna", "bert", "fay", "sue", "anna", "cora")
    broadcast = start(make_people(*(f"{name}@x.example" for name in names)))
    check(broadcast, Unsent=4, Duplicate=1, Blocked=1)
    block_addresses(["cora@x.example"], reason="asked", source=BlockedEmail.Source.STAFF)
    deliver(broadcast)
    check(broadcast, Sent=1, Failed=1, Soft_Bounced=1, Duplicate=1, Blocked=2)
    anna, sue = row_of_first(broadcast, "anna@x.example"), row_of(broadcast, "sue@x.example")
    apply_evidence([anna.pk], Result.DELIVERED)
    check(broadcast, Delivered=1, Failed=1, Soft_Bounced=1, Duplicate=1, Blocked=2)
    apply_evidence([anna.pk], Result.OPENED)
    apply_evidence([anna.pk], Result.OPENED)
    sweep(timezone.now())
    check(broadcast, Opened=1, Failed=1, Soft_Bounced=1, Duplicate=1, Blocked=2)
    make_due(broadcast)
    deliver(broadcast)
    check(broadcast, Opened=1, Failed=1, Soft_Bounced=1, Duplicate=1, Blocked=2)
    long_ago = timezone.now() - timedelta(days=9)
    Broadcast.objects.filter(pk=broadcast.pk).update(prepared_at=long_ago)
    Delivery.objects.filter(pk=sue.pk).update(next_attempt_at=None, last_attempt_at=long_ago)
    sweep(timezone.now())
    check(broadcast, Opened=1, Failed=1, Bounced=1, Duplicate=1, Blocked=2)


def row_of_first(broadcast: Broadcast, address: str) -> Delivery:
    return broadcast.deliveries.get(email=address, is_sendable=True)


def test_cancelling_what_is_tried_again(alice: User) -> None:
    broadcast = start(make_people("anna@x.example", "sue@x.example"))
    Delivery.objects.filter(email="sue@x.example").update(next_attempt_at=timezone.now())
    raise_results(broadcast.deliveries.filter(email="sue@x.example"), Result.SOFT_BOUNCED)
    assert pause(broadcast, alice)
    assert cancel(broadcast, alice)
    sweep(timezone.now())
    check(broadcast, Unsent=1, Bounced=1)


def test_sending_again_to_a_corrected_address(lincoln: School, alice: User) -> None:
    factory.make_type()
    failed = make_failed(lincoln)
    press(*correct(failed, alice), alice)
    check(failed.broadcast, Failed=1, Unsent=1)


WAYS: dict[str, Callable[[Broadcast], object]] = {
    "one by one": lambda broadcast: [row.delete() for row in broadcast.deliveries.all()[:4]],
    "in one statement": lambda broadcast: broadcast.deliveries.filter(result__gte=Result.DELIVERED).delete(),
    "all": lambda broadcast: broadcast.deliveries.all().delete(),
    "rewritten": lambda broadcast: broadcast.deliveries.update(result=Result.SENT),
    "untouched": lambda broadcast: broadcast.deliveries.update(attempts=F("attempts") + 1),
    "moved": lambda broadcast: broadcast.deliveries.filter(result=Result.SENT).update(
        broadcast=factory.make_broadcast(broadcast.school)
    ),
    "none": lambda broadcast: broadcast.deliveries.none().delete(),
    "saved": lambda broadcast: list(map(Delivery.save, broadcast.deliveries.all())),
    "created": lambda broadcast: Delivery.objects.bulk_create(
        Delivery(broadcast=broadcast, name="Zoe", address_key=f"z{number}", is_sendable=False) for number in range(3)
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_whoever_changes_rows_past_the_code_changes_the_counts(lincoln: School, way: str) -> None:
    broadcast, other = factory.make_broadcast(lincoln), factory.make_broadcast(lincoln)
    make_one_of_each(other)
    make_one_of_each(broadcast)
    WAYS[way](broadcast)
    assert differences() == []
    assert count_broadcast(broadcast) == count_by_label(broadcast.deliveries.all())
    fold_counts()
    fold_counts()
    assert differences() == []
    assert not ResultCount.objects.filter(is_folded=False).exists()
    assert count_broadcast(broadcast) == count_by_label(broadcast.deliveries.all())


def test_what_is_rolled_back_was_never_counted(lincoln: School) -> None:
    broadcast = factory.make_broadcast(lincoln)
    make_one_of_each(broadcast)
    with transaction.atomic():
        broadcast.deliveries.all().delete()
        transaction.set_rollback(True)
    assert sum(count_broadcast(broadcast).values()) == 11
    assert differences() == []


def test_a_broadcast_that_is_deleted_takes_its_counts_along(lincoln: School) -> None:
    broadcast = factory.make_broadcast(lincoln)
    make_one_of_each(broadcast)
    broadcast.deliveries.all().delete()
    broadcast.delete()
    assert not ResultCount.objects.exists()


def command(*options: str) -> str:
    out = StringIO()
    call_command("check_counts", *options, stdout=out)
    return out.getvalue()


def test_check_command_says_what_differs_and_repairs_it(lincoln: School) -> None:
    broadcast = factory.make_broadcast(lincoln)
    make_one_of_each(broadcast)
    assert "Every count is that of the rows." in command()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE broadcasts_resultcount SET count = count + 2 WHERE result = 60")
    assert differences() == [Difference(broadcast.pk, 60, 1, 3)]
    with pytest.raises(CommandError, match="--repair"):
        command()
    said = command("--repair")
    assert f"Broadcast {broadcast.pk}, Delivered: 1 rows, but counted are 3." in said
    assert differences() == []
    assert "Every count is that of the rows." in command()


def test_triggers_that_a_migration_took_away_come_back_and_all_is_counted(lincoln: School) -> None:
    assert not keep_counts(), "they were there"
    drop_triggers(connection)
    broadcast = factory.make_broadcast(lincoln)
    make_one_of_each(broadcast)
    assert missing_triggers()
    assert differences()
    assert keep_counts()
    assert not missing_triggers()
    assert differences() == []
    raise_results(broadcast.deliveries.all(), Result.OPENED)
    assert differences() == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time, counts or not.")
def test_workers_never_wait_for_one_another_s_counts() -> None:
    broadcast = factory.make_broadcast(factory.make_school())
    make_one_of_each(broadcast)
    done = threading.Event()

    def raise_another() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '5s'")
        raise_results(broadcast.deliveries.filter(result=Result.SOFT_BOUNCED), Result.BOUNCED)
        fold_counts()
        connection.close()
        done.set()

    with transaction.atomic():
        raise_results(broadcast.deliveries.filter(result=Result.SENT), Result.BOUNCED)
        other = threading.Thread(target=raise_another)
        other.start()
        other.join()
    assert done.is_set(), "the other one waited for our commit"
    check(
        broadcast, Unsent=1, Bounced=3, Failed=1, Blocked=2, Delivered=1, Opened=1, Duplicate=1, No_Email_Selected=1
    )
    fold_counts()
    check(
        broadcast, Unsent=1, Bounced=3, Failed=1, Blocked=2, Delivered=1, Opened=1, Duplicate=1, No_Email_Selected=1
    )


@pytest.mark.django_db(transaction=True)
def test_emptying_the_tables_leaves_no_counts() -> None:
    make_one_of_each(factory.make_broadcast(factory.make_school()))
    call_command("flush", interactive=False)
    assert differences() == []
    assert not missing_triggers()
