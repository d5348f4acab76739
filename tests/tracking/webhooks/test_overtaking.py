"""Events that come before we have noted the provider's id of their email: used by themselves, and once."""

import threading
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from broadcasts.delivering.sweeper import sweep_until
from broadcasts.models import AuditEntry, Delivery
from broadcasts.results import Result
from tests.tracking.rows import make_delivery
from tests.tracking.webhooks.payloads import Who, body, event
from tests.tracking.webhooks.posting import post
from tests.waiting import wait_for
from tracking.models import Event, UnusedEvent
from tracking.webhooks import trying_again
from tracking.webhooks.trying_again import use_what_became_known

WORDS = {"mailersend": "delivered", "postal": "Sent", "sparkpost": "delivery", "sendgrid": "delivered"}


def tell_early(client: Client, provider: str, address: str = "ann@home.example", message_id: str = "m-1") -> None:
    said = event(provider, WORDS[provider], Who("", address, message_id))
    assert post(client, provider, body(provider, said)).status_code == 200


def note_id(delivery: Delivery, message_id: str = "m-1") -> None:
    Delivery.objects.filter(pk=delivery.pk).update(provider_message_id=message_id)


def use_now() -> int:
    return use_what_became_known(timezone.now())


@pytest.mark.django_db
@pytest.mark.parametrize("provider", sorted(WORDS))
def test_an_event_that_came_first_becomes_a_result_when_the_id_is_known(client: Client, provider: str) -> None:
    delivery = make_delivery()
    tell_early(client, provider)
    assert use_now() == 0
    assert UnusedEvent.objects.count() == 1
    note_id(delivery)
    assert use_now() == 1
    assert use_now() == 0
    assert delivery.events.count() == 1
    delivery.refresh_from_db()
    assert delivery.result == Result.DELIVERED
    assert not UnusedEvent.objects.exists()
    # Nobody did it.
    assert not AuditEntry.objects.exists()


@pytest.mark.django_db
def test_told_again_after_it_was_used_it_is_still_one(client: Client) -> None:
    delivery = make_delivery()
    for _time in range(2):
        tell_early(client, "mailersend")
    note_id(delivery)
    tell_early(client, "mailersend")
    use_now()
    assert delivery.events.count() == 1
    assert not UnusedEvent.objects.exists()


@pytest.mark.django_db
def test_somebody_elses_id_and_address_are_left_alone(client: Client) -> None:
    delivery = make_delivery("bea@home.example")
    tell_early(client, "mailersend")
    note_id(delivery)
    assert use_now() == 0
    assert not Event.objects.exists()


@pytest.mark.django_db
def test_what_is_old_waits_for_a_person(client: Client) -> None:
    delivery = make_delivery()
    tell_early(client, "mailersend")
    UnusedEvent.objects.update(received_at=timezone.now() - timedelta(hours=7))
    note_id(delivery)
    assert use_now() == 0
    assert UnusedEvent.objects.count() == 1


@pytest.mark.django_db
def test_more_than_fit_in_one_transaction_are_all_used(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trying_again, "TOGETHER", 2)
    deliveries = [make_delivery(f"p{number}@home.example") for number in range(5)]
    for number, delivery in enumerate(deliveries):
        tell_early(client, "postal" if number % 2 else "sparkpost", delivery.email, f"m-{number}")
        note_id(delivery, f"m-{number}")
    assert use_now() == 5
    assert [one.events.count() for one in deliveries] == [1] * 5


@pytest.mark.django_db
def test_of_two_recipients_of_one_notification_each_waits_for_its_own_email(client: Client) -> None:
    ann, bea = (make_delivery(f"{name}@home.example") for name in ("ann", "bea"))
    said = event("amazon_ses", "Delivery", Who("", "ann@home.example", "ses-1"))
    said["delivery"]["recipients"] = ["ann@home.example", "bea@home.example"]
    post(client, "amazon_ses", said)
    assert UnusedEvent.objects.count() == 2
    for delivery in (ann, bea):
        note_id(delivery, "ses-1")
        use_now()
    assert (ann.events.count(), bea.events.count()) == (1, 1)
    assert not UnusedEvent.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_sweep_does_it_by_itself(client: Client) -> None:
    delivery = make_delivery()
    stop = threading.Event()
    sweep = threading.Thread(target=sweep_until, args=(stop,))
    tell_early(client, "mailersend")
    note_id(delivery)
    sweep.start()
    try:
        wait_for(lambda: Event.objects.filter(delivery=delivery).count() == 1, "the event", seconds=30)
    finally:
        stop.set()
        sweep.join()
    assert Delivery.objects.get(pk=delivery.pk).result == Result.DELIVERED


@pytest.mark.django_db(transaction=True)
def test_of_two_sweeps_at_once_each_event_is_used_once(client: Client) -> None:
    deliveries = [make_delivery(f"p{number}@home.example") for number in range(20)]
    for number, delivery in enumerate(deliveries):
        tell_early(client, "mailersend", delivery.email, f"m-{number}")
        note_id(delivery, f"m-{number}")
    threads = [threading.Thread(target=one_sweep) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    use_now()
    assert [one.events.count() for one in deliveries] == [1] * 20
    assert not UnusedEvent.objects.exists()


def one_sweep() -> None:
    from django.db import connections

    try:
        use_now()
    finally:
        connections.close_all()
