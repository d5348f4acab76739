"""What the provider says no to: whose fault it is, who is marked, and what happens next."""

from datetime import timedelta
from email.utils import format_datetime

import pytest
from django.utils import timezone
from pytest_django import Settings

from broadcasts.delivering.transports import MailServerTrouble, send_plain
from broadcasts.models import Broadcast, Delivery
from tests.broadcasts.delivering.providers.conftest import each_of
from tests.broadcasts.delivering.steps import deliver, make_due, make_people, results_of, row_of, start
from tests.provider_server import Fault, Record

pytestmark = pytest.mark.django_db(transaction=True)
MANY = [f"family{number}@x.example" for number in range(9)]
ONE = "family4@x.example"
OTHERS = [address for address in MANY if address != ONE]


def assert_untouched(broadcast: Broadcast) -> None:
    """As if nobody had tried: waiting, uncounted, nobody's."""
    for row in broadcast.deliveries.all():
        assert (row.get_result_display(), row.attempts, row.last_attempt_at) == ("Unsent", 0, None)
        assert (row.state, row.lease_token) == (Delivery.State.WAITING, None)
        assert not row.tries.exists()


@each_of("postmark", "mailgun", "brevo", "mandrill", "mailjet", "mailtrap", "resend")
def test_an_address_that_is_not_valid_is_failed_and_nobody_else(provider: Record) -> None:
    provider.refuses = {ONE: "invalid"}
    broadcast = start(make_people(*MANY))
    deliver(broadcast)
    assert provider.to() == OTHERS
    assert results_of(broadcast) == {**dict.fromkeys(OTHERS, "Sent"), ONE: "Failed"}
    assert {row.attempts for row in broadcast.deliveries.all()} == {1}
    assert row_of(broadcast, ONE).tries.get().outcome == "refused"
    assert not broadcast.trouble


@each_of("sparkpost")
def test_a_batch_of_which_some_were_refused_is_with_the_provider(provider: Record) -> None:
    """It does not say whom; sending all of them again would be worse."""
    provider.refuses = {ONE: "invalid"}
    broadcast = start(make_people(*MANY))
    deliver(broadcast)
    assert provider.to() == OTHERS
    assert results_of(broadcast) == dict.fromkeys(MANY, "Sent")


@each_of("sparkpost")
def test_the_only_recipient_that_is_refused_is_failed(provider: Record) -> None:
    provider.refuses = {ONE: "invalid"}
    broadcast = start(make_people(ONE))
    deliver(broadcast)
    assert results_of(broadcast) == {ONE: "Failed"}


@each_of("postmark", "mandrill")
def test_who_is_on_the_providers_own_list_is_blocked(provider: Record) -> None:
    provider.refuses = {ONE: "rejected"}
    broadcast = start(make_people(*MANY))
    deliver(broadcast)
    assert results_of(broadcast) == {**dict.fromkeys(OTHERS, "Sent"), ONE: "Blocked"}
    assert row_of(broadcast, ONE).next_attempt_at is None


@each_of("mandrill")
def test_what_failed_at_the_provider_is_tried_again_and_then_given_up(provider: Record, settings: Settings) -> None:
    settings.RETRY_MINUTES = (1.0,)
    provider.refuses = {ONE: "failed"}
    broadcast = start(make_people(ONE))
    deliver(broadcast)
    assert results_of(broadcast) == {ONE: "Soft Bounced"}
    make_due(broadcast)
    deliver(broadcast)
    row = row_of(broadcast, ONE)
    assert (row.get_result_display(), row.attempts, row.note) == ("Bounced", 2, "gave_up")


@each_of()
@pytest.mark.parametrize("status", [401, 403])
def test_a_wrong_key_marks_nobody_and_is_shown(provider: Record, status: int) -> None:
    provider.faults.append(Fault(status, b'{"message": "no such key"}'))
    broadcast = start(make_people(*MANY))
    deliver(broadcast)
    assert len(provider.requests) == 1
    assert_untouched(broadcast)
    assert (
        broadcast.trouble == f"The email provider refuses our key. An administrator should look at it: {status} "
        '{"message": "no such key"}'
    )


@each_of("postmark", "mailgun", "sparkpost", "brevo")
def test_the_key_of_somebody_else_marks_nobody(provider: Record, settings: Settings) -> None:
    settings.ANYMAIL = dict.fromkeys(settings.ANYMAIL, "another")
    broadcast = start(make_people(*MANY))
    deliver(broadcast)
    assert provider.taken == []
    assert_untouched(broadcast)
    assert "refuses our key" in broadcast.trouble


@each_of("mandrill")
def test_mandrill_names_a_wrong_key_with_an_error_of_its_own(provider: Record) -> None:
    words = b'{"status": "error", "code": -1, "name": "Invalid_Key", "message": "Invalid API key"}'
    provider.faults.append(Fault(500, words))
    broadcast = start(make_people(*MANY))
    deliver(broadcast)
    assert_untouched(broadcast)


def test_when_the_key_is_right_again_sending_goes_on_and_the_trouble_is_gone(provider: Record) -> None:
    provider.faults.append(Fault(401))
    broadcast = start(make_people(*MANY))
    deliver(broadcast)
    deliver(broadcast)
    assert provider.sizes == [1, 8]  # the first one is a question
    assert results_of(broadcast) == dict.fromkeys(MANY, "Sent")
    assert (broadcast.trouble, broadcast.status) == ("", Broadcast.Status.SENT)


@pytest.mark.parametrize("as_date", [False, True])
def test_too_many_requests_wait_as_long_as_asked(provider: Record, as_date: bool) -> None:
    until = timezone.now() + timedelta(seconds=300)
    said = format_datetime(until, usegmt=False) if as_date else "300"
    provider.faults.append(Fault(429, headers={"Retry-After": said}))
    broadcast = start(make_people(*MANY))
    deliver(broadcast)
    assert_untouched(broadcast)
    assert broadcast.next_try_at is not None
    assert until - timedelta(seconds=5) < broadcast.next_try_at < until + timedelta(seconds=20)
    assert "more slowly" in broadcast.trouble


@pytest.mark.parametrize("said", ["", "soon", "-1", "9" * 40, "Thu, 01 Jan 1970 00:00:00 GMT"])
def test_nonsense_for_a_time_to_wait_is_no_reason_to_stop_for_long(provider: Record, said: str) -> None:
    provider.faults.append(Fault(429, headers={"Retry-After": said}))
    broadcast = start(make_people(*MANY))
    deliver(broadcast)
    assert broadcast.next_try_at is not None
    assert broadcast.next_try_at <= timezone.now() + timedelta(hours=1)


@each_of()
def test_a_refusal_that_is_about_us_marks_nobody(provider: Record) -> None:
    words = b'{"message": "The sender address is not verified: from is not valid"}'
    provider.faults.extend([Fault(400, words)] * 20)
    broadcast = start(make_people(*MANY))
    deliver(broadcast)
    assert results_of(broadcast) == dict.fromkeys(MANY, "Unsent")
    assert "not verified" in broadcast.trouble
    # The one that was asked for alone has its turn later, so that it holds up nobody if it is to blame after all.
    assert sorted(row.attempts for row in broadcast.deliveries.all()) == [0] * 8 + [1]


def test_an_account_that_may_not_send_marks_nobody(provider: Record) -> None:
    provider.refuses = {ONE: "account"}
    broadcast = start(make_people(*MANY))
    deliver(broadcast)
    assert results_of(broadcast) == {**dict.fromkeys(OTHERS, "Sent"), ONE: "Unsent"}
    assert "out of credits" in broadcast.trouble


@each_of("postmark", "brevo")
def test_a_request_that_is_too_large_is_cut_in_two(provider: Record) -> None:
    provider.faults.append(Fault(413))
    broadcast = start(make_people(*MANY))
    deliver(broadcast)
    assert provider.sizes == [4, 5]
    assert results_of(broadcast) == dict.fromkeys(MANY, "Sent")
    assert {row.attempts for row in broadcast.deliveries.all()} == {1}


def test_a_redirection_gets_neither_our_key_nor_an_email(provider: Record) -> None:
    provider.faults.append(Fault(307, headers={"Location": "/elsewhere"}))
    broadcast = start(make_people(*MANY))
    deliver(broadcast)
    assert len(provider.requests) == 1
    assert_untouched(broadcast)
    assert "leads elsewhere" in broadcast.trouble


def test_what_is_not_set_up_is_said(provider: Record, settings: Settings) -> None:
    settings.ANYMAIL = {}
    broadcast = start(make_people(*MANY))
    deliver(broadcast)
    assert_untouched(broadcast)
    assert "The settings for Postmark are not complete" in broadcast.trouble


@each_of("postmark", "mailgun")
def test_an_address_with_other_letters_holds_up_nobody_in_its_request(provider: Record, settings: Settings) -> None:
    settings.ALLOW_INTERNATIONAL_ADDRESSES = True
    broadcast = start(make_people("anna@x.example", "jürgen@x.example", "ben@bücher.example"))
    deliver(broadcast)
    assert results_of(broadcast) == {
        "anna@x.example": "Sent", "jürgen@x.example": "Bounced", "ben@bücher.example": "Sent",
    }  # fmt: skip
    assert provider.to() == ["anna@x.example", "ben@xn--bcher-kva.example"]
    assert "cannot write to" in row_of(broadcast, "jürgen@x.example").tries.get().text
    with pytest.raises(MailServerTrouble, match="cannot write to"):
        send_plain("office@lincoln.example", "jürgen@x.example", b"Subject: x\r\n\r\nx\r\n")
