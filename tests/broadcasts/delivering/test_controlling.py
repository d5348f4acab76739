"""Of two people who press a button one acts, and everything done is on record."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.utils import timezone

from broadcasts import audit
from broadcasts.delivering.controlling import CannotSend, ReachChanged, cancel, pause, resume, send_now, undo_send
from broadcasts.models import Broadcast, User
from broadcasts.preparing.preparing import announce_preparing
from tests import factory
from tests.broadcasts.delivering.steps import make_people, start

Status = Broadcast.Status


@pytest.fixture
def draft(db: None) -> Broadcast:
    return factory.make_broadcast(people=make_people("anna@x.example"))


def test_sending_leaves_ten_seconds_to_undo(draft: Broadcast, alice: User) -> None:
    before = timezone.now()
    assert send_now(draft, alice)
    assert draft.status == Status.SCHEDULED
    assert draft.send_at is not None
    assert (draft.send_at - before).total_seconds() >= 10
    assert undo_send(draft, alice)
    again = Broadcast.objects.get(pk=draft.pk)
    assert (again.status, again.send_at, again.sent_by) == (Status.DRAFT, None, None)


def test_an_emergency_starts_at_once(alice: User) -> None:
    factory.make_type("Emergency")
    draft = factory.make_broadcast(people=make_people("anna@x.example"), type_name="Emergency")
    assert send_now(draft, alice)
    assert draft.send_at is not None
    assert draft.send_at <= timezone.now()


def test_preparing_ends_the_time_to_undo(draft: Broadcast, alice: User) -> None:
    send_now(draft, alice, undo_seconds=0)
    announce_preparing(draft.pk, timezone.now())
    assert undo_send(draft, alice) is False


def test_the_second_of_two_who_send_is_told(draft: Broadcast, alice: User, charlie: User) -> None:
    same = Broadcast.objects.get(pk=draft.pk)
    assert send_now(draft, alice) is True
    assert send_now(same, charlie) is False
    same.refresh_from_db()
    assert same.sent_by == alice


@pytest.mark.django_db(transaction=True)
def test_pressed_by_many_at_once_it_is_sent_once() -> None:
    draft = factory.make_broadcast(people=make_people("anna@x.example"))
    alice = factory.make_user("Alice", draft.school)

    def press(_number: int) -> bool:
        try:
            return send_now(Broadcast.objects.get(pk=draft.pk), alice)
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as threads:
        assert sorted(threads.map(press, range(6))) == [False] * 5 + [True]
    assert audit.history(draft).filter(action="broadcast.sent").count() == 1


def test_nobody_to_send_to_is_refused_with_the_reason(alice: User) -> None:
    factory.make_type()
    draft = factory.make_broadcast(people=[factory.make_person(factory.make_school(), "Without address")])
    with pytest.raises(CannotSend, match="Nobody on these lists"):
        send_now(draft, alice)
    draft.refresh_from_db()
    assert draft.status == Status.DRAFT


def test_a_changed_reach_is_asked_about_again(draft: Broadcast, alice: User) -> None:
    with pytest.raises(ReachChanged):
        send_now(draft, alice, expected=2)
    assert send_now(draft, alice, expected=1)


def test_pause_resume_and_cancel_follow_the_status(alice: User) -> None:
    broadcast = start(make_people("anna@x.example"))
    assert resume(broadcast, alice) is False
    assert pause(broadcast, alice) is True
    assert pause(broadcast, alice) is False
    assert resume(broadcast, alice) is True
    assert cancel(broadcast, alice) is True
    assert cancel(broadcast, alice) is False
    actions = list(audit.history(broadcast).values_list("action", flat=True))
    assert actions == ["broadcast.cancelled", "broadcast.resumed", "broadcast.paused", "broadcast.sent"]
