"""What is heard of an email whose address was removed: recorded, and the address stays away."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from broadcasts.forgetting.rounds import follow_rules
from broadcasts.keeping_counts import differences
from broadcasts.models import AuditEntry, BlockedEmail, ContactType, Delivery, EmailAddress, Person, School
from broadcasts.results import Result
from broadcasts.tokens import make_token
from tests import factory
from tests.broadcasts.forgetting.old import LONG_AGO, NOW, Kind, make_old, make_rule
from tests.tracking.rows import bounce_address, make_delivery
from tracking.bounces.ingesting import ingest_report
from tracking.meanings import Meaning
from tracking.models import Event, UnusedEvent, UnusedReport
from tracking.recording import Evidence, record_events
from tracking.webhooks.understanding import find_deliveries

pytestmark = pytest.mark.django_db
ADDRESS = "Ann@home.example"


@pytest.fixture
def forgotten(lincoln: School) -> Delivery:
    """Its address was removed; Ann still is in the directory."""
    factory.make_type()
    factory.make_type("Lunch")
    old = make_old(lincoln)
    row = make_delivery(ADDRESS, lincoln, old, last_attempt_at=LONG_AGO, provider_message_id="<one@provider>")
    tell(row, Event.Kind.DELIVERED, Result.DELIVERED, text=f"250 {ADDRESS} ok", parts=("before",))
    Event.objects.update(agent="Gmail", network="203.0.113.0/24")
    make_rule()
    assert follow_rules(NOW)
    row.refresh_from_db()
    assert ADDRESS.lower() not in row.email.lower()
    return row


def tell(
    row: Delivery, kind: Event.Kind, result: Result | None, text: str = "", parts: tuple[str, ...] = ("after",)
) -> int:
    meaning = Meaning(kind, result, "test: unknown user")  # type: ignore[arg-type]
    one = Evidence(
        row.pk, meaning, NOW, Event.Source.WEBHOOK, parts, text=text, agent="Gmail", network="203.0.113.0/24"
    )
    return record_events([one])


def test_words_of_events_go_and_the_events_stay(forgotten: Delivery) -> None:
    event = Event.objects.get()
    assert (event.text, event.agent, event.network) == ("", "", "")
    assert (event.kind, event.rule, event.result) == ("delivered", "test: unknown user", Result.DELIVERED)


@pytest.mark.parametrize("result", [Result.OPENED, Result.BOUNCED])
def test_late_event_is_recorded_without_its_words(forgotten: Delivery, result: Result) -> None:
    kind = Event.Kind.OPENED if result == Result.OPENED else Event.Kind.BOUNCED
    assert tell(forgotten, kind, result, text=f"550 {ADDRESS} unknown") == 1
    assert tell(forgotten, kind, result, text=f"550 {ADDRESS} unknown") == 0
    event = Event.objects.get(kind=kind)
    assert (event.text, event.agent, event.network) == ("", "", "")
    forgotten.refresh_from_db()
    assert ADDRESS.lower() not in forgotten.late_bounce_reason.lower()
    assert forgotten.result == max(Result.DELIVERED, result)
    assert bool(forgotten.late_bounce_at) == (result == Result.BOUNCED)
    assert differences() == []


def test_others_keep_their_words(forgotten: Delivery) -> None:
    other = make_delivery("ben@home.example", forgotten.broadcast.school)
    tell(other, Event.Kind.BOUNCED, Result.BOUNCED, text="550 no")
    assert other.events.get().text == "550 no"


def preferences(row: Delivery) -> str:
    return reverse("tracking:preferences", args=[make_token(row.pk, "preferences")])


def test_link_in_an_old_email_still_unsubscribes(forgotten: Delivery, client: Client) -> None:
    page = client.get(preferences(forgotten)).content.decode()
    assert "A•••@home.example" in page
    for _again in range(2):
        got = client.post(preferences(forgotten), {"List-Unsubscribe": "One-Click"})
        assert "You will get no more General messages" in got.content.decode()
    receives = ContactType.objects.order_by("broadcast_type__name").values_list("broadcast_type__name", "receives")
    assert list(receives) == [("General", False), ("Lunch", True)]
    forgotten.refresh_from_db()
    assert ADDRESS.lower() not in f"{forgotten.email}{list(AuditEntry.objects.values())}".lower()
    assert forgotten.person_id is None


def test_link_stops_nothing_for_the_same_address_at_another_school(
    forgotten: Delivery, jefferson: School, client: Client
) -> None:
    factory.make_person(jefferson, "Ann", [ADDRESS])
    EmailAddress.objects.filter(person__school=forgotten.broadcast.school).update(is_active=False)
    client.post(preferences(forgotten), {"List-Unsubscribe": "One-Click"})
    stopped = ContactType.objects.filter(receives=False).values_list("address__person__school__name", flat=True)
    assert list(stopped) == ["Lincoln"]


def test_link_of_somebody_who_left_the_directory_says_so(forgotten: Delivery, client: Client) -> None:
    Person.objects.all().delete()
    for got in (
        client.get(preferences(forgotten)),
        client.post(preferences(forgotten), {"List-Unsubscribe": "One-Click"}),
    ):
        assert got.status_code == 200
        assert "Nothing is sent to it" in got.content.decode()


def test_the_link_never_finds_somebody_else(forgotten: Delivery, client: Client) -> None:
    Person.objects.all().delete()
    factory.make_person(forgotten.broadcast.school, "Ben", ["ben@home.example"])
    client.post(preferences(forgotten), {"List-Unsubscribe": "One-Click"})
    assert not ContactType.objects.filter(receives=False).exists()


def test_late_complaint_blocks_the_address_that_complained(forgotten: Delivery) -> None:
    tell(forgotten, Event.Kind.COMPLAINED, Result.DELIVERED)
    assert [block.key for block in BlockedEmail.objects.all()] == [ADDRESS.lower()]


def test_late_complaint_of_somebody_who_left_blocks_nobody(forgotten: Delivery) -> None:
    Person.objects.all().delete()
    assert tell(forgotten, Event.Kind.COMPLAINED, Result.DELIVERED) == 1
    assert not BlockedEmail.objects.exists()


def test_a_provider_s_name_and_the_address_still_find_the_row(forgotten: Delivery) -> None:
    named, other = ("<one@provider>", ADDRESS.lower()), ("<one@provider>", "ben@home.example")
    assert find_deliveries([named, other]) == {named: forgotten.pk}


def report_about(address: str) -> bytes:
    """A failure, beside one about somebody whom an alias led to."""
    parts = "".join(
        f"Final-Recipient: rfc822; {whom}\r\nAction: failed\r\nStatus: 5.1.1\r\n"
        f"Diagnostic-Code: smtp; 550 5.1.1 <{whom}> no such user\r\n\r\n"
        for whom in ("other@home.example", address)
    )
    return (
        "From: MAILER-DAEMON@home.example\r\nMessage-ID: <report@home.example>\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nSorry\r\n--b\r\n"
        "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.home.example\r\n\r\n"
        f"{parts}--b--\r\n"
    ).encode()


def test_late_report_is_used_and_brings_no_address_back(forgotten: Delivery) -> None:
    assert ingest_report(report_about(ADDRESS), bounce_address(forgotten)) == 1
    assert not UnusedReport.objects.exists()
    event = Event.objects.get(source=Event.Source.REPORT)
    assert (event.text, event.result) == ("", Result.FAILED)


def make_unused() -> None:
    report = UnusedReport.objects.create(
        envelope_recipient=ADDRESS, reason=f"It could not be read: {ADDRESS}", raw=f"To: {ADDRESS}"
    )
    event = UnusedEvent.objects.create(
        provider="sendgrid",
        reason="Strange",
        raw=f'["{ADDRESS}"]',
        is_whole=True,
        address_key=ADDRESS,
        message_id="m1",
    )
    for row in (report, event):
        type(row)._default_manager.filter(pk=row.pk).update(received_at=LONG_AGO)
    UnusedReport.objects.create(reason="New", raw="To: new@home.example")


def test_old_reports_and_events_that_were_of_no_use_are_emptied(db: None) -> None:
    make_unused()
    rule = make_rule(Kind.UNUSED)
    for _again in range(2):
        assert follow_rules(NOW, most=1)
    assert "ann" not in f"{list(UnusedReport.objects.values())}{list(UnusedEvent.objects.values())}".lower()
    assert (UnusedReport.objects.count(), UnusedEvent.objects.count()) == (2, 1)
    assert UnusedReport.objects.get(reason="New").raw == "To: new@home.example"
    entries = AuditEntry.objects.values_list("action", "object_id", "details")
    assert list(entries) == [("unused.removed", str(rule.pk), {"rows": 1, "days": 60})] * 2


def test_an_emptied_report_read_again_stays_as_it_is(as_charlie: Client) -> None:
    make_unused()
    make_rule(Kind.UNUSED)
    follow_rules(NOW + timedelta(seconds=1))
    [old] = UnusedReport.objects.filter(raw="")
    page = reverse("admin:tracking_unusedreport_changelist")
    as_charlie.post(page, {"action": "read_chosen_again", "_selected_action": [old.pk]})
    old.refresh_from_db()
    assert old.reason == "It could not be read: (address)"
