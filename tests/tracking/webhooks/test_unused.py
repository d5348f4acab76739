"""What cannot be used spoils nothing, is kept where an administrator sees it, and can be tried again."""

import json
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.urls import reverse

from broadcasts.models import AuditEntry, Delivery
from broadcasts.results import Result
from broadcasts.tokens import make_token
from tests import factory
from tests.tracking.rows import make_delivery
from tests.tracking.webhooks.payloads import LISTS, Who, body, event, of
from tests.tracking.webhooks.posting import POSTS, Post, post
from tests.tracking.webhooks.test_refusing import WORDS
from tracking.models import Event, UnusedEvent
from tracking.webhooks import taking_in

pytestmark = pytest.mark.django_db
MALFORMED: list[Any] = [
    None,
    7,
    "text",
    [],
    {},
    {"event": 7},
    {"event": "delivered", "msys": []},
    {"type": {"a": [1]}},
]


@pytest.mark.parametrize("provider", sorted(LISTS))
def test_malformed_events_do_not_hold_up_their_batch(client: Client, provider: str) -> None:
    deliveries = [make_delivery(f"person{n}@home.example") for n in range(3)]
    word = {"mandrill": "send", "brevo": "request"}.get(provider, WORDS[provider])
    first, *others = [event(provider, word, of(delivery)) for delivery in deliveries]
    assert post(client, provider, body(provider, first, *MALFORMED, *others)).status_code == 200
    assert Event.objects.count() == 3
    kept = UnusedEvent.objects.count()
    # Unisender Go's own wrapping already tells which are none.
    assert kept == len(MALFORMED)
    assert all(unused.reason and unused.provider == provider for unused in UnusedEvent.objects.all())


@pytest.mark.parametrize("provider", sorted(POSTS))
def test_an_unknown_word_is_kept(client: Client, provider: str) -> None:
    said = event(provider, "telepathy", of(make_delivery(provider_message_id="message-1")))
    assert post(client, provider, body(provider, said)).status_code == 200
    assert not Event.objects.exists()
    assert "does not know" in UnusedEvent.objects.get().reason


def test_an_address_alone_names_no_email(client: Client) -> None:
    make_delivery(provider_message_id="message-1")
    for who in (
        Who("", "ann@home.example", ""),
        Who("", "ann@home.example", "message-2"),
        Who("", "bob@home.example", "message-1"),
        Who("1.0000", "ann@home.example", ""),
        Who(make_token(10**9, "webhook"), "ann@home.example", "message-1"),
        Who(make_token(1, "pixel"), "ann@home.example", ""),
    ):
        assert post(client, "sparkpost", [event("sparkpost", "delivery", who)]).status_code == 200
    assert not Event.objects.exists()
    assert UnusedEvent.objects.count() == 6


def test_one_message_id_for_a_whole_call_is_told_apart_by_the_address(client: Client) -> None:
    ann, bea = (make_delivery(f"{name}@home.example", provider_message_id="call-1") for name in ("ann", "bea"))
    said = event("sparkpost", "delivery", Who("", "BEA@home.example", "call-1"))
    post(client, "sparkpost", [said])
    assert (ann.events.count(), bea.events.count()) == (0, 1)


def test_one_amazon_notification_for_all_recipients(client: Client) -> None:
    ann, bea = (make_delivery(f"{name}@home.example", provider_message_id="ses-1") for name in ("ann", "bea"))
    said = event("amazon_ses", "Delivery", Who("", "ann@home.example", "ses-1"))
    said["delivery"]["recipients"] = ["ann@home.example", "bea@home.example"]
    for _time in range(2):
        post(client, "amazon_ses", said)
    assert (ann.events.count(), bea.events.count()) == (1, 1)


@pytest.mark.parametrize("result", [Result.DUPLICATE, Result.BLOCKED])
def test_a_row_that_carried_no_email_stays_as_it_is(client: Client, result: Result) -> None:
    delivery = make_delivery(is_sendable=False, result=result)
    post(client, "brevo", event("brevo", "delivered", of(delivery)))
    delivery.refresh_from_db()
    assert delivery.result == result
    assert UnusedEvent.objects.count() == 1


@pytest.mark.parametrize("provider", sorted(POSTS))
def test_a_body_that_is_no_json_is_kept_or_refused(client: Client, provider: str) -> None:
    answer = post(client, provider, b'{"event": ')
    assert answer.status_code in (200, 403)
    assert UnusedEvent.objects.count() == (answer.status_code == 200)


def use_again(client: Client, *rows: UnusedEvent) -> None:
    chosen = {"action": "use_again", "_selected_action": [row.pk for row in rows]}
    answer = client.post(reverse("admin:tracking_unusedevent_changelist"), chosen)
    assert answer.status_code == 302


def test_an_administrator_tries_it_again(as_charlie: Client) -> None:
    delivery = make_delivery()
    for provider, word in (("brevo", "delivered"), ("resend", "email.opened")):
        post(as_charlie, provider, event(provider, word, Who("", "ann@home.example", f"{provider}-9")))
    resend, brevo = UnusedEvent.objects.all()
    page = as_charlie.get(reverse("admin:tracking_unusedevent_changelist"))
    assert "No email of this Messenger" in page.content.decode()
    said = as_charlie.get(reverse("admin:tracking_unusedevent_change", args=[resend.pk]))
    assert "email.opened" in said.content.decode()
    Delivery.objects.filter(pk=delivery.pk).update(provider_message_id="resend-9")
    use_again(as_charlie, resend, brevo)
    assert [found.kind for found in delivery.events.all()] == ["opened"]
    assert list(UnusedEvent.objects.all()) == [brevo]
    assert AuditEntry.objects.get().action == "unused_event.used"


def test_the_stranger_cannot_try_it_again(as_bob: Client) -> None:
    post(as_bob, "brevo", event("brevo", "delivered", Who("", "ann@home.example", "brevo-9")))
    chosen = {"action": "use_again", "_selected_action": [UnusedEvent.objects.get().pk]}
    assert as_bob.post(reverse("admin:tracking_unusedevent_changelist"), chosen).status_code == 403


def test_what_was_cut_cannot_be_tried_again(as_charlie: Client) -> None:
    said = event("brevo", "delivered", of(make_delivery()), event="telepathy", padding="x" * 70_000)
    post(as_charlie, "brevo", said)
    unused = UnusedEvent.objects.get()
    assert (unused.is_whole, len(unused.raw)) == (False, 64_000)
    use_again(as_charlie, unused)
    assert UnusedEvent.objects.count() == 1


def test_the_newest_are_kept(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taking_in, "MOST_UNUSED", 5)
    monkeypatch.setattr(taking_in, "MOST_UNUSED_OF_ONE", 4)
    monkeypatch.setattr(taking_in, "MOST_EVENTS", 6)
    for time in range(2):
        said = [{"number": number, "time": time} for number in range(9)]
        assert post(client, "mailjet", said).status_code == 200
    assert UnusedEvent.objects.count() == 5


def unknown(number: int) -> Any:
    return event("sparkpost", "delivery", Who("", "ann@home.example", f"unknown-{number}"))


def test_what_stands_before_a_break_is_used_or_kept(
    client: Client, as_charlie: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taking_in, "TOGETHER", 2)
    first, second = (make_delivery(f"{name}@home.example") for name in ("ann", "bea"))
    events = [unknown(1), event("sparkpost", "delivery", of(first)), event("sparkpost", "delivery", of(second))]
    broken = json.dumps([*events, unknown(2)]).encode()[:-20]
    assert post(client, "sparkpost", broken).status_code == 200
    assert (first.events.count(), second.events.count()) == (1, 1)
    text, whole = UnusedEvent.objects.all()
    assert (whole.is_whole, whole.message_id) == (True, "unknown-1")
    assert (text.is_whole, "could not be read" in text.reason) == (False, True)
    Delivery.objects.filter(pk=first.pk).update(provider_message_id="unknown-1")
    use_again(as_charlie, whole, text)
    assert list(UnusedEvent.objects.all()) == [text]


@pytest.mark.django_db(transaction=True)
def test_a_batch_that_our_database_cut_short_is_posted_again_and_counts_once(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taking_in, "TOGETHER", 2)
    delivery = make_delivery()
    events = [unknown(1), event("sparkpost", "delivery", of(delivery)), unknown(2), unknown(3)]
    writes: list[str] = []

    def gone_after_the_first(execute: Any, sql: str, *rest: Any) -> Any:
        if sql.startswith('INSERT INTO "tracking_unusedevent"'):
            writes.append(sql)
            if len(writes) > 1:
                raise OperationalError("the database is gone")
        return execute(sql, *rest)

    client.raise_request_exception = False
    with connection.execute_wrapper(gone_after_the_first):
        assert post(client, "sparkpost", events).status_code == 500
    assert [kept.message_id for kept in UnusedEvent.objects.all()] == ["unknown-1"]
    for _time in range(2):
        assert post(client, "sparkpost", events).status_code == 200
    assert sorted(kept.message_id for kept in UnusedEvent.objects.all()) == ["unknown-1", "unknown-2", "unknown-3"]
    assert delivery.events.count() == 1


def test_what_waits_for_each_of_several_recipients_is_kept_for_each(client: Client) -> None:
    said = event("amazon_ses", "Delivery", Who("", "ann@home.example", "ses-1"))
    said["delivery"]["recipients"] = ["ann@home.example", "bea@home.example"]
    for _time in range(2):
        post(client, "amazon_ses", said)
    kept = UnusedEvent.objects.order_by("address_key").values_list("address_key", flat=True)
    assert list(kept) == ["ann@home.example", "bea@home.example"]


def test_the_events_page_of_the_administrator_is_for_nobody_else(as_alice: Client) -> None:
    assert as_alice.get(reverse("admin:tracking_unusedevent_changelist")).status_code == 403


@pytest.mark.parametrize(
    ("provider", "word", "more"),
    [
        ("sendgrid", "open", {"ip": "198.51.100.77"}),
        ("amazon_ses", "Open", {"ipAddress": "198.51.100.77"}),
        ("mailgun", "opened", {"ip": "198.51.100.77"}),
        ("sparkpost", "open", {"ip_address": "198.51.100.77"}),
    ],
)
def test_where_somebody_read_it_is_not_kept(client: Client, provider: str, word: str, more: dict[str, str]) -> None:
    said = event(provider, word, Who("", "ann@home.example", "unknown"), **more)
    post(client, provider, body(provider, said))
    unused = UnusedEvent.objects.get()
    assert "ann@home.example" in unused.raw
    assert "198.51.100.77" not in unused.raw
    assert json.loads(unused.raw)
    assert unused.is_whole


def test_a_form_that_says_nothing_is_kept(client: Client) -> None:
    factory.make_school()
    answer = Post(b"a=b", "application/x-www-form-urlencoded").to(client, "mailgun")
    assert answer.status_code == 403
