"""One refusal after the other: Messenger stops, says why, and a person decides."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from broadcasts.delivering.controlling import resume
from broadcasts.models import Broadcast, Delivery, User
from broadcasts.results import Result
from tests import factory
from tests.broadcasts.delivering.steps import deliver, make_due, make_people, start
from tests.smtp_server import Script

pytestmark = pytest.mark.django_db
REFUSAL = "550 5.7.1 Message rejected, <see> our policy"


@pytest.fixture(autouse=True)
def stops_after_ten(settings: Settings) -> None:
    settings.STOP_AFTER_FAILURES = 10


def to_many(count: int, type_name: str = "General") -> Broadcast:
    factory.make_type(type_name)
    return start(make_people(*(f"p{number:03}@x.example" for number in range(count))), type_name)


@pytest.mark.parametrize("refusal", [REFUSAL, "550 5.1.1 no such user", "554 5.7.1 blocked using spamhaus"])
def test_it_stops_and_nobody_else_is_marked(mail_server: Script, refusal: str, settings: Settings) -> None:
    mail_server.answer("rcpt", refusal)
    broadcast = to_many(300)
    deliver(broadcast)
    assert (broadcast.status, broadcast.held_for) == ("paused", "refused")
    refused = broadcast.deliveries.exclude(result=Result.UNSENT).count()
    assert 10 <= refused == broadcast.refused_in_row
    # What was on its way over the open connections is answered too.
    assert refused <= 20 + 2 * settings.DELIVERING_CONNECTIONS
    assert broadcast.last_refusal == refusal
    assert not broadcast.leases.filter(until__gt=timezone.now()).exists()


def test_the_page_quotes_the_server_and_resume_works(
    mail_server: Script, as_alice: Client, alice: User, as_bob: Client
) -> None:
    mail_server.answer("rcpt", REFUSAL, times=10)
    broadcast = to_many(200)
    while deliver(broadcast):
        pass
    url = reverse("broadcasts:broadcast-detail", args=[broadcast.pk])
    page = as_alice.get(url).content.decode()
    assert f"Stopped: {broadcast.refused_in_row} emails in a row were refused." in page
    assert "550 5.7.1 Message rejected, &lt;see&gt; our policy" in page
    assert "Messenger paused it, for the reason above" in page
    assert as_bob.get(url).status_code == 404
    assert resume(broadcast, alice)
    assert resume(broadcast, alice) is False
    while deliver(broadcast):
        pass
    assert (broadcast.status, broadcast.refused_in_row) == ("sent", 0)
    assert "Stopped:" not in as_alice.get(url).content.decode()


def test_refusals_add_up_over_shifts_and_workers(mail_server: Script) -> None:
    mail_server.answer("rcpt", REFUSAL)
    broadcast = to_many(12)
    later = broadcast.deliveries.filter(email__gte="p006")
    later.update(state=Delivery.State.IDLE, next_attempt_at=timezone.now() + timedelta(hours=1))
    deliver(broadcast)
    assert (broadcast.held_for, broadcast.refused_in_row) == ("", 6)
    make_due(broadcast)
    deliver(broadcast)
    assert (broadcast.held_for, broadcast.refused_in_row) == ("refused", 12)


def test_one_that_is_accepted_ends_the_row(mail_server: Script) -> None:
    for number in range(90):
        if number % 10 < 4:
            mail_server.answer("rcpt", REFUSAL, recipient=f"p{number:03}@")
    broadcast = to_many(90)
    while deliver(broadcast):
        pass
    assert (broadcast.status, broadcast.held_for) == ("sent", "")


def test_full_mailboxes_are_no_refusals(mail_server: Script) -> None:
    mail_server.answer("rcpt", "452 4.2.2 mailbox full")
    broadcast = to_many(40)
    deliver(broadcast)
    make_due(broadcast)
    deliver(broadcast)
    assert (broadcast.held_for, broadcast.refused_in_row) == ("", 0)


def test_an_emergency_goes_on_with_a_warning(mail_server: Script, as_alice: Client) -> None:
    mail_server.answer("rcpt", REFUSAL)
    broadcast = to_many(60, "Emergency")
    deliver(broadcast)
    assert (broadcast.held_for, broadcast.refused_in_row) == ("", 60)
    Broadcast.objects.update(status="sending")
    page = as_alice.get(reverse("broadcasts:broadcast-detail", args=[broadcast.pk])).content.decode()
    assert "60 emails in a row were refused." in page
    assert "An emergency goes on all the same" in page


def test_it_can_be_switched_off(mail_server: Script, settings: Settings) -> None:
    settings.STOP_AFTER_FAILURES = 0
    mail_server.answer("rcpt", REFUSAL)
    broadcast = to_many(60)
    deliver(broadcast)
    assert broadcast.status == "sent"
