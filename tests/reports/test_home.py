from datetime import UTC, datetime

import pytest
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from broadcasts.models import Broadcast, Delivery, School, Upload
from broadcasts.results import Result
from tests import factory
from tests.reports.rows import make_delivery, make_one_of_each
from tests.reports.trials import make_failed

HTMX = {"HX-Request": "true"}
Status = Broadcast.Status


NEEDS = "/home/needs/"
ADDRESSES = "/people/addresses-to-fix/"


@pytest.fixture(autouse=True)
def nothing_is_remembered() -> None:
    cache.clear()


def make_sent(school: School, subject: str) -> Broadcast:
    broadcast = factory.make_broadcast(school, subject=subject)
    make_one_of_each(broadcast)
    Broadcast.objects.filter(pk=broadcast.pk).update(status=Status.SENT)
    return broadcast


def test_newcomer_is_walked_from_a_list_to_sending(as_alice: Client, lincoln: School) -> None:
    page = as_alice.get("/").text
    assert page.index("1. Upload a list") < page.index("2. Write") < page.index("3. Send")
    assert 'href="/lists/upload/"' in page
    factory.make_list(lincoln)
    assert "Press New Broadcast above" in as_alice.get("/").text
    draft = factory.make_broadcast(lincoln)
    assert f'href="/broadcasts/{draft.pk}/edit/"' in as_alice.get("/").text


def test_home_has_one_new_broadcast_button_whatever_else_there_is(as_alice: Client, lincoln: School) -> None:
    button = 'class="button primary">New Broadcast</button>'
    assert as_alice.get("/").text.count(button) == 1
    factory.make_list(lincoln)
    assert as_alice.get("/").text.count(button) == 1
    factory.make_broadcast(lincoln)
    assert as_alice.get("/").text.count(button) == 1


def test_user_without_a_school_is_told_whom_to_ask(client: Client, lincoln: School) -> None:
    user = factory.make_user("Alice", lincoln)
    user.memberships.all().delete()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert "Ask an administrator" in client.get("/").text


def test_administrator_without_any_school_is_led_to_add_one(as_charlie: Client) -> None:
    assert 'href="/admin/broadcasts/school/add/"' in as_charlie.get("/").text


def test_busy_school_sees_what_is_sent_what_needs_a_person_and_what_came_of_it(
    as_alice: Client, lincoln: School
) -> None:
    for number in range(6):
        make_sent(lincoln, f"Menu {number}")
    going = factory.make_broadcast(lincoln, subject="Fire drill")
    make_delivery(going, "ana@home.example")
    make_delivery(going, "ben@home.example", Result.DELIVERED)
    make_delivery(going, "cleo@home.example", state=Delivery.State.UNCONFIRMED)
    factory.make_broadcast(lincoln, subject="Half a letter")
    Upload.objects.create(school=lincoln, file=ContentFile(b"", "f.csv"), file_name="families.csv")
    page = as_alice.get("/").text
    assert "1 of 3 people done" in page
    assert "Half a letter" in page
    assert "families.csv" in page
    assert f"?broadcast={going.pk}&amp;doubt=on" in page
    assert "1 address Failed in “Menu 5”" in page
    assert "Menu 1" in page
    assert "Menu 0" not in page
    assert 'hx-trigger="every 3s"' in page


def test_imports_that_wait_for_a_person_are_named(as_alice: Client, as_bob: Client, lincoln: School) -> None:
    for status in ("uploaded", "checked", "staging", "done"):
        factory.make_import(lincoln, status, file_name=f"{status}.csv")
    factory.make_import(None, file_name="district.csv")
    needs = as_alice.get("/").text.split('id="needs"')[1]
    assert "checked.csv" in needs
    assert "uploaded.csv" in needs
    assert not any(name in needs for name in ("staging.csv", "done.csv", "district.csv"))
    assert "checked.csv" not in as_bob.get("/").text


def test_broadcast_on_hold_asks_for_a_decision_and_does_not_promise_to_go_on(
    as_alice: Client, lincoln: School
) -> None:
    broadcast = factory.make_broadcast(lincoln, subject="Field day")
    held = {"status": Status.PAUSED, "held_for": Broadcast.Hold.IN_TROUBLE, "send_at": timezone.now()}
    Broadcast.objects.update(**held, trouble="Nobody answers at mail.example.", trouble_since=timezone.now())
    page = as_alice.get("/").text
    assert "“Field day” is on hold until somebody decides." in page
    assert "The mail server was in trouble for too long." in page
    assert "goes on by itself" not in page
    assert "Nothing has left yet." in page
    assert "Looking up who gets it" not in page
    Broadcast.objects.filter(pk=broadcast.pk).update(held_for="")
    page = as_alice.get("/").text  # who paused it by hand knows
    assert "on hold" not in page
    assert "goes on by itself" not in page


def test_trouble_says_since_when_and_why(as_alice: Client, lincoln: School) -> None:
    broadcast = factory.make_broadcast(lincoln)
    make_delivery(broadcast, "ana@home.example")
    since = datetime(2026, 5, 11, 14, 44, tzinfo=UTC)
    Broadcast.objects.update(trouble="Nobody answers at mail.example.", trouble_since=since)
    page = as_alice.get("/").text
    assert "There has been trouble since May 11, 2026 9:44 am." in page
    assert "Nobody answers at mail.example." in page


def test_only_the_live_part_is_refreshed_and_only_while_something_moves(as_alice: Client, lincoln: School) -> None:
    broadcast = factory.make_broadcast(lincoln)
    make_delivery(broadcast, "ana@home.example")
    part = as_alice.get("/", headers=HTMX).text
    assert part.strip().startswith('<div id="live"')
    assert "every 3s" in part
    Broadcast.objects.update(status=Status.PAUSED)
    assert "every 3s" not in as_alice.get("/", headers=HTMX).text
    Broadcast.objects.update(status=Status.SENT, finished_at=timezone.now())
    assert as_alice.get("/", headers=HTMX)["HX-Refresh"] == "true"
    assert "every 3s" not in as_alice.get("/").text


def test_stranger_sees_nothing_of_another_school(as_bob: Client, lincoln: School) -> None:
    make_sent(lincoln, "Secret menu")
    factory.make_broadcast(lincoln, subject="Secret draft")
    going = factory.make_broadcast(lincoln, subject="Secret drill")
    make_delivery(going, "ana@home.example")
    assert "Secret" not in as_bob.get("/").text


def test_new_broadcast_is_a_post_for_one_school_and_a_link_for_several(
    as_alice: Client, as_charlie: Client, lincoln: School, jefferson: School
) -> None:
    make_sent(lincoln, "Menu")
    assert '<form method="post" action="/broadcasts/new/">' in as_alice.get("/").text
    assert '<a class="button primary" href="/broadcasts/new/">New Broadcast</a>' in as_charlie.get("/").text


def needs_of(client: Client) -> str:
    return client.get(NEEDS, headers=HTMX).text


def test_addresses_to_fix_are_counted_after_home_is_there(as_alice: Client, lincoln: School) -> None:
    make_sent(lincoln, "Menu")
    make_failed(lincoln)
    page = as_alice.get("/").text
    assert f'hx-get="{NEEDS}" hx-trigger="load"' in page
    assert f'href="{ADDRESSES}">Addresses to fix</a>' in page  # the way there without JavaScript
    part = needs_of(as_alice)
    assert f'href="{ADDRESSES}">Addresses to fix <b>1</b></a>' in part
    assert "hx-get" not in part


def test_number_of_addresses_is_remembered_for_a_while(as_alice: Client, lincoln: School) -> None:
    make_sent(lincoln, "Menu")
    make_failed(lincoln)
    needs_of(as_alice)
    make_failed(lincoln, "Ben", "ben@home.example")
    for _twice in range(2):
        with CaptureQueriesContext(connection) as queries:
            page = as_alice.get("/").text
        assert "Addresses to fix <b>1</b>" in page
        assert NEEDS not in page
        assert not [query for query in queries if "late_bounce_at" in query["sql"]]
    as_alice.get(ADDRESSES)  # counts anyhow
    assert "Addresses to fix <b>2</b>" in as_alice.get("/").text


def test_home_says_nothing_of_addresses_when_all_work(as_alice: Client, lincoln: School) -> None:
    make_delivery(factory.make_broadcast(lincoln, status=Status.SENT), "ana@home.example", Result.DELIVERED)
    assert ADDRESSES in as_alice.get("/").text
    assert needs_of(as_alice) == ""
    page = as_alice.get("/").text
    assert ADDRESSES not in page
    assert 'id="needs"' not in page


def test_what_needs_a_person_is_no_page_of_its_own(as_alice: Client) -> None:
    assert as_alice.get(NEEDS)["Location"] == "/"


def test_number_is_for_those_who_see_the_same_schools(
    as_alice: Client, as_bob: Client, as_charlie: Client, lincoln: School, jefferson: School
) -> None:
    for school in (lincoln, lincoln, jefferson):
        make_sent(school, "Menu")
        make_failed(school)
    assert "<b>2</b>" in needs_of(as_alice)
    assert "<b>1</b>" in needs_of(as_bob)
    assert "<b>3</b>" in needs_of(as_charlie)
