"""Who stands on the page “Addresses to fix”, why, and until when."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from broadcasts.models import Delivery, EmailAddress, PersonSchool, School, User
from broadcasts.people.editing import confirm_address, correct_address, retire_address
from broadcasts.results import Result
from reports.addresses_to_fix import AddressesToFix
from reports.reasons import reason_for
from tests import factory
from tests.reports.trials import address_of, make_failed, make_sent, make_trial
from tracking.models import Event

PAGE = "/people/addresses-to-fix/"
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def general(db: None) -> None:
    factory.make_type()


def addresses(user: User) -> list[str]:
    return [one.address.address for one in AddressesToFix(user).found]


def test_nothing_to_fix_says_so(as_alice: Client) -> None:
    assert "Nothing to fix" in as_alice.get(PAGE).text


def test_failed_address_is_shown_with_the_reason_in_plain_words(as_alice: Client, lincoln: School) -> None:
    make_failed(lincoln)
    page = as_alice.get(PAGE).text
    for words in ("Ann", "an@home.example", "There is no such mailbox", "550 no thanks", "Menu"):
        assert words in page


def test_newest_comes_first(alice: User, lincoln: School) -> None:
    for number, days in enumerate((3, 1, 2)):
        person = factory.make_person(lincoln, "Ann", [f"{number}@home.example"])
        make_trial(make_sent(lincoln, ago=days * DAY), person, Result.FAILED)
    assert addresses(alice) == ["1@home.example", "2@home.example", "0@home.example"]


def test_one_bounce_is_no_reason_two_in_a_row_are(alice: User, lincoln: School) -> None:
    ann = factory.make_person(lincoln, "Ann", ["ann@home.example"])
    make_trial(make_sent(lincoln, ago=3 * DAY), ann, Result.BOUNCED)
    assert addresses(alice) == []
    make_trial(make_sent(lincoln, ago=2 * DAY), ann, Result.DELIVERED)
    make_trial(make_sent(lincoln, ago=DAY), ann, Result.BOUNCED)
    assert addresses(alice) == []
    make_trial(make_sent(lincoln), ann, Result.BOUNCED)
    assert addresses(alice) == ["ann@home.example"]


def test_who_was_never_reached_because_of_a_cancel_is_no_case(alice: User, lincoln: School) -> None:
    ann = factory.make_person(lincoln, "Ann", ["ann@home.example"])
    for _twice in range(2):
        make_trial(make_sent(lincoln), ann, Result.BOUNCED, note=Delivery.Note.CANCELLED)
    assert addresses(alice) == []


def test_late_bounce_counts_at_once(as_alice: Client, lincoln: School) -> None:
    ann = factory.make_person(lincoln, "Ann", ["ann@home.example"])
    make_trial(make_sent(lincoln), ann, Result.DELIVERED, late_bounce_at=timezone.now())
    page = as_alice.get(PAGE).text
    assert "ann@home.example" in page
    assert "It had counted as received before." in page


@pytest.mark.parametrize("result", [Result.SENT, Result.DELIVERED, Result.OPENED])
def test_address_that_works_again_leaves_the_page(alice: User, lincoln: School, result: Result) -> None:
    failed = make_failed(lincoln)
    assert failed.person
    make_trial(make_sent(lincoln), failed.person, result)
    assert addresses(alice) == []


@pytest.mark.parametrize("result", [Result.UNSENT, Result.SOFT_BOUNCED, Result.BLOCKED, Result.NO_EMAIL_SELECTED])
def test_what_says_nothing_about_the_address_changes_nothing(alice: User, lincoln: School, result: Result) -> None:
    failed = make_failed(lincoln)
    assert failed.person
    make_trial(make_sent(lincoln), failed.person, result)
    assert addresses(alice) == ["an@home.example"]


def test_who_shares_the_address_is_there_too_and_leaves_with_it(alice: User, lincoln: School) -> None:
    failed = make_failed(lincoln)
    ben = factory.make_person(lincoln, "Ben", ["an@home.example"])
    make_trial(failed.broadcast, ben, Result.DUPLICATE, duplicate_of=failed)
    assert addresses(alice) == ["an@home.example"] * 2
    assert failed.person
    again = make_sent(lincoln)
    carrier = make_trial(again, failed.person, Result.DELIVERED)
    make_trial(again, ben, Result.DUPLICATE, duplicate_of=carrier)
    assert addresses(alice) == []


def test_corrected_retired_and_confirmed_addresses_leave_the_page(alice: User, lincoln: School) -> None:
    rows = [make_failed(lincoln, address=f"{number}@home.example") for number in range(4)]
    first, second, third, _fourth = (EmailAddress.objects.get(address=row.email) for row in rows)
    correct_address(first, "ann@home.example", by=alice)
    retire_address(second, by=alice)
    confirm_address(third, by=alice)
    assert addresses(alice) == ["3@home.example"]


def test_confirmed_address_comes_back_when_it_fails_again(alice: User, lincoln: School) -> None:
    failed = make_failed(lincoln)
    assert failed.person
    confirm_address(address_of(failed.person), by=alice)
    assert addresses(alice) == []
    make_trial(make_sent(lincoln, ago=-DAY), failed.person, Result.FAILED)
    assert addresses(alice) == ["an@home.example"]


def test_bounces_before_a_confirmation_do_not_count(alice: User, lincoln: School) -> None:
    ann = factory.make_person(lincoln, "Ann", ["ann@home.example"])
    make_trial(make_sent(lincoln), ann, Result.BOUNCED)
    confirm_address(address_of(ann), by=alice)
    make_trial(make_sent(lincoln, ago=-DAY), ann, Result.BOUNCED)
    assert addresses(alice) == []
    make_trial(make_sent(lincoln, ago=-2 * DAY), ann, Result.BOUNCED)
    assert addresses(alice) == ["ann@home.example"]


def test_mistyped_address_of_the_directory_is_there_though_nobody_wrote_to_it(
    as_alice: Client, alice: User, lincoln: School
) -> None:
    factory.make_person(lincoln, "Ann", ["two..dots@home.example"])
    page = as_alice.get(PAGE).text
    assert "There are two dots in a row" in page
    assert "never written to" in page
    assert AddressesToFix(alice).count() == 1


def test_nobody_asks_for_the_address_of_who_is_not_active(alice: User, lincoln: School) -> None:
    failed = make_failed(lincoln)
    assert failed.person
    failed.person.is_active = False
    failed.person.save()
    assert addresses(alice) == []


def test_refusals_of_our_side_are_kept_apart(as_alice: Client, lincoln: School) -> None:
    make_failed(lincoln, "Dead", "dead@home.example")
    ann = factory.make_person(lincoln, "Refused", ["fine@home.example"])
    for days in (2, 1):
        make_trial(make_sent(lincoln, ago=days * DAY), ann, Result.BOUNCED, "5.7.1")
    dead, ours = as_alice.get(PAGE).text, as_alice.get(PAGE, {"fault": "ours"}).text
    assert "dead@home.example" in dead
    assert "fine@home.example" not in dead
    assert "fine@home.example" in ours
    assert "dead@home.example" not in ours
    assert "There is nothing to correct here" in ours
    assert "Our side was refused (1)" in dead


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        ("unknown user", "address"),
        ("5.1.1", "address"),
        ("no such domain", "address"),
        ("report: failed, 5.1.1", "address"),
        ("report: failed, mailbox full", "address"),
        ("5.2.1", "address"),
        ("5.7.1", "ours"),
        ("5.7.26", "ours"),
        ("report: failed, 5.7.515", "ours"),
        ("5.6.0", "ours"),
        ("5.3.4", "ours"),
        ("postmark: bounced, invalid, hard", "address"),
        ("postmark: bounced, blocked, hard", "ours"),
    ],
)
def test_whose_fault_a_refusal_is(rule: str, fault: str) -> None:
    reason = reason_for(rule, "", "")
    assert reason
    assert reason.fault == fault


def test_words_of_a_rule_go_before_the_code_beside_it() -> None:
    reason = reason_for("report: failed, unknown user", "5.7.1", "")
    assert reason
    assert reason.fault == "address"


def test_report_that_came_back_says_more_than_our_own_conversation(as_alice: Client, lincoln: School) -> None:
    ann = factory.make_person(lincoln, "Ann", ["ann@home.example"])
    row = make_trial(make_sent(lincoln), ann, Result.FAILED)
    Event.objects.create(
        delivery=row, kind=Event.Kind.BOUNCED, at=timezone.now(), source="report", key="x", result=Result.FAILED,
        rule="report: failed, no such domain", text="nxdomain",
    )  # fmt: skip
    assert "There is no mail service behind the part after the @" in as_alice.get(PAGE).text


def test_run_of_missed_broadcasts_is_counted_since_the_last_that_arrived(as_alice: Client, lincoln: School) -> None:
    ann = factory.make_person(lincoln, "Ann", ["ann@home.example"])
    for days, result in ((9, Result.FAILED), (8, Result.OPENED), (3, Result.BOUNCED), (2, Result.FAILED)):
        make_trial(make_sent(lincoln, f"Menu {days}", ago=days * DAY), ann, result)
    page = as_alice.get(PAGE).text
    assert '<td data-label="Missed" class="number">2</td>' in page
    assert "Menu 2" in page


def test_search_finds_by_name_and_address(as_alice: Client, lincoln: School) -> None:
    make_failed(lincoln, "Ann Lee", "an@home.example")
    make_failed(lincoln, "Bea Moor", "bea@work.example")
    assert "Bea Moor" not in as_alice.get(PAGE, {"q": "lee"}).text
    assert "Bea Moor" in as_alice.get(PAGE, {"q": "WORK.example moor"}).text
    assert "No address here belongs to" in as_alice.get(PAGE, {"q": "nobody"}).text


def test_twenty_five_a_page_in_a_fixed_number_of_queries(as_alice: Client, lincoln: School) -> None:
    broadcast = make_sent(lincoln)
    for number in range(30):
        person = factory.make_person(lincoln, f"Ann {number}", [f"{number}@home.example"])
        make_trial(broadcast, person, Result.FAILED)
    as_alice.get(PAGE)
    with CaptureQueriesContext(connection) as queries:
        page = as_alice.get(PAGE)
    assert page.text.count("Correct or confirm") == 25
    assert len(queries) <= 20
    assert as_alice.get(PAGE, {"page": "2"}).text.count("Correct or confirm") == 5


def test_stranger_sees_nothing_of_another_school(as_bob: Client, bob: User, lincoln: School) -> None:
    make_failed(lincoln)
    assert "an@home.example" not in as_bob.get(PAGE).text
    assert addresses(bob) == []


def test_what_another_school_sent_to_a_shared_person_stays_there(
    alice: User, bob: User, lincoln: School, jefferson: School
) -> None:
    ann = factory.make_person(lincoln, "Ann", ["ann@home.example"])
    PersonSchool.objects.create(person=ann, school=jefferson)
    make_trial(make_sent(jefferson), ann, Result.FAILED)
    assert addresses(alice) == []
    assert addresses(bob) == ["ann@home.example"]


def test_home_links_here_with_the_number_when_there_are_any(as_alice: Client, lincoln: School) -> None:
    cache.clear()
    assert PAGE not in as_alice.get("/").text
    make_failed(lincoln)
    as_alice.get(PAGE)
    assert f'href="{PAGE}">Addresses to fix <b>1</b>' in as_alice.get("/").text
