"""Each kind of evidence on the timeline: in order, with code, the server's words, a plain sentence and the rule."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from broadcasts.blocking import block_addresses, unblock_addresses
from broadcasts.delivering.sweeping import close_soft_bounced
from broadcasts.models import Attempt, BlockedEmail, Delivery, School, User
from broadcasts.results import Result
from reports.timeline import Entry, timeline
from tests import factory
from tests.reports.rows import make_delivery
from tests.reports.test_delivery_detail import add_event
from tracking.models import Event
from tracking.opening import Look, read_fetch, record_opens

pytestmark = pytest.mark.django_db
Kind, Label, Outcome = Event.Kind, Event.Label, Attempt.Outcome
NOON = datetime(2026, 5, 11, 17, 0, tzinfo=UTC)
SERVER = {"code": "5.7.1", "text": "550 5.7.1 words of the server", "rule": "report: failed, mailbox full"}


@pytest.fixture
def row(lincoln: School) -> Delivery:
    return make_delivery(factory.make_broadcast(lincoln, prepared_at=NOON), "ana@home.example", Result.SENT)


def entries_of(row: Delivery) -> list[Entry]:
    return timeline(Delivery.objects.select_related("broadcast").get(pk=row.pk))


def entry_named(row: Delivery, words: str) -> Entry:
    [found] = [entry for entry in entries_of(row) if words in entry.what]
    return found


def attempt(row: Delivery, number: int, outcome: Attempt.Outcome, result: Result | None, **fields: object) -> Attempt:
    at = NOON + timedelta(minutes=number)
    return Attempt.objects.create(delivery=row, number=number, at=at, outcome=outcome, result=result, **fields)


@pytest.mark.parametrize(
    ("outcome", "result", "rule", "says"),
    [
        (Outcome.ACCEPTED, Result.SENT, "", "in the hands of other mail servers"),
        (Outcome.DEFERRED, Result.SOFT_BOUNCED, "mailbox full", "In plain words: mailbox full. That is a “try again"),
        (Outcome.DEFERRED, Result.BOUNCED, "not now", "this was the last time"),
        (Outcome.DEFERRED, None, "", "connection broke before the email left"),
        (Outcome.REFUSED, Result.FAILED, "user unknown", "In plain words: no such mailbox. That is final"),
        (Outcome.REFUSED, None, "we may not relay", "nobody is marked because of it"),
        (Outcome.IN_DOUBT, None, "", "at the one moment when nobody can tell"),
    ],
)
def test_each_outcome_of_an_attempt(
    row: Delivery, outcome: Attempt.Outcome, result: Result | None, rule: str, says: str
) -> None:
    attempt(row, 1, outcome, result, rule=rule, code=450, enhanced_code="4.2.2", text="the server's", phase="rcpt")
    entry = entry_named(row, "Attempt 1")
    assert says in entry.more
    assert (entry.result, entry.rule) == (result, rule)
    assert [value for _name, value in entry.details] == [
        "450", "4.2.2", "the server's", "when we named the recipient (rcpt)", *([rule] if rule else []),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        (Kind.ACCEPTED, "in the hands of other mail servers"),
        (Kind.DELIVERED, "That server has it now"),
        (Kind.DEFERRED, "In plain words: mailbox full. The servers are still trying"),
        (Kind.BOUNCED, "In plain words: mailbox full. It did not reach the mailbox"),
        (Kind.REFUSED, "the provider's own list or its rules said no"),
        (Kind.FAILED, "never arrived at the recipient's server"),
        (Kind.OPENED, "pictures were loaded"),
        (Kind.CLICKED, "somebody has it open"),
        (Kind.COMPLAINED, "We put the address on the Blocked Email list"),
        (Kind.UNSUBSCRIBED, "took this type of broadcast off the address"),
        (Kind.AUTO_REPLIED, "perhaps nobody has read it yet"),
        (Kind.NOTED, "changes nothing"),
    ],
)
def test_each_kind_of_event(as_alice: Client, row: Delivery, kind: Event.Kind, says: str) -> None:
    add_event(row, kind, NOON, **SERVER)
    entry = entry_named(row, str(kind.label))
    assert says in entry.more
    assert {"5.7.1", "550 5.7.1 words of the server", "report: failed, mailbox full", "a report by email"} <= {
        value for _name, value in entry.details
    }
    assert "550 5.7.1 words of the server" in as_alice.get(f"/email-log/{row.pk}/").text


def test_every_kind_and_outcome_is_walked_here() -> None:
    walked = [test_each_kind_of_event, test_each_outcome_of_an_attempt]
    kinds, outcomes = ({case[0] for case in test.pytestmark[-1].args[1]} for test in walked)  # type: ignore[attr-defined]
    assert (kinds, outcomes) == (set(Kind), set(Outcome))


def test_an_event_of_a_provider_names_the_provider(row: Delivery) -> None:
    Event.objects.create(
        delivery=row, kind=Kind.BOUNCED, at=NOON, key="x", source=Event.Source.WEBHOOK, code="5.1.1",
        rule="SendGrid: bounced, invalid", result=Result.FAILED, text="550 5.1.1 no such user",
    )  # fmt: skip
    entry = entry_named(row, "returned the email")
    assert ("Email provider", "SendGrid") in entry.details
    assert "There is no such mailbox" in entry.more


@pytest.mark.parametrize(
    ("label", "called", "says"),
    [
        (Label.AUTOMATIC, "The mailbox loaded the pictures by itself", "perhaps nobody has read it yet"),
        (Label.SCANNER, "A security program looked at the email", "says nothing about the reader"),
        (Label.UNSURE, "The email was opened", "pictures were loaded"),
        (Label.PERSON, "The email was opened", "pictures were loaded"),
    ],
)
def test_who_opened_it_is_told_apart(row: Delivery, label: Event.Label, called: str, says: str) -> None:
    add_event(row, Kind.OPENED, NOON, label=label, agent="Apple Mail, ahead of time", network="192.0.2.0/24")
    entry = entry_named(row, called)
    assert says in entry.more
    assert {str(label.label), "Apple Mail, ahead of time", "192.0.2.0/24"} <= {value for _n, value in entry.details}


def test_machine_that_counts_by_a_setting_says_so(row: Delivery, settings: Settings) -> None:
    settings.COUNT_MACHINE_OPENS = True
    fetch = read_fetch(
        row.pk, {"REQUEST_METHOD": "GET", "HTTP_USER_AGENT": "Mozilla/5.0", "REMOTE_ADDR": "192.0.2.1"}
    )
    assert fetch
    now = timezone.now()
    record_opens([Look(fetch, now, now)])
    entry = entry_named(row, "The mailbox loaded the pictures by itself")
    assert (entry.result, entry.decides) == (Result.OPENED, True)
    assert "COUNT_MACHINE_OPENS" in entry.more


def test_what_made_the_result_is_marked_with_its_rule(as_alice: Client, row: Delivery) -> None:
    attempt(row, 1, Outcome.DEFERRED, Result.SOFT_BOUNCED, rule="not now")
    attempt(row, 2, Outcome.REFUSED, Result.FAILED, rule="user unknown", code=550)
    add_event(row, Kind.BOUNCED, NOON + timedelta(hours=1), result=Result.FAILED, rule="report: failed, user unknown")
    Delivery.objects.update(result=Result.FAILED)
    assert [entry.what for entry in entries_of(row) if entry.decides] == [
        "Attempt 2: The mail server refused the email"
    ]
    page = as_alice.get(f"/email-log/{row.pk}/").text
    assert "How we know:" in page
    assert "The rule that decided: “user unknown”." in page
    assert page.count("made the result") == 1


def test_nothing_is_marked_before_there_is_evidence(as_alice: Client, row: Delivery) -> None:
    Delivery.objects.update(result=Result.UNSENT)
    assert "How we know:" not in as_alice.get(f"/email-log/{row.pk}/").text


def test_closed_because_nobody_said_more(row: Delivery) -> None:
    attempt(row, 1, Outcome.ACCEPTED, Result.SENT)
    add_event(row, Kind.DEFERRED, NOON + timedelta(minutes=2), result=Result.SOFT_BOUNCED)
    Delivery.objects.update(result=Result.SOFT_BOUNCED, last_attempt_at=NOON)
    close_soft_bounced(NOON + timedelta(days=4))
    entry = entry_named(row, "We stopped waiting")
    assert (entry.at, entry.result, entry.decides) == (NOON + timedelta(hours=72), Result.BOUNCED, True)
    assert "for 72 hours" in entry.more


def test_cancelled_while_it_was_tried_again(row: Delivery) -> None:
    attempt(row, 1, Outcome.DEFERRED, Result.SOFT_BOUNCED)
    Delivery.objects.update(result=Result.BOUNCED, note=Delivery.Note.CANCELLED)
    row.broadcast.finished_at = NOON + timedelta(minutes=9)
    row.broadcast.save()
    assert entry_named(row, "The broadcast was cancelled").decides


@pytest.mark.parametrize(
    ("note", "result", "says"),
    [
        (Delivery.Note.BLOCKED, Result.BLOCKED, "was on the Blocked Email list"),
        (Delivery.Note.DO_NOT_CONTACT, Result.NO_EMAIL_SELECTED, "marked “do not contact”"),
    ],
)
def test_held_back_when_its_turn_came(row: Delivery, note: str, result: Result, says: str) -> None:
    Delivery.objects.update(note=note, result=result)
    entry = entry_named(row, "It was held back")
    assert (entry.at, entry.result, entry.decides) == (None, result, True)
    assert says in entry.more


def test_blocks_and_their_lifting_are_on_it(as_alice: Client, alice: User, lincoln: School) -> None:
    source = BlockedEmail.Source.STAFF
    block_addresses(["ANA@home.example"], reason="Asked us to stop", source=source, by=alice)
    block_addresses(["other@home.example"], reason="Somebody else", source=source, by=alice)
    broadcast = factory.make_broadcast(lincoln, prepared_at=timezone.now())
    row = make_delivery(broadcast, "ana@home.example", Result.BLOCKED, note="blocked")
    other = make_delivery(broadcast, "bo@home.example", Result.SENT)
    unblock_addresses(["ana@home.example"], reason="They changed their mind", by=alice)
    told = [(entry.what, entry.more) for entry in entries_of(row)]
    assert told[0] == ("Alice put the address on the Blocked Email list", "Reason: Asked us to stop")
    assert told[-1] == (
        "Alice took the address off the Blocked Email list",
        "This row stays Blocked, because results only move forward. Reason: They changed their mind",
    )
    assert len(told) == 3
    assert len(entries_of(other)) == 1
    assert "They changed their mind" in as_alice.get(f"/email-log/{row.pk}/").text


def test_name_that_the_provider_gave_it_is_shown(as_alice: Client, row: Delivery) -> None:
    Delivery.objects.update(provider_message_id="<msg-17@provider.example>")
    assert "&lt;msg-17@provider.example&gt;" in as_alice.get(f"/email-log/{row.pk}/").text
