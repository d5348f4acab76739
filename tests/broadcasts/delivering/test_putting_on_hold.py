"""A restored backup or a long outage sends nobody last week's email: a person decides."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from broadcasts import audit
from broadcasts.delivering.controlling import cancel, resume, send_now
from broadcasts.delivering.sweeping import sweep
from broadcasts.delivering.working import work_on
from broadcasts.models import Broadcast, User
from tests import factory
from tests.broadcasts.delivering.steps import make_people, start
from tests.smtp_server import Script

pytestmark = pytest.mark.django_db
Status, Hold = Broadcast.Status, Broadcast.Hold


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel("2026-05-11 14:44:00Z") as traveller:
        yield traveller


def scheduled(type_name: str = "General") -> Broadcast:
    factory.make_type(type_name)
    broadcast = factory.make_broadcast(people=make_people("anna@x.example"), type_name=type_name)
    assert send_now(broadcast, None, undo_seconds=0)
    return broadcast


def come_to_work(broadcast: Broadcast) -> Broadcast:
    """A worker, as the sweep would ask one."""
    for due in sweep(timezone.now()):
        work_on(due)
    broadcast.refresh_from_db()
    return broadcast


@pytest.mark.parametrize(
    ("type_name", "hours", "status"),
    [
        ("General", 5.9, Status.SENT),
        ("General", 6.1, Status.PAUSED),
        ("Emergency", 0.9, Status.SENT),
        ("Emergency", 1.1, Status.PAUSED),
    ],
)
def test_what_nobody_sent_in_time_is_not_sent_later(
    mail_server: Script, clock: time_machine.Traveller, type_name: str, hours: float, status: str
) -> None:
    broadcast = scheduled(type_name)
    clock.shift(timedelta(hours=hours))
    come_to_work(broadcast)
    assert broadcast.status == status
    assert len(mail_server.received) == (status == Status.SENT)
    assert broadcast.held_for == (Hold.LATE if status == Status.PAUSED else "")


def test_what_was_being_prepared_when_all_stopped_is_held_too(
    mail_server: Script, clock: time_machine.Traveller
) -> None:
    broadcast = scheduled()
    Broadcast.objects.update(status=Status.PREPARING)
    clock.shift(timedelta(days=7))
    assert come_to_work(broadcast).held_for == Hold.LATE
    assert not broadcast.deliveries.exists()


def test_a_person_may_still_send_it_or_cancel_it(
    mail_server: Script, clock: time_machine.Traveller, alice: User
) -> None:
    wanted, unwanted = scheduled(), scheduled()
    clock.shift(timedelta(days=7))
    come_to_work(wanted)
    unwanted.refresh_from_db()
    assert resume(wanted, alice)
    assert cancel(unwanted, alice)
    assert come_to_work(wanted).status == Status.SENT
    assert wanted.held_for == ""
    assert len(mail_server.received) == 1
    assert not unwanted.deliveries.exists()


def test_held_twice_it_is_on_record_once(clock: time_machine.Traveller) -> None:
    broadcast = scheduled()
    clock.shift(timedelta(days=7))
    for _ in range(2):
        come_to_work(broadcast)
        clock.shift(60)
    entries = audit.history(broadcast).filter(action="broadcast.held")
    assert [(entry.actor_name, entry.details) for entry in entries] == [("Messenger", {"reason": "late"})]


def test_a_backup_from_the_middle_of_sending_is_held(mail_server: Script, clock: time_machine.Traveller) -> None:
    broadcast = start(make_people("anna@x.example"))
    clock.shift(timedelta(days=7))
    assert come_to_work(broadcast).held_for == Hold.ABANDONED
    assert not mail_server.received


def test_resumed_it_goes_on_at_once(mail_server: Script, clock: time_machine.Traveller, alice: User) -> None:
    broadcast = start(make_people("anna@x.example"))
    clock.shift(timedelta(days=7))
    come_to_work(broadcast)
    assert resume(broadcast, alice)
    assert come_to_work(broadcast).status == Status.SENT
    assert len(mail_server.received) == 1


def test_what_was_paused_for_days_by_a_person_is_not_abandoned(
    mail_server: Script, clock: time_machine.Traveller, alice: User
) -> None:
    broadcast = start(make_people("anna@x.example"))
    Broadcast.objects.update(status=Status.PAUSED)
    clock.shift(timedelta(days=3))
    broadcast.refresh_from_db()
    assert resume(broadcast, alice)
    assert come_to_work(broadcast).status == Status.SENT


def test_a_retry_that_is_hours_away_is_not_late(mail_server: Script, clock: time_machine.Traveller) -> None:
    mail_server.answer("rcpt", "452 4.2.2 mailbox full", times=1)
    broadcast = start(make_people("anna@x.example"))
    come_to_work(broadcast)
    broadcast.deliveries.update(next_attempt_at=timezone.now() + timedelta(hours=8))
    clock.shift(timedelta(hours=8, minutes=1))
    assert come_to_work(broadcast).held_for == ""
    assert len(mail_server.received) == 1


@pytest.mark.parametrize(("type_name", "held_for"), [("General", Hold.IN_TROUBLE), ("Emergency", Hold.NONE)])
def test_a_mail_server_that_comes_back_after_a_day_sends_alarms_only(
    mail_server: Script, clock: time_machine.Traveller, type_name: str, held_for: str
) -> None:
    factory.make_type(type_name)
    mail_server.answer("connect", "421 down", times=25)
    broadcast = start(make_people("anna@x.example"), type_name)
    for _ in range(25):
        come_to_work(broadcast)
        clock.shift(timedelta(minutes=30))
    come_to_work(broadcast)
    assert broadcast.held_for == held_for
    assert len(mail_server.received) == (not held_for)
