"""An emergency overtakes whatever is being sent, and what was overtaken goes on by itself."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from broadcasts.actors import work_on_broadcast
from broadcasts.delivering import giving_way
from broadcasts.delivering.giving_way import waiting_emergencies
from broadcasts.models import Broadcast, Delivery
from tests import factory
from tests.broadcasts.delivering.steps import deliver, make_people, start
from tests.smtp_server import Received, Script


@pytest.fixture(autouse=True)
def looks_every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(giving_way, "LOOK_EVERY_SECONDS", 0)


@pytest.mark.django_db(transaction=True)
def test_a_worker_of_something_else_stops_helps_and_goes_on(mail_server: Script) -> None:
    factory.make_type("Emergency")
    general = start(make_people(*(f"general{number:03}@x.example" for number in range(300))))
    alarm = start(make_people(*(f"alarm{number}@x.example" for number in range(20))), "Emergency")
    alarm.deliveries.update(next_attempt_at=timezone.now() + timedelta(hours=1))
    order: list[str] = []

    def press_after_thirty(received: Received) -> None:
        order.append("alarm" if received.recipient.startswith("alarm") else "general")
        if len(order) == 30:
            alarm.deliveries.update(next_attempt_at=timezone.now())
            connection.close()

    mail_server.on_dot = press_after_thirty
    work_on_broadcast.fn(general.pk)
    assert order.count("alarm") == 20
    overtaken = order.index("alarm")
    assert overtaken <= 30 + 40, "it gives way to the alarm within a batch"
    assert order.count("general") == 300
    assert "general" not in order[overtaken : overtaken + 20], "the alarm has the line for itself"
    assert set(Broadcast.objects.values_list("status", flat=True)) == {"sent"}
    assert not Delivery.objects.exclude(attempts=1).exists(), "what it gave back was sent once"


@pytest.mark.django_db
@pytest.mark.parametrize("status", ["draft", "paused", "sent", "cancelled"])
def test_an_emergency_that_is_not_under_way_holds_up_nobody(status: str) -> None:
    factory.make_type("Emergency")
    start(make_people("anna@x.example"), "Emergency")
    assert waiting_emergencies(timezone.now()).exists()
    Broadcast.objects.update(status=status)
    assert not waiting_emergencies(timezone.now()).exists()


@pytest.mark.django_db
def test_an_emergency_in_trouble_holds_up_nobody(mail_server: Script) -> None:
    factory.make_type("Emergency")
    mail_server.answer("connect", "421 busy", times=1)
    alarm = start(make_people("anna@x.example"), "Emergency")
    deliver(alarm)
    assert alarm.trouble
    assert not waiting_emergencies(timezone.now()).exists()
    assert waiting_emergencies(timezone.now() + timedelta(minutes=2)).exists()
