from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from broadcasts.models import Delivery, School
from reports.behaviour.counting import FRESH
from reports.models import CountingRound
from tests import factory
from tests.reports.behaviour.readers import DAYS, Label, line_of, make_read, open_by, page_of


def test_figures_of_a_type(as_alice: Client, lincoln: School) -> None:
    make_read(lincoln, 25, 15, type_name="Emergency")
    make_read(lincoln, 5, 35)
    page = page_of(as_alice)
    assert line_of(page, "Emergency") == ["1", "40", "25", "0", "62%"]
    assert line_of(page, "General") == ["1", "40", "5", "0", "12%"]
    assert "Read most: Emergency (62% of 40 emails). Read least: General (12% of 40 emails)." in page


def test_what_may_be_chance_is_not_called_a_difference(as_alice: Client, lincoln: School) -> None:
    make_read(lincoln, 21, 19, type_name="Emergency")
    make_read(lincoln, 20, 20)
    assert "No clear difference" in page_of(as_alice)


def test_too_few_emails_have_no_rate(as_alice: Client, lincoln: School) -> None:
    make_read(lincoln, 19)
    make_read(lincoln, 10, 10, type_name="Survey")
    page = page_of(as_alice)
    assert line_of(page, "General") == ["1", "19", "19", "0", "too few to tell"]
    assert line_of(page, "Survey")[-1] == "50%"
    assert "Too few emails to compare." in page


def test_only_what_was_handed_over_counts(as_alice: Client, lincoln: School) -> None:
    make_read(lincoln, 10, 10, sent=20, bounced=7, failed=5, unsent=3)
    assert line_of(page_of(as_alice), "General") == ["1", "40", "10", "0", "25%"]


def test_opens_by_machines_stand_apart(as_alice: Client, lincoln: School) -> None:
    broadcast = make_read(lincoln, 10, 30)
    opened, alone, scanned = (
        Delivery.objects.filter(broadcast=broadcast, result=result).order_by("pk")[place]
        for result, place in ((70, 0), (60, 0), (60, 1))
    )
    open_by(opened, Label.PERSON)
    open_by(opened, Label.AUTOMATIC)
    open_by(alone, Label.AUTOMATIC)
    open_by(alone, Label.AUTOMATIC, "once more")
    open_by(scanned, Label.SCANNER)
    assert line_of(page_of(as_alice), "General") == ["1", "40", "10", "1", "25%"]


def test_page_says_when_machines_count_as_people(as_alice: Client, lincoln: School, settings: Any) -> None:
    make_read(lincoln, 20)
    assert "people and machines together" not in page_of(as_alice)
    settings.COUNT_MACHINE_OPENS = True
    assert "people and machines together" in page_of(as_alice)


def test_late_on_a_monday_is_a_monday_at_its_school(as_charlie: Client, lincoln: School, jefferson: School) -> None:
    late = datetime(2026, 5, 12, 4, 30, tzinfo=UTC)  # Monday 11:30 pm in Chicago, 10:30 pm in Denver
    make_read(lincoln, 20, began=late)
    make_read(jefferson, 10, 20, began=late)
    page = page_of(as_charlie)
    assert line_of(page, "Monday") == ["2", "50", "30", "0", "60%"]
    assert line_of(page, "11 pm to 12 am") == ["1", "20", "20", "0", "100%"]
    assert line_of(page, "10 pm to 11 pm") == ["1", "30", "10", "0", "33%"]
    assert "Tuesday" not in page


@pytest.mark.parametrize(("first", "last", "is_in"), [("11", "11", True), ("10", "10", False), ("12", "12", False)])
def test_both_ends_of_the_period_are_included(
    as_alice: Client, lincoln: School, first: str, last: str, is_in: bool
) -> None:
    make_read(lincoln, 20, began=datetime(2026, 5, 11, 5, 0, tzinfo=UTC))  # the first moment of the day there
    make_read(lincoln, 20, began=datetime(2026, 5, 12, 4, 59, 59, tzinfo=UTC))  # its last second
    page = page_of(as_alice, f"first=2026-05-{first}&last=2026-05-{last}")
    assert ("2 broadcasts, 40 emails" in page) == is_in
    assert ("No emails in these days" in page) != is_in


def test_months_without_emails_are_shown_between_others(as_alice: Client, lincoln: School) -> None:
    make_read(lincoln, 10, 10, began=datetime(2026, 3, 2, 15, tzinfo=UTC))
    make_read(lincoln, 20, began=datetime(2026, 5, 4, 15, tzinfo=UTC))
    page = page_of(as_alice, "first=2026-01-01&last=2026-12-31")
    assert line_of(page, "Apr 2026")[-1] == "no emails"
    assert "Jan 2026" not in page
    assert "From 50% in Mar 2026 to 100% in May 2026." in page


def test_stranger_sees_their_own_school_only(as_bob: Client, lincoln: School, jefferson: School) -> None:
    make_read(lincoln, 40)
    make_read(jefferson, 5, 15)
    page = page_of(as_bob)
    assert line_of(page, "General") == ["1", "20", "5", "0", "25%"]
    assert "Lincoln" not in page
    assert "By school" not in page


def test_another_schools_number_in_the_address_shows_nothing(
    as_bob: Client, as_charlie: Client, lincoln: School, jefferson: School
) -> None:
    make_read(lincoln, 40)
    make_read(jefferson, 20)
    assert "1 broadcast, 20 emails" in page_of(as_bob, f"{DAYS}&school={lincoln.pk}")
    chosen = page_of(as_charlie, f"{DAYS}&school={lincoln.pk}")
    assert "1 broadcast, 40 emails" in chosen
    assert "By school" not in chosen
    for nonsense in ("999", "9" * 30, "ten", "1%00"):
        assert "Please correct this" in page_of(as_charlie, f"{DAYS}&school={nonsense}")


def test_administrator_compares_schools(as_charlie: Client, lincoln: School, jefferson: School) -> None:
    make_read(lincoln, 40)
    make_read(jefferson, 5, 15)
    page = page_of(as_charlie)
    assert line_of(page, "Lincoln") == ["1", "40", "40", "0", "100%"]
    assert line_of(page, "Jefferson") == ["1", "20", "5", "0", "25%"]


def test_without_broadcasts_the_page_says_what_it_is_for(as_alice: Client, jefferson: School) -> None:
    make_read(jefferson, 40)
    factory.make_broadcast(subject="A draft")
    page = page_of(as_alice)
    assert "Nothing to compare yet" in page
    assert "Go to the broadcasts" in page


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("first=2026-05-31&last=2026-05-01", "The last day is before the first day."),
        ("first=may&last=2026-05-01", "This is not a day."),
        ("first=&last=2026-05-01", "Choose a day."),
        ("first=%00&last=2026-05-01", "This is not a day."),
        ("first=0001-01-01&last=9999-12-31", "Choose a day after the year 1999."),
    ],
)
def test_days_that_cannot_be(as_alice: Client, lincoln: School, address: str, words: str) -> None:
    make_read(lincoln, 40)
    page = page_of(as_alice, address)
    assert words in page
    assert "40 emails" not in page


def test_unknown_period_is_the_usual_one(as_alice: Client, lincoln: School) -> None:
    make_read(lincoln, 40)
    assert 'aria-current="true">Last 90 days' in page_of(as_alice, "period=nonsense")


def test_what_is_not_counted_yet_is_said(as_alice: Client, lincoln: School) -> None:
    make_read(lincoln, 40)
    page = as_alice.get(f"/reports/behaviour/?{DAYS}").text
    assert "1 broadcast is being counted" in page
    assert "being counted" not in page_of(as_alice)


def test_figures_that_are_not_fresh_say_so(as_alice: Client, lincoln: School) -> None:
    make_read(lincoln, 40)
    words = "is being counted in now"
    assert words not in page_of(as_alice)
    CountingRound.objects.update(ended_at=timezone.now() - 2 * FRESH)
    page = as_alice.get(f"/reports/behaviour/?{DAYS}").text
    assert words in page
    assert 'hx-trigger="every' in page


def test_queries_do_not_grow_with_broadcasts(
    as_charlie: Client, lincoln: School, jefferson: School, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(12):
        make_read(lincoln if number % 2 else jefferson, 3, type_name=f"Type {number}")
    page_of(as_charlie)
    with django_assert_max_num_queries(20):
        as_charlie.get(f"/reports/behaviour/?{DAYS}")
