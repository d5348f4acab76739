from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils.html import escape

from broadcasts.models import Attempt, Broadcast, Delivery, EmailAddress, School
from broadcasts.results import Result
from reports.explanations import explain
from tests import factory
from tests.reports.rows import make_delivery, make_one_of_each
from tracking.models import Event

State = Delivery.State
NOON = datetime(2026, 5, 11, 17, 0, tzinfo=UTC)


def add_event(delivery: Delivery, kind: Event.Kind, at: datetime, **fields: object) -> Event:
    key = f"{delivery.pk}{kind}{at}"[:64]
    return Event.objects.create(delivery=delivery, kind=kind, at=at, key=key, source=Event.Source.REPORT, **fields)


def page_of(client: Client, delivery: Delivery) -> str:
    response = client.get(f"/email-log/{delivery.pk}/")
    assert response.status_code == 200
    return response.text


def test_timeline_merges_attempts_and_events_in_time_order(as_alice: Client, lincoln: School) -> None:
    broadcast = factory.make_broadcast(lincoln, prepared_at=NOON)
    row = make_delivery(broadcast, "ana@home.example", Result.DELIVERED, attempts=2)
    minutes = [NOON + timedelta(minutes=number) for number in range(5)]
    add_event(row, Event.Kind.DELIVERED, minutes[4], code="2.0.0", text="250 ok delivered", rule="report: delivered")
    Attempt.objects.create(delivery=row, number=2, at=minutes[3], outcome="accepted", code=250)
    Attempt.objects.create(
        delivery=row,
        number=1,
        at=minutes[1],
        outcome="deferred",
        code=452,
        enhanced_code="4.2.2",
        text="Mailbox full",
    )
    response = as_alice.get(f"/email-log/{row.pk}/")
    assert [entry.what for entry in response.context["entries"]] == [
        "This email was prepared",
        "Attempt 1: The mail server said: not now",
        "Attempt 2: The mail server accepted the email",
        "The recipient's server confirmed the email",
    ]
    for words in ("452", "4.2.2", "Mailbox full", "250 ok delivered", "report: delivered", "May 11, 2026 12:01 pm"):
        assert words in response.text


def test_a_wrong_address_can_be_corrected_from_here(as_alice: Client, lincoln: School) -> None:
    broadcast = factory.make_broadcast(lincoln)
    failed = make_delivery(broadcast, "typo@home.example", Result.FAILED)
    late = make_delivery(broadcast, "closed@home.example", Result.DELIVERED, late_bounce_at=NOON)
    for row in (failed, late):
        address = EmailAddress.objects.get(key=row.address_key)
        link = f"/people/addresses/{address.pk}/correct/?next=/email-log/{row.pk}/"
        assert link in page_of(as_alice, row)
        as_alice.post(link, {"address": f"right{row.pk}@home.example"})
        assert "/correct/" not in page_of(as_alice, row), "there is nothing left to correct"
    assert "/correct/" not in page_of(as_alice, make_delivery(broadcast, "ann@home.example", Result.DELIVERED))


def test_a_duplicate_names_its_carrier_or_says_that_it_is_gone(as_alice: Client, lincoln: School) -> None:
    broadcast = factory.make_broadcast(lincoln)
    carrier = make_delivery(broadcast, "home@home.example", Result.DELIVERED)
    row = make_delivery(broadcast, "home@home.example", Result.DUPLICATE, duplicate_of=carrier, person=None)
    assert "The row named here carries the email." in page_of(as_alice, row)
    carrier.delete()
    page = page_of(as_alice, row)
    assert "The row that carried the email is gone." in page
    assert "named here" not in page


def test_every_result_is_explained(as_alice: Client, lincoln: School) -> None:
    for row in make_one_of_each(factory.make_broadcast(lincoln)):
        response = as_alice.get(f"/email-log/{row.pk}/")
        assert escape(str(explain(row.result).meaning)) in response.text


def test_a_row_does_not_point_to_its_own_page(as_alice: Client, lincoln: School) -> None:
    for row in make_one_of_each(factory.make_broadcast(lincoln)):
        assert "own page" not in page_of(as_alice, row)
    bounced = Delivery.objects.get(result=Result.BOUNCED)
    assert "“What happened” below has what the mail service said" in page_of(as_alice, bounced)


def test_late_bounce_is_not_nothing_to_do(as_alice: Client, lincoln: School) -> None:
    broadcast = factory.make_broadcast(lincoln)
    row = make_delivery(broadcast, "ana@home.example", Result.DELIVERED, late_bounce_at=NOON)
    page = page_of(as_alice, row)
    assert "It counted as Delivered first, and then the email came back." in page
    assert "Ask the family whether the address is still right." in page
    assert "Nothing to do" not in page


@pytest.mark.parametrize(
    ("result", "words"), [(Result.UNSENT, "it never will"), (Result.BOUNCED, "nobody tries any more")]
)
def test_cancelled_row_waits_for_nothing(as_alice: Client, lincoln: School, result: Result, words: str) -> None:
    row = make_delivery(factory.make_broadcast(lincoln), "ana@home.example", result, note="cancelled")
    page = page_of(as_alice, row)
    assert words in page
    assert "send them a new broadcast" in page
    for contradiction in ("waiting for its turn", "Nothing to do", "we tried for as long as we try"):
        assert contradiction not in page


def test_row_in_doubt_is_not_waiting_for_its_turn(as_alice: Client, lincoln: School) -> None:
    row = make_delivery(factory.make_broadcast(lincoln), "ana@home.example", state=State.UNCONFIRMED)
    page = page_of(as_alice, row)
    assert "the connection broke before the mail server said it has it" in page
    assert "waiting for its turn" not in page


def test_stranger_gets_404(as_bob: Client, lincoln: School) -> None:
    row = make_delivery(factory.make_broadcast(lincoln), "ana@home.example")
    assert as_bob.get(f"/email-log/{row.pk}/").status_code == 404


@pytest.mark.parametrize("number", ["0", "99999999999999999999999"])
def test_row_that_does_not_exist_is_404(as_alice: Client, number: str) -> None:
    assert as_alice.get(f"/email-log/{number}/").status_code == 404


def test_duplicate_leads_to_the_row_that_carries_the_email(as_alice: Client, lincoln: School) -> None:
    broadcast = factory.make_broadcast(lincoln)
    first = make_delivery(broadcast, "ana@home.example", Result.SENT)
    second = make_delivery(broadcast, "ana@home.example", Result.DUPLICATE, note="shared", duplicate_of=first)
    assert f'href="/email-log/{first.pk}/"' in page_of(as_alice, second)


def test_note_says_why_there_was_no_address(as_alice: Client, lincoln: School) -> None:
    row = make_delivery(factory.make_broadcast(lincoln), "", Result.NO_EMAIL_SELECTED, note="no_address")
    assert "No email address on file" in page_of(as_alice, row)


def test_late_bounce_is_shown_beside_the_result(as_alice: Client, lincoln: School) -> None:
    row = make_delivery(
        factory.make_broadcast(lincoln),
        "ana@home.example",
        Result.DELIVERED,
        late_bounce_at=NOON,
        late_bounce_reason="mailbox closed",
    )
    add_event(row, Event.Kind.BOUNCED, NOON, text="mailbox closed")
    response = as_alice.get(f"/email-log/{row.pk}/")
    assert "Delivered; bounced later: mailbox closed, May 11" in response.text
    assert sum("came back after it counted" in entry.more for entry in response.context["entries"]) == 1


def test_late_bounce_without_an_event_is_in_the_timeline_too(as_alice: Client, lincoln: School) -> None:
    row = make_delivery(factory.make_broadcast(lincoln), "ana@home.example", Result.OPENED, late_bounce_at=NOON)
    entries = as_alice.get(f"/email-log/{row.pk}/").context["entries"]
    assert "It bounced later" in [entry.what for entry in entries]


def test_says_until_when_a_soft_bounced_email_waits(as_alice: Client, lincoln: School) -> None:
    row = make_delivery(
        factory.make_broadcast(lincoln), "a@home.example", Result.SOFT_BOUNCED, attempts=1, next_attempt_at=NOON
    )
    assert "waiting until May 11, 2026 12:00 pm" in page_of(as_alice, row)


def test_last_of_too_many_attempts_says_so(as_alice: Client, lincoln: School) -> None:
    row = make_delivery(factory.make_broadcast(lincoln), "ana@home.example", Result.BOUNCED, note="gave_up")
    for number, result in ((1, Result.SOFT_BOUNCED), (2, Result.BOUNCED)):
        at = NOON + timedelta(minutes=number)
        Attempt.objects.create(delivery=row, number=number, at=at, outcome="deferred", code=452, result=result)
    entries = as_alice.get(f"/email-log/{row.pk}/").context["entries"]
    assert ["last time" in entry.more for entry in entries if entry.what.startswith("Attempt")] == [False, True]


def test_says_why_an_unsent_email_waits(as_alice: Client, lincoln: School) -> None:
    broadcast = factory.make_broadcast(lincoln)
    row = make_delivery(broadcast, "ana@home.example", next_attempt_at=NOON)
    assert "waiting for its turn" in page_of(as_alice, row)
    Broadcast.objects.update(trouble="Connection refused", trouble_since=NOON)
    assert "trouble since May 11, 2026 12:00 pm" in page_of(as_alice, row)
    Broadcast.objects.update(status=Broadcast.Status.PAUSED)
    assert "the broadcast is paused" in page_of(as_alice, row)


def test_cancelled_email_says_so(as_alice: Client, lincoln: School) -> None:
    broadcast = factory.make_broadcast(lincoln, finished_at=NOON)
    assert "it never will" in page_of(as_alice, make_delivery(broadcast, "ana@home.example", note="cancelled"))


@pytest.mark.parametrize(("repeats", "words"), [(True, "we send it once more"), (False, "are not sent twice")])
def test_doubt_is_explained_as_its_type_decides(as_alice: Client, lincoln: School, repeats: bool, words: str) -> None:
    factory.make_type("General", repeat_when_in_doubt=repeats)
    row = make_delivery(factory.make_broadcast(lincoln), "a@home.example")
    factory.put_in_doubt(row, -timedelta(hours=1))
    page = page_of(as_alice, row)
    assert "In doubt:" in page
    assert words in page


def test_email_on_the_wire_is_being_sent(as_alice: Client, lincoln: School) -> None:
    row = make_delivery(factory.make_broadcast(lincoln), "a@home.example")
    factory.put_in_doubt(row, timedelta(minutes=1))
    page = page_of(as_alice, row)
    assert "being sent at this moment" in page
    assert "In doubt" not in page


def test_words_of_other_servers_are_shown_as_text(as_alice: Client, lincoln: School) -> None:
    row = make_delivery(factory.make_broadcast(lincoln), "ana@home.example", Result.BOUNCED)
    Attempt.objects.create(delivery=row, number=1, at=NOON, outcome="refused", text="<script>alert(1)</script>")
    assert "<script>alert" not in page_of(as_alice, row)
