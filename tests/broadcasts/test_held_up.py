"""What the pages say of a broadcast that waits, and its buttons."""

from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from broadcasts.delivering.working import work_on
from broadcasts.models import Broadcast, School
from tests import factory

CHICAGO = ZoneInfo("America/Chicago")


@pytest.fixture
def draft(lincoln: School) -> Broadcast:
    general = factory.make_type("General")
    people = [factory.make_person(lincoln, f"P {n}", [f"p{n}@home.example"], [general]) for n in range(3)]
    return factory.make_broadcast(lincoln, people)


@pytest.fixture
def late(draft: Broadcast) -> Broadcast:
    sent = timezone.now() - timedelta(days=7)
    Broadcast.objects.filter(pk=draft.pk).update(status="scheduled", send_at=sent)
    work_on(draft.pk)
    draft.refresh_from_db()
    return draft


def url(name: str, broadcast: Broadcast) -> str:
    return reverse(f"broadcasts:broadcast-{name}", args=[broadcast.pk])


def page_of(client: Client, broadcast: Broadcast, name: str = "detail") -> str:
    return client.get(url(name, broadcast)).content.decode()


def press(client: Client, name: str, broadcast: Broadcast, **data: Any) -> HttpResponse:
    return client.post(url(name, broadcast), data, follow=True)  # type: ignore[return-value]


def quieten(school: School) -> None:
    School.objects.filter(pk=school.pk).update(quiet_from=time(21), quiet_until=time(7))
    school.refresh_from_db()


def test_a_late_one_says_so_and_offers_both(as_alice: Client, late: Broadcast) -> None:
    page = page_of(as_alice, late)
    assert "It was to go out on" in page
    assert "and nobody sent it then." in page
    assert ">Send it now</button>" in page
    assert ">Cancel it…</button>" in page
    assert "Nothing has left yet." in page
    assert "Messenger paused it, for the reason above" in page


def test_send_it_now_starts_it(as_alice: Client, late: Broadcast) -> None:
    assert "Sending goes on." in press(as_alice, "resume", late).content.decode()
    work_on(late.pk)
    late.refresh_from_db()
    assert (late.status, late.held_for) == ("sending", "")
    assert late.deliveries.count() == 3
    assert "nobody sent it then" not in page_of(as_alice, late)


def test_cancelled_nobody_gets_it(as_alice: Client, late: Broadcast) -> None:
    assert "Nothing of this broadcast has left, and nothing will." in press(as_alice, "cancel", late).content.decode()
    page = press(as_alice, "cancel", late, sure="yes").content.decode()
    assert "Nobody got it." in page
    assert "nobody sent it then" not in page
    assert "Nothing was changed" in press(as_alice, "resume", late).content.decode()


def test_a_stranger_can_do_nothing_about_it(as_bob: Client, late: Broadcast) -> None:
    assert as_bob.get(url("detail", late)).status_code == 404
    assert press(as_bob, "resume", late).status_code == 404
    late.refresh_from_db()
    assert late.status == "paused"


@pytest.mark.parametrize(
    ("held_for", "words"),
    [
        ("abandoned", "Nobody went on sending it after"),
        ("trouble", "by now this may be old news"),
        ("refused", "Stopped: 50 emails in a row were refused."),
    ],
)
def test_every_hold_has_its_words(as_alice: Client, late: Broadcast, held_for: str, words: str) -> None:
    now = timezone.now()
    told = {"trouble": "down", "trouble_since": now, "tended_at": now, "refused_in_row": 50}
    Broadcast.objects.update(held_for=held_for, prepared_at=now, **told)
    page = page_of(as_alice, late)
    assert words in page
    assert ">Resume</button>" in page
    assert "sending resumes by itself" not in page


def test_the_review_says_when_it_will_start(as_alice: Client, draft: Broadcast) -> None:
    quieten(draft.school)
    with time_machine.travel("2026-05-12 02:00:00Z"):
        assert "It is quiet hours at Lincoln: it will start May 12, 2026 7:00 am." in page_of(
            as_alice, draft, "review"
        )
    with time_machine.travel("2026-05-12 13:00:00Z"):
        assert "quiet hours" not in page_of(as_alice, draft, "review")


def test_the_page_says_why_it_waits(as_alice: Client, draft: Broadcast) -> None:
    quieten(draft.school)
    with time_machine.travel("2026-05-12 02:00:00Z"):
        Broadcast.objects.update(status="scheduled", send_at=timezone.now())
        assert "the first email leaves May 12, 2026 7:00 am." in page_of(as_alice, draft)
        work_on(draft.pk)
        page = page_of(as_alice, draft)
    assert "sending goes on after May 12, 2026 7:00 am." in page
    assert "0 of 3 done, 3 still to send." in page


def test_an_emergency_is_not_told_of_quiet_hours(as_alice: Client, draft: Broadcast) -> None:
    quieten(draft.school)
    Broadcast.objects.update(broadcast_type=factory.make_type("Emergency"))
    with time_machine.travel("2026-05-12 02:00:00Z"):
        page = page_of(as_alice, draft, "review")
    assert "quiet hours" not in page
    assert 'name="start_at"' not in page


def send_at(client: Client, draft: Broadcast, start_at: str) -> HttpResponse:
    return press(client, "send", draft, expected=3, version=draft.version, start_at=start_at)


def test_it_can_be_started_later_on_the_schools_clock(as_charlie: Client, draft: Broadcast) -> None:
    factory.make_school("Adams", "Asia/Tokyo")
    with time_machine.travel("2026-05-11 14:44:00Z"):
        page = send_at(as_charlie, draft, "2026-05-12T09:30").content.decode()
        draft.refresh_from_db()
        assert draft.send_at == datetime(2026, 5, 12, 9, 30, tzinfo=CHICAGO)
        assert "It leaves May 12, 2026 9:30 am." in page
        assert "/undo/" in page


@pytest.mark.parametrize(
    ("start_at", "why"),
    [
        ("2026-05-11T09:00", "Choose a time within the next year"),
        ("2028-05-11T09:00", "Choose a time within the next year"),
        ("soon", "Write a date and a time"),
    ],
)
def test_a_start_that_cannot_be_is_refused(as_alice: Client, draft: Broadcast, start_at: str, why: str) -> None:
    with time_machine.travel("2026-05-11 14:44:00Z"):
        page = send_at(as_alice, draft, start_at).content.decode()
    assert why in page
    draft.refresh_from_db()
    assert draft.status == "draft"
