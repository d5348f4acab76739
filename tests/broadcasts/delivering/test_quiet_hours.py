"""In quiet hours only emergencies leave."""

from datetime import UTC, datetime, time, timedelta

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from broadcasts.delivering.quiet_hours import quiet_until
from broadcasts.delivering.sweeping import sweep
from broadcasts.delivering.working import work_on
from broadcasts.models import Broadcast, School
from tests import factory
from tests.broadcasts.delivering.steps import make_people, start
from tests.smtp_server import Script

pytestmark = pytest.mark.django_db


def quiet_school(start: str = "21:00", end: str = "07:00") -> School:
    school = factory.make_school()
    school.quiet_from, school.quiet_until = time.fromisoformat(start), time.fromisoformat(end)
    school.save()
    return school


def at(moment: str) -> datetime:
    return datetime.fromisoformat(moment).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "end", "now", "expected"),
    [
        # Chicago is five hours behind in summer, six in winter.
        ("21:00", "07:00", "2026-05-12 01:59", None),
        ("21:00", "07:00", "2026-05-12 02:00", "2026-05-12 12:00"),
        ("21:00", "07:00", "2026-05-12 08:00", "2026-05-12 12:00"),
        ("21:00", "07:00", "2026-05-12 12:00", None),
        ("12:00", "13:30", "2026-05-12 17:00", "2026-05-12 18:30"),
        ("12:00", "13:30", "2026-05-12 18:30", None),
        # Clocks go forward on March 8 and back on November 1: the night has nine hours, or eleven.
        ("21:00", "07:00", "2026-03-08 04:00", "2026-03-08 12:00"),
        ("21:00", "07:00", "2026-11-01 03:00", "2026-11-01 13:00"),
        # 2:30 never happens, 1:30 twice: the longer ones.
        ("21:00", "02:30", "2026-03-08 08:10", "2026-03-08 08:30"),
        ("21:00", "01:30", "2026-11-01 07:10", "2026-11-01 07:30"),
        ("01:30", "07:00", "2026-11-01 06:30", "2026-11-01 13:00"),
    ],
)
def test_they_end_on_the_schools_clock(start: str, end: str, now: str, expected: str | None) -> None:
    assert quiet_until(quiet_school(start, end), at(now)) == (at(expected) if expected else None)


def test_a_school_without_them_is_never_quiet() -> None:
    assert quiet_until(factory.make_school(), timezone.now()) is None


@pytest.mark.parametrize(("start", "end"), [("21:00", None), (None, "07:00"), ("21:00", "21:00")])
def test_half_a_time_is_refused(start: str | None, end: str | None) -> None:
    school = factory.make_school()
    school.quiet_from = time.fromisoformat(start) if start else None
    school.quiet_until = time.fromisoformat(end) if end else None
    with pytest.raises(ValidationError, match="a beginning and an end"):
        school.full_clean()
    with pytest.raises(IntegrityError):
        school.save()


def work(broadcast: Broadcast) -> bool:
    """Whether the sweep asked a worker for it."""
    due = sweep(timezone.now())
    for pk in due:
        work_on(pk)
    broadcast.refresh_from_db()
    return broadcast.pk in due


def test_what_is_prepared_in_quiet_hours_leaves_when_they_end(mail_server: Script) -> None:
    quiet_school()
    with time_machine.travel("2026-05-12 03:00:00Z") as clock:
        broadcast = start(make_people("anna@x.example"))
        work(broadcast)
        assert broadcast.status == "sending"
        clock.move_to("2026-05-12 11:59:30Z")
        work(broadcast)
        assert not mail_server.received
        assert work(broadcast) is False, "it waits for the end"
        clock.move_to("2026-05-12 12:00:01Z")
        assert work(broadcast) is True
    assert broadcast.status == "sent"
    assert len(mail_server.received) == 1


def test_a_retry_waits_too(mail_server: Script) -> None:
    quiet_school()
    mail_server.answer("rcpt", "452 4.2.2 mailbox full", times=1)
    with time_machine.travel("2026-05-12 01:59:00Z") as clock:
        broadcast = start(make_people("anna@x.example"))
        work(broadcast)
        assert broadcast.deliveries.get().attempts == 1
        clock.move_to("2026-05-12 07:00:00Z")
        work(broadcast)
        assert broadcast.deliveries.get().attempts == 1
        clock.move_to("2026-05-12 12:06:00Z")
        work(broadcast)
    assert broadcast.deliveries.get().attempts == 2


def test_hours_that_an_administrator_shortens_end_at_once(mail_server: Script, as_charlie: Client) -> None:
    school = quiet_school()
    with time_machine.travel("2026-05-12 03:00:00Z"):
        broadcast = start(make_people("anna@x.example"))
        work(broadcast)
        fields = {"name": school.name, "slug": school.slug, "time_zone": school.time_zone, "language": "en"}
        url = reverse("admin:broadcasts_school_change", args=[school.pk])
        page = as_charlie.post(url, fields | {"quiet_from": "21:00"}).content.decode()
        assert "Quiet hours need a beginning and an end that differ." in page
        assert work(broadcast) is False
        as_charlie.post(url, fields | {"quiet_from": "21:00", "quiet_until": "22:00"})
        work(broadcast)
    assert len(mail_server.received) == 1


def test_a_night_longer_than_the_maximum_lateness_is_not_lateness(mail_server: Script) -> None:
    quiet_school("18:00", "08:00")
    with time_machine.travel("2026-05-12 00:00:00Z") as clock:
        broadcast = start(make_people("anna@x.example"))
        while timezone.now() < at("2026-05-12 13:00"):
            work(broadcast)
            clock.shift(timedelta(minutes=20))
        work(broadcast)
    assert (broadcast.status, broadcast.held_for) == ("sent", "")


def test_an_emergency_never_waits(mail_server: Script) -> None:
    quiet_school()
    factory.make_type("Emergency")
    with time_machine.travel("2026-05-12 03:00:00Z"):
        broadcast = start(make_people("anna@x.example"), "Emergency")
        work(broadcast)
    assert len(mail_server.received) == 1
