import pytest
from django.test import Client

from broadcasts.blocking import block_addresses
from broadcasts.models import AuditEntry, BlockedEmail, EmailAddress, Person, School, User
from broadcasts.people.editing import correct_address
from tests import factory
from tests.broadcasts.people.family import page, text_of


@pytest.fixture
def ann(lincoln: School) -> Person:
    factory.make_type("General")
    return factory.make_person(lincoln, "Ann", ["ann@gmial.example"])


def edit(address: EmailAddress) -> str:
    return page("address-edit", address.pk)


def test_an_address_is_added(as_alice: Client, ann: Person) -> None:
    answer = as_alice.post(page("address-add", ann.pk), {"address": " ann@work.example "}, follow=True)
    assert "ann@work.example is an address of Ann." in text_of(answer)
    assert ann.addresses.filter(address="ann@work.example", is_active=True).exists()


def test_an_address_is_corrected_and_the_old_one_says_by_what(as_alice: Client, ann: Person, alice: User) -> None:
    wrong = ann.addresses.get()
    assert "ann@gmial.example" in text_of(as_alice.get(edit(wrong)))
    shown = text_of(as_alice.post(edit(wrong), {"address": "ann@gmail.example"}, follow=True))
    assert "ann@gmail.example is used from now on." in shown
    assert "1 address is no longer in use" in shown
    assert "No longer in use since" in shown
    assert "Replaced by ann@gmail.example; no import brings it back." in shown
    assert "<b>Alice</b> corrected an email address" in shown
    assert "ann@gmial.example → ann@gmail.example" in shown


def test_a_correction_of_what_was_corrected_meanwhile_is_refused(
    as_alice: Client, ann: Person, charlie: User
) -> None:
    wrong = ann.addresses.get()
    correct_address(wrong, "ann@gmail.example", by=charlie)
    shown = text_of(as_alice.post(edit(wrong), {"address": "ann@mail.example"}, follow=True))
    assert "ann@gmial.example was corrected to ann@gmail.example already." in shown
    assert ann.addresses.filter(is_active=True).get().address == "ann@gmail.example"


@pytest.mark.parametrize(("text", "reason"), [("ann", "There is no @"), ("", "Write the email address.")])
def test_an_invalid_address_is_refused_beside_the_field(
    as_alice: Client, ann: Person, text: str, reason: str
) -> None:
    for url in (page("address-add", ann.pk), edit(ann.addresses.get())):
        answer = as_alice.post(url, {"address": text})
        assert answer.status_code == 422
        assert reason in text_of(answer)
    assert ann.addresses.count() == 1


def test_a_blocked_address_is_said(as_alice: Client, ann: Person) -> None:
    block_addresses(["ann@work.example"], reason="asked", source=BlockedEmail.Source.STAFF)
    shown = text_of(as_alice.post(page("address-add", ann.pk), {"address": "Ann@work.example"}, follow=True))
    assert "Ann@work.example is on the Blocked Email list" in shown
    assert '<span class="pill error">on the Blocked Email list</span>' in shown


def test_an_address_is_confirmed_retired_and_used_again(as_alice: Client, ann: Person) -> None:
    address = ann.addresses.get()
    shown = text_of(as_alice.post(edit(address), {"deed": "confirm"}, follow=True))
    assert "Staff said on" in shown
    shown = text_of(as_alice.post(edit(address), {"deed": "retire"}, follow=True))
    assert "No address in use" in shown
    assert "Use it again" in text_of(as_alice.get(edit(address)))
    shown = text_of(as_alice.post(edit(address), {"deed": "use-again"}, follow=True))
    assert "ann@gmial.example is in use again." in shown
    actions = [entry.action for entry in AuditEntry.objects.order_by("pk")]
    assert actions == ["address.confirmed", "address.retired", "address.used_again"]


def test_an_invalid_address_is_not_used_again(as_alice: Client, lincoln: School) -> None:
    ann = factory.make_person(lincoln, "Ann", ["a..b@x.example"])
    address = ann.addresses.get()
    as_alice.post(edit(address), {"deed": "retire"})
    assert "two dots" in text_of(as_alice.post(edit(address), {"deed": "use-again"}, follow=True))
    assert not ann.addresses.filter(is_active=True).exists()


def test_opening_the_page_does_nothing(as_alice: Client, ann: Person) -> None:
    address = ann.addresses.get()
    as_alice.get(edit(address), {"deed": "retire"})
    as_alice.get(page("address-add", ann.pk), {"address": "x@x.example"})
    assert ann.addresses.get().is_active
    assert not AuditEntry.objects.exists()


def test_a_stranger_touches_no_address(as_bob: Client, ann: Person) -> None:
    address = ann.addresses.get()
    for data in ({"deed": "retire"}, {"deed": "confirm"}, {"address": "bob@x.example"}):
        assert as_bob.post(edit(address), data).status_code == 404
    assert as_bob.post(page("address-add", ann.pk), {"address": "bob@x.example"}).status_code == 404
    address.refresh_from_db()
    assert (address.is_active, address.confirmed_at) == (True, None)
    assert ann.addresses.count() == 1
