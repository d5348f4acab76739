"""The doors: correct, confirm, send what was missed."""

import pytest
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from broadcasts.blocking import block_addresses
from broadcasts.models import AuditEntry, BlockedEmail, Broadcast, Delivery, EmailAddress, School
from tests import factory
from tests.reports.trials import make_failed

BACK = "/people/addresses-to-fix/?q=ann"


@pytest.fixture
def failed(lincoln: School) -> Delivery:
    factory.make_type()
    return make_failed(lincoln)


def url(row: Delivery, deed: str) -> str:
    return f"/people/addresses/{row.address_id}/{deed}/"


def correct(client: Client, row: Delivery, to: str = "ann@home.example") -> str:
    """Where it leads."""
    answer = client.post(url(row, "correct"), {"address": to, "next": BACK})
    assert answer.status_code == 302, answer.text
    return answer["Location"]


def test_correcting_leads_to_what_was_missed(as_alice: Client, failed: Delivery) -> None:
    missed = correct(as_alice, failed)
    assert missed.startswith(url(failed, "missed"))
    page = as_alice.get(missed).text
    assert "From now on Ann is written to at ann@home.example." in page
    assert f'value="{failed.pk}" checked' in page
    assert "Send what is ticked to ann@home.example" in page
    assert f'href="{BACK}">Send nothing' in page
    assert AuditEntry.objects.filter(action="address.corrected").count() == 1


def test_correcting_leads_back_when_nothing_was_missed(as_alice: Client, failed: Delivery) -> None:
    Broadcast.objects.update(status=Broadcast.Status.CANCELLED)
    assert correct(as_alice, failed) == BACK


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("ann home@x.example", "There is a space inside the address."),
        ("", "Type the right address."),
        ("AN@home.example ", "That is the address there is."),
    ],
)
def test_bad_address_comes_back_with_the_reason_and_what_was_typed(
    as_alice: Client, failed: Delivery, typed: str, reason: str
) -> None:
    answer = as_alice.post(url(failed, "correct"), {"address": typed, "next": BACK})
    assert answer.status_code == 422
    assert reason in answer.text
    assert typed.strip() in answer.text
    assert f'href="{BACK}">Cancel' in answer.text
    assert EmailAddress.objects.get().is_active


def test_second_correction_says_that_it_was_done(as_alice: Client, failed: Delivery) -> None:
    correct(as_alice, failed)
    page = as_alice.get(correct(as_alice, failed, "other@home.example")).text
    assert "an@home.example was already corrected to ann@home.example." in page
    assert not EmailAddress.objects.filter(key="other@home.example").exists()


def test_confirmed_address_is_on_record(as_alice: Client, failed: Delivery) -> None:
    page = as_alice.post(url(failed, "confirm"), {"next": BACK}, follow=True).text
    assert "an@home.example counts as right until an email to it fails again." in page
    assert "Nothing to fix" in page
    assert AuditEntry.objects.filter(action="address.confirmed", actor_name="Alice").count() == 1


def test_sending_wakes_the_workers_and_says_how_many_leave(
    as_alice: Client, failed: Delivery, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    correct(as_alice, failed)
    with django_capture_on_commit_callbacks() as callbacks:
        answer = as_alice.post(url(failed, "missed"), {"delivery": failed.pk, "next": BACK})
    assert answer["Location"] == BACK
    assert len(callbacks) == 1
    assert "1 email is on its way to ann@home.example." in as_alice.get(BACK).text


def test_second_press_sends_nothing_more(as_alice: Client, failed: Delivery) -> None:
    correct(as_alice, failed)
    for _twice in range(2):
        as_alice.post(url(failed, "missed"), {"delivery": failed.pk})
    assert Delivery.objects.count() == 2
    assert "these emails were sent again before" in as_alice.get("/").text


def test_nothing_ticked_is_asked_again(as_alice: Client, failed: Delivery) -> None:
    correct(as_alice, failed)
    answer = as_alice.post(url(failed, "missed"), {"next": BACK})
    assert answer.status_code == 422
    assert "Nothing is ticked." in answer.text


def test_what_cannot_be_sent_again_says_why_and_is_not(as_alice: Client, failed: Delivery) -> None:
    block_addresses(["ann@home.example"], reason="Asked", source=BlockedEmail.Source.STAFF)
    page = as_alice.get(correct(as_alice, failed)).text
    assert "ann@home.example is on the Blocked Email list." in page
    assert "Send what is ticked" not in page
    page = as_alice.post(url(failed, "missed"), {"delivery": failed.pk}, follow=True).text
    assert "was not sent again. ann@home.example is on the Blocked Email list." in page
    assert Delivery.objects.count() == 1


@pytest.mark.parametrize("number", ["abc", "²", "999999", "-1"])
def test_row_that_was_not_offered_is_not_sent(as_alice: Client, failed: Delivery, number: str) -> None:
    correct(as_alice, failed)
    as_alice.post(url(failed, "missed"), {"delivery": number})
    assert Delivery.objects.count() == 1


def test_another_schools_broadcast_is_not_sent_again_from_here(
    as_alice: Client, failed: Delivery, jefferson: School
) -> None:
    Broadcast.objects.update(school=jefferson)
    assert correct(as_alice, failed) == BACK
    as_alice.post(url(failed, "missed"), {"delivery": failed.pk})
    assert Delivery.objects.count() == 1


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_way_back_leads_nowhere_else(as_alice: Client, failed: Delivery, elsewhere: str) -> None:
    answer = as_alice.post(url(failed, "confirm"), {"next": elsewhere})
    assert answer["Location"] == "/"


@pytest.mark.parametrize("deed", ["correct", "confirm", "missed"])
def test_strangers_address_does_not_exist(as_bob: Client, failed: Delivery, deed: str) -> None:
    data = {"address": "mine@home.example", "delivery": failed.pk}
    assert as_bob.post(url(failed, deed), data).status_code == 404
    assert as_bob.get(url(failed, deed)).status_code == 404
    assert EmailAddress.objects.get().confirmed_at is None


def test_address_that_was_not_corrected_has_nothing_to_send_to(as_alice: Client, failed: Delivery) -> None:
    assert as_alice.get(url(failed, "missed"))["Location"] == url(failed, "correct")


def test_an_address_that_a_setting_has_made_one_is_typed_again(
    as_alice: Client, failed: Delivery, settings: Settings
) -> None:
    EmailAddress.objects.update(address="jürgen@home.example", key="jürgen@home.example", is_valid=False)
    refused = as_alice.post(url(failed, "correct"), {"address": "jürgen@home.example", "next": BACK})
    assert "“ü” before the @" in refused.text
    settings.ALLOW_INTERNATIONAL_ADDRESSES = True
    correct(as_alice, failed, "jürgen@home.example")
    assert EmailAddress.objects.get().is_valid
