"""“Why did they not get it?” has an answer in plain words, whatever the reason is."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.html import escape

from broadcasts.blocking import block_addresses, unblock_addresses
from broadcasts.models import (
    BlockedEmail,
    Broadcast,
    BroadcastType,
    ContactType,
    ContactTypeChange,
    Delivery,
    EmailAddress,
    Person,
    School,
    User,
)
from broadcasts.results import Result
from broadcasts.templatetags.messenger import moment
from tests import factory
from tests.reports.trials import make_sent, make_trial

Note, State, Status = Delivery.Note, Delivery.State, Broadcast.Status


@pytest.fixture(autouse=True)
def general(db: None) -> BroadcastType:
    return factory.make_type()


@pytest.fixture
def ann(lincoln: School) -> Person:
    person = factory.make_person(lincoln, "Ann", ["ann@home.example"])
    Person.objects.filter(pk=person.pk).update(created_at=timezone.now() - timedelta(days=99))
    return person


@pytest.fixture
def menu(lincoln: School) -> Broadcast:
    return make_sent(lincoln, "Menu")


def ask(client: Client, person: Person, broadcast: Broadcast) -> str:
    return client.get(f"/families/{person.pk}/", {"broadcast": broadcast.pk}).text


def says(client: Client, person: Person, broadcast: Broadcast, words: str) -> bool:
    return escape(words) in ask(client, person, broadcast)


def test_they_did_get_it(as_alice: Client, ann: Person, menu: Broadcast) -> None:
    row = make_trial(menu, ann, Result.OPENED)
    when = moment(row.last_attempt_at, menu.school)
    assert says(as_alice, ann, menu, f"They did get it at ann@home.example, sent on {when}, and somebody opened it.")
    assert f'href="/email-log/{row.pk}/">What happened' in ask(as_alice, ann, menu)


def test_it_was_delivered(as_alice: Client, ann: Person, menu: Broadcast) -> None:
    make_trial(menu, ann, Result.DELIVERED)
    assert says(as_alice, ann, menu, "and their mail service has it.")


def test_it_came_back_later(as_alice: Client, ann: Person, menu: Broadcast) -> None:
    make_trial(menu, ann, Result.DELIVERED, "unknown user", late_bounce_at=timezone.now())
    assert says(as_alice, ann, menu, "It counted as received at ann@home.example, and came back on")


@pytest.mark.parametrize(
    ("result", "rule", "words"),
    [
        (Result.FAILED, "unknown user", "There is no such mailbox"),
        (Result.FAILED, "no such domain", "There is no mail service behind the part after the @."),
        (Result.BOUNCED, "5.7.1", "refused us by its own rules or for our reputation"),
    ],
)
def test_it_failed_and_why(
    as_alice: Client, ann: Person, menu: Broadcast, result: Result, rule: str, words: str
) -> None:
    make_trial(menu, ann, result, rule)
    assert says(as_alice, ann, menu, "It did not reach ann@home.example.")
    assert says(as_alice, ann, menu, words)


def test_not_on_its_lists(as_alice: Client, ann: Person, menu: Broadcast) -> None:
    name = menu.lists.get().name
    when = moment(menu.prepared_at, menu.school)
    assert says(as_alice, ann, menu, f"Ann was not on its lists ({name}) when it was prepared on {when}.")


def test_added_after_it_was_prepared(as_alice: Client, ann: Person, menu: Broadcast) -> None:
    Person.objects.update(created_at=timezone.now())
    assert says(as_alice, ann, menu, "after this broadcast was prepared")


def test_not_active(as_alice: Client, ann: Person, menu: Broadcast) -> None:
    Person.objects.update(is_active=False)
    assert says(as_alice, ann, menu, "Ann is not active in the directory")


def test_no_address_at_all(as_alice: Client, ann: Person, menu: Broadcast) -> None:
    make_trial(menu, ann, Result.NO_EMAIL_SELECTED, note=Note.NO_ADDRESS)
    assert says(as_alice, ann, menu, "There was no email address on file for them.")


def test_do_not_contact(as_alice: Client, ann: Person, menu: Broadcast) -> None:
    make_trial(menu, ann, Result.NO_EMAIL_SELECTED, note=Note.DO_NOT_CONTACT)
    assert says(as_alice, ann, menu, "They are marked “do not contact” for the student")


def test_who_switched_the_type_off_and_when(
    as_alice: Client, alice: User, ann: Person, menu: Broadcast, general: BroadcastType
) -> None:
    make_trial(menu, ann, Result.NO_EMAIL_SELECTED, note=Note.NOT_SELECTED)
    ContactType.objects.update(receives=False)
    at = timezone.now() - timedelta(days=3)
    ContactTypeChange.objects.create(
        address=EmailAddress.objects.get(), broadcast_type=general, receives=False, chosen_by="staff",
        changed_by=alice, at=at,
    )  # fmt: skip
    when = moment(at, menu.school)
    assert says(as_alice, ann, menu, f"For ann@home.example it was switched off by Alice on {when}.")


def test_family_switched_it_off_itself(as_alice: Client, ann: Person, menu: Broadcast) -> None:
    make_trial(menu, ann, Result.NO_EMAIL_SELECTED, note=Note.NOT_SELECTED)
    ContactType.objects.update(receives=False, chosen_by=ContactType.ChosenBy.FAMILY)
    assert says(as_alice, ann, menu, "For ann@home.example it was switched off by the family on")


def test_type_that_nobody_ever_selected(as_alice: Client, ann: Person, menu: Broadcast) -> None:
    make_trial(menu, ann, Result.NO_EMAIL_SELECTED, note=Note.NOT_SELECTED)
    ContactType.objects.all().delete()
    assert says(as_alice, ann, menu, "Nobody ever selected it for ann@home.example.")


def test_type_that_is_back_on(as_alice: Client, ann: Person, menu: Broadcast) -> None:
    make_trial(menu, ann, Result.NO_EMAIL_SELECTED, note=Note.NOT_SELECTED)
    assert says(as_alice, ann, menu, "so the next one goes there.")


def test_duplicate_of_whom(as_alice: Client, ann: Person, menu: Broadcast, lincoln: School) -> None:
    dan = factory.make_person(lincoln, "Dan", ["ann@home.example"])
    carrier = make_trial(menu, dan, Result.FAILED, "unknown user")
    make_trial(menu, ann, Result.DUPLICATE, duplicate_of=carrier)
    assert says(as_alice, ann, menu, "They share ann@home.example with Dan, whose row carries the one email")
    assert says(as_alice, ann, menu, "There is no such mailbox")


def test_blocked_since_when_and_why(as_alice: Client, ann: Person, menu: Broadcast) -> None:
    make_trial(menu, ann, Result.BLOCKED, note=Note.BLOCKED)
    block_addresses(["ann@home.example"], reason="Asked us to stop", source=BlockedEmail.Source.STAFF)
    assert says(as_alice, ann, menu, "is on the Blocked Email list since")
    assert says(as_alice, ann, menu, "Why: Asked us to stop")
    unblock_addresses(["ann@home.example"])
    assert says(as_alice, ann, menu, "It is not on it any more.")


@pytest.mark.parametrize(
    ("fields", "of_broadcast", "words"),
    [
        ({}, {"status": Status.PAUSED}, "It is waiting because the broadcast is paused."),
        (
            {},
            {"status": Status.SENDING, "trouble": "Nobody answers", "trouble_since": timezone.now()},
            "our mail server has had trouble since",
        ),
        ({"state": State.UNCONFIRMED, "next_attempt_at": None}, {}, "In doubt: we do not know"),
        ({"note": Note.CANCELLED, "next_attempt_at": None}, {"status": Status.CANCELLED}, "and it never will."),
    ],
)
def test_still_unsent_and_why(
    as_alice: Client,
    ann: Person,
    menu: Broadcast,
    fields: dict[str, object],
    of_broadcast: dict[str, object],
    words: str,
) -> None:
    Broadcast.objects.update(**of_broadcast)
    row = make_trial(menu, ann, Result.UNSENT, next_attempt_at=timezone.now())
    Delivery.objects.filter(pk=row.pk).update(**fields)
    assert says(as_alice, ann, menu, words)


def test_broadcast_is_found_by_its_subject(as_alice: Client, ann: Person, menu: Broadcast, lincoln: School) -> None:
    make_sent(lincoln, "Snow day")
    page = as_alice.get(f"/families/{ann.pk}/", {"subject": "snow"}).text
    assert "1 broadcast has “snow” in its subject." in page
    assert f'<option value="{menu.pk}"' not in page


@pytest.mark.parametrize("asked", ["", "abc", "²", "9" * 40, "-1"])
def test_broadcast_that_does_not_exist_has_no_answer(as_alice: Client, ann: Person, asked: str) -> None:
    answer = as_alice.get(f"/families/{ann.pk}/", {"broadcast": asked})
    assert answer.status_code == 200
    assert not answer.context["answers"]


def test_strangers_broadcast_has_no_answer(as_alice: Client, ann: Person, jefferson: School) -> None:
    secret = make_sent(jefferson, "Secret")
    make_trial(secret, ann, Result.OPENED)
    page = ask(as_alice, ann, secret)
    assert "Secret" not in page
    assert "They did get it" not in page
