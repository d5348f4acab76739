"""Requests of which nobody knows what became: who is in doubt, and how the doubt ends."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from broadcasts.delivering import working
from broadcasts.delivering.controlling import cancel, pause
from broadcasts.delivering.providers import backends
from broadcasts.delivering.sweeping import end_doubts
from broadcasts.models import Broadcast, Delivery
from tests import factory
from tests.broadcasts.delivering.providers.conftest import each_of
from tests.broadcasts.delivering.steps import deliver, make_people, results_of, row_of, start
from tests.provider_dialects import DIALECTS
from tests.provider_server import Fault, ProviderServer, Record, Request
from tests.tracking.webhooks import payloads
from tests.tracking.webhooks.posting import KEYS, post

pytestmark = pytest.mark.django_db(transaction=True)
MANY = [f"family{number}@x.example" for number in range(9)]
IN_DOUBT, WAITING = Delivery.State.IN_DOUBT, Delivery.State.WAITING

FAULTS = {
    "cut off before it was read": lambda: Fault(is_reset=True),
    "cut off after it was read": lambda: Fault(is_reset=True, is_taken=True),
    "500": lambda: Fault(500, b"<h1>Oops</h1>"),
    "502, and taken": lambda: Fault(502, is_taken=True),
    "no JSON": lambda: Fault(200, b"<html>welcome to the hotel's network</html>", is_taken=True),
    "other JSON": lambda: Fault(200, b'["what"]', is_taken=True),
}


def in_doubt(broadcast: Broadcast) -> list[str]:
    return sorted(broadcast.deliveries.filter(state=IN_DOUBT).values_list("email", flat=True))


def as_if_long_ago(broadcast: Broadcast) -> None:
    long_ago = timezone.now() - timedelta(hours=1)
    broadcast.leases.update(until=long_ago)


@each_of("postmark", "mailgun", "sparkpost", "brevo", "mandrill", "mailjet")
@pytest.mark.parametrize("fault", FAULTS)
def test_exactly_the_emails_of_that_request_are_in_doubt(provider: Record, settings: Settings, fault: str) -> None:
    settings.MAIL_PROVIDER_BATCH = 4
    provider.faults.append(FAULTS[fault]())
    broadcast = start(make_people(*MANY))
    deliver(broadcast)
    doubted = in_doubt(broadcast)
    assert len(doubted) == (1 if "mandrill" in str(settings.MAIL_PROVIDER) else 4)
    assert set(provider.to()) <= set(doubted)
    others = broadcast.deliveries.exclude(email__in=doubted)
    assert {(row.get_result_display(), row.attempts, row.state) for row in others} == {("Unsent", 0, WAITING)}
    assert {row.attempts for row in broadcast.deliveries.filter(email__in=doubted)} == {1}
    assert "may have taken" in broadcast.trouble or "cannot be read" in broadcast.trouble


@pytest.mark.parametrize("fault", FAULTS)
def test_the_others_go_on_and_begin_with_a_question(provider: Record, settings: Settings, fault: str) -> None:
    settings.MAIL_PROVIDER_BATCH = 4
    provider.faults.append(FAULTS[fault]())
    broadcast = start(make_people(*MANY))
    deliver(broadcast)
    doubted = in_doubt(broadcast)
    deliver(broadcast)
    assert provider.sizes[-2:] == [1, 4]
    assert in_doubt(broadcast) == doubted
    assert {results_of(broadcast)[address] for address in MANY if address not in doubted} == {"Sent"}
    assert broadcast.status == Broadcast.Status.SENDING
    assert not broadcast.trouble


@each_of("postmark", "mailgun")
def test_an_answer_that_never_comes_leaves_a_doubt(provider: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "ANSWER_SECONDS", 0.3)
    end = threading.Event()
    provider.faults.append(Fault(until=end, is_taken=True))
    broadcast = start(make_people(*MANY))
    deliver(broadcast)
    end.set()
    assert in_doubt(broadcast) == MANY
    assert "did not answer" in broadcast.trouble


def test_a_provider_that_is_not_there_leaves_no_doubt(provider: Record, settings: Settings) -> None:
    server = ProviderServer(DIALECTS["postmark"])
    server.stop()
    settings.MAIL_PROVIDER_API_URL = server.url
    broadcast = start(make_people(*MANY))
    deliver(broadcast)
    assert {(row.attempts, row.state, row.last_attempt_at) for row in broadcast.deliveries.all()} == {
        (0, WAITING, None)
    }
    assert "cannot be reached" in broadcast.trouble


def test_a_doubt_of_which_nobody_hears_is_sent_again(provider: Record) -> None:
    provider.faults.append(Fault(is_reset=True))
    broadcast = start(make_people("anna@x.example"))
    deliver(broadcast)
    as_if_long_ago(broadcast)
    assert end_doubts(timezone.now()) == 1
    deliver(broadcast)
    assert provider.to() == ["anna@x.example"]
    row = row_of(broadcast, "anna@x.example")
    assert (row.get_result_display(), row.attempts) == ("Sent", 2)
    assert [one.outcome for one in row.tries.order_by("number")] == ["in_doubt", "accepted"]


def test_a_webhook_ends_the_doubt_and_nothing_is_sent_again(
    provider: Record, settings: Settings, client: Client
) -> None:
    settings.ANYMAIL |= KEYS["postmark"]()
    provider.faults.append(Fault(is_reset=True, is_taken=True))
    broadcast = start(make_people("anna@x.example"))
    deliver(broadcast)
    token = provider.email_to("anna@x.example").metadata["delivery"]
    assert (
        post(client, "postmark", payloads.postmark("Delivery", payloads.Who(token, "anna@x.example"))).status_code
        == 200
    )
    as_if_long_ago(broadcast)
    end_doubts(timezone.now())
    deliver(broadcast)
    assert len(provider.taken) == 1
    assert results_of(broadcast) == {"anna@x.example": "Delivered"}
    assert in_doubt(broadcast) == []


@each_of()
def test_the_marks_are_in_the_database_before_the_request(provider: Record, settings: Settings) -> None:
    settings.MAIL_PROVIDER_BATCH, settings.DELIVERING_CONNECTIONS = 3, 1
    seen: list[tuple[list[str], list[str]]] = []

    def look(request: Request) -> None:
        named = [email.to for email in DIALECTS[settings.MAIL_PROVIDER].read(request)]
        marked = Delivery.objects.filter(state=IN_DOUBT).values_list("email", flat=True)
        seen.append((sorted(named), sorted(marked)))
        connection.close()

    provider.on_request = look
    deliver(start(make_people(*MANY)))
    assert seen
    assert all(named == marked for named, marked in seen)


@pytest.mark.parametrize("stop", [pause, cancel])
def test_what_is_stopped_meanwhile_does_not_leave(provider: Record, settings: Settings, stop: object) -> None:
    settings.MAIL_PROVIDER_BATCH, settings.DELIVERING_CONNECTIONS = 3, 1
    charlie = factory.make_user("Charlie")
    broadcast = start(make_people(*MANY))

    def stop_it(_request: Request) -> None:
        if len(provider.requests) == 1:
            stop(Broadcast.objects.get(), charlie)  # type: ignore[operator]
        connection.close()

    provider.on_request = stop_it
    deliver(broadcast)
    assert provider.sizes == [3]
    assert sorted(results_of(broadcast).values()) == ["Sent"] * 3 + ["Unsent"] * 6
    assert not broadcast.deliveries.filter(state=Delivery.State.IN_DOUBT).exists()


def test_two_workers_send_each_email_once(provider: Record, settings: Settings) -> None:
    settings.MAIL_PROVIDER_BATCH = 5
    addresses = [f"family{number}@x.example" for number in range(60)]
    broadcast = start(make_people(*addresses))

    def work() -> None:
        working.deliver_due(broadcast.pk, working.shift(30))
        connection.close()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert provider.to() == sorted(addresses)
    assert set(results_of(broadcast).values()) == {"Sent"}


@pytest.fixture(autouse=True)
def no_worker_waits_for_long() -> Iterator[None]:
    yield
    connection.close()
