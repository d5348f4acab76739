"""Staff take an address off the Blocked Email list themselves, with a reason."""

import pytest
from django.test import Client
from django.urls import reverse

from broadcasts.blocking import block_addresses, find_block
from broadcasts.models import AuditEntry, BlockedEmail, BlockLevel, EmailAddress, Person, School, User
from broadcasts.results import Result
from tests import factory
from tests.reports.rows import make_delivery

REASON = {"reason": "The mother called and asked for our emails"}


@pytest.fixture
def person(lincoln: School) -> Person:
    block_addresses(["ann@home.example"], reason="Reported “Menu” as spam", source=BlockedEmail.Source.COMPLAINT)
    return factory.make_person(lincoln, "Ann", ["Ann@home.example"])


def url_of(person: Person) -> str:
    return reverse("broadcasts:block-lift", args=[EmailAddress.objects.get(person=person).pk])


def page_of(person: Person) -> str:
    return reverse("broadcasts:person-detail", args=[person.pk])


def test_persons_page_leads_to_why_and_to_lifting(as_alice: Client, person: Person) -> None:
    assert url_of(person) in as_alice.get(page_of(person)).text
    page = as_alice.get(url_of(person)).text
    for words in (
        "Reported “Menu” as spam",
        "reported our email as spam",
        "complaints make mail services",
        "Messenger",
    ):
        assert words in page
    assert find_block("ann@home.example")


def test_lifting_takes_the_address_off_with_who_and_why(as_alice: Client, alice: User, person: Person) -> None:
    response = as_alice.post(url_of(person), REASON, follow=True)
    assert response.redirect_chain[0][0] == page_of(person)
    assert "results only move forward" in response.text
    assert "The mother called" in response.text  # the history of the person has it
    assert find_block("ann@home.example") is None
    entry = AuditEntry.objects.get(action="blocked_email.removed")
    assert (entry.actor, entry.details["reason"]) == (alice, REASON["reason"])


@pytest.mark.parametrize("reason", ["", "   "])
def test_without_a_reason_nothing_is_lifted(as_alice: Client, person: Person, reason: str) -> None:
    response = as_alice.post(url_of(person), {"reason": reason})
    assert response.status_code == 422
    assert "Say why" in response.text
    assert find_block("ann@home.example")


def test_second_press_is_told_so(as_alice: Client, person: Person) -> None:
    as_alice.post(url_of(person), REASON)
    response = as_alice.post(url_of(person), REASON, follow=True)
    assert "is not on the Blocked Email list" in response.text
    assert AuditEntry.objects.filter(action="blocked_email.removed").count() == 1


def test_stranger_can_neither_see_nor_lift_it(as_bob: Client, person: Person) -> None:
    assert as_bob.get(url_of(person)).status_code == 404
    assert as_bob.post(url_of(person), REASON).status_code == 404
    assert find_block("ann@home.example")


def test_way_back_leads_to_our_own_pages_only(as_alice: Client, person: Person) -> None:
    assert as_alice.post(url_of(person), REASON | {"next": "https://evil.example/"}).headers["Location"] == "/"
    block_addresses(["ann@home.example"], reason="Again", source=BlockedEmail.Source.STAFF)
    assert as_alice.post(url_of(person), REASON | {"next": "/email-log/7/"}).headers["Location"] == "/email-log/7/"


def test_row_that_says_blocked_leads_to_it_and_stays_as_it_is(as_alice: Client, person: Person) -> None:
    row = make_delivery(
        factory.make_broadcast(person.school), "ann@home.example", Result.BLOCKED, note="blocked", person=person,
        address=EmailAddress.objects.get(person=person),
    )  # fmt: skip
    page = f"/email-log/{row.pk}/"
    assert f"{url_of(person)}?next={page}" in as_alice.get(page).text
    response = as_alice.post(url_of(person), REASON | {"next": page}, follow=True)
    row.refresh_from_db()
    assert row.result == Result.BLOCKED
    assert "It is not on the list any more" in response.text
    assert url_of(person) not in response.text


def test_block_except_for_emergencies_says_so(as_alice: Client, lincoln: School) -> None:
    person = factory.make_person(lincoln, "Bo", ["bo@home.example"])
    source = BlockedEmail.Source.FAILURES
    block_addresses(["bo@home.example"], reason="Failed", source=source, level=BlockLevel.EXCEPT_EMERGENCY)
    assert "blocked except for Emergency" in as_alice.get(page_of(person)).text
    page = as_alice.get(url_of(person)).text
    assert "everything except Emergency" in page
    assert "no such address" in page
