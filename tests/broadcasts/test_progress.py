"""The page that a sender watches: whole without JavaScript, and still when there is nothing left to say."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from broadcasts import audit
from broadcasts.models import Broadcast, Delivery, Lease, School, User
from broadcasts.preparing.preparing import announce_preparing, prepare_deliveries
from broadcasts.results import LABELS, Result
from tests import factory


def detail_url(broadcast: Broadcast) -> str:
    return reverse("broadcasts:broadcast-detail", args=[broadcast.pk])


def progress_url(broadcast: Broadcast) -> str:
    return reverse("broadcasts:broadcast-progress", args=[broadcast.pk])


def page_of(client: Client, broadcast: Broadcast) -> str:
    return client.get(detail_url(broadcast)).content.decode()


def polled_url(page: str) -> str:
    """Where htmx would ask next; empty: it would not."""
    found = re.search(r'id="progress"[^>]* hx-get="([^"]+)"', page)
    return found[1].replace("&amp;", "&") if found else ""


def shown_counts(page: str) -> dict[str, int]:
    tiles = re.findall(r'class="count [^>]*><b>([\d,]+)</b> <span[^>]*>([^<]+)<', page)
    return {label: int(number.replace(",", "")) for number, label in tiles}


def give_result(broadcast: Broadcast, number: int, result: Result) -> None:
    rows = broadcast.deliveries.filter(email=f"p{number}@home.example")
    assert rows.update(result=result, state=Delivery.State.IDLE) == 1


@pytest.fixture
def half_sent(lincoln: School, alice: User) -> Broadcast:
    """Six to send of whom three are done, one without an address."""
    general = factory.make_type("General")
    people = [factory.make_person(lincoln, f"P {n}", [f"p{n}@home.example"], [general]) for n in range(6)]
    broadcast = factory.make_broadcast(lincoln, [*people, factory.make_person(lincoln, "Fay", [])])
    now = timezone.now()
    Broadcast.objects.filter(pk=broadcast.pk).update(status="scheduled", send_at=now, sent_by=alice)
    assert announce_preparing(broadcast.pk, now)
    assert prepare_deliveries(broadcast.pk)
    for number, result in enumerate([Result.SENT, Result.DELIVERED, Result.SOFT_BOUNCED]):
        give_result(broadcast, number, result)
    broadcast.refresh_from_db()
    return broadcast


def test_half_sent_counts_add_up_and_open_their_rows(as_alice: Client, half_sent: Broadcast) -> None:
    page = page_of(as_alice, half_sent)
    counts = shown_counts(page)
    assert list(counts) == list(LABELS)
    assert {label: count for label, count in counts.items() if count} == {
        "Unsent": 3,
        "Sent": 1,
        "Soft Bounced": 1,
        "Delivered": 1,
        "No Email Selected": 1,
    }
    assert sum(counts.values()) == half_sent.deliveries.count() == 7
    assert "Together 7 recipients." in page
    log = reverse("reports:email-log")
    for slug in ("unsent", "soft-bounced", "no-email-selected", "opened"):
        assert f"{log}?broadcast={half_sent.pk}&amp;result={slug}" in page


def test_the_page_is_whole_without_javascript(as_alice: Client, half_sent: Broadcast) -> None:
    page = page_of(as_alice, half_sent)
    assert "4 of 7 done, 3 still to send." in page
    assert '<progress max="7" value="4"' in page
    assert "sent by Alice" in page
    for name in ("pause", "cancel"):
        assert f'action="{reverse(f"broadcasts:broadcast-{name}", args=[half_sent.pk])}"' in page
    assert f'href="{detail_url(half_sent)}">Refresh' in page
    assert 'hx-trigger="every 2s"' in page


def test_what_has_not_changed_is_not_sent_again(as_alice: Client, half_sent: Broadcast) -> None:
    url = polled_url(page_of(as_alice, half_sent))
    assert as_alice.get(url).status_code == 204
    give_result(half_sent, 3, Result.OPENED)
    fragment = as_alice.get(url).content.decode()
    assert shown_counts(fragment)["Opened"] == 1
    assert "<html" not in fragment


def test_the_line_under_the_heading_follows_the_status(as_alice: Client, half_sent: Broadcast) -> None:
    Broadcast.objects.filter(pk=half_sent.pk).update(status="scheduled")
    page = page_of(as_alice, half_sent)
    assert '<span id="progress-lead">General, starts ' in page
    assert page.count('id="progress-lead"') == 1
    Broadcast.objects.filter(pk=half_sent.pk).update(status="sending")
    fragment = as_alice.get(polled_url(page)).content.decode()
    assert '<span id="progress-lead" hx-swap-oob="true">General, sent by Alice, ' in fragment


def test_screen_readers_are_told_every_fifteen_seconds_at_most(as_alice: Client, half_sent: Broadcast) -> None:
    now = timezone.now()
    url = polled_url(page_of(as_alice, half_sent))
    give_result(half_sent, 3, Result.SENT)
    with time_machine.travel(now + timedelta(seconds=10)):
        early = as_alice.get(url).content.decode()
    with time_machine.travel(now + timedelta(seconds=17)):
        later = as_alice.get(polled_url(early)).content.decode()
    with time_machine.travel(now + timedelta(seconds=19)):
        assert as_alice.get(polled_url(later)).status_code == 204
    assert "data-announce" not in early
    assert 'data-announce="5 of 7 done, 2 still to send. We are still trying' in later


@pytest.mark.parametrize("said", ["", "soon", "-1e9", "9" * 30])
def test_a_page_that_lost_its_clock_is_answered(as_alice: Client, half_sent: Broadcast, said: str) -> None:
    assert as_alice.get(progress_url(half_sent), {"said": said}).status_code == 200


def test_polling_stops_when_everything_was_handed_over(as_alice: Client, half_sent: Broadcast) -> None:
    url = polled_url(page_of(as_alice, half_sent))
    for number in (3, 4, 5):
        give_result(half_sent, number, Result.DELIVERED)
    Broadcast.objects.filter(pk=half_sent.pk).update(status="sent", finished_at=timezone.now())
    fragment = as_alice.get(url).content.decode()
    assert "Everything was handed over." in fragment
    assert "We are still trying for 1 that Soft Bounced." in fragment
    assert "hx-get" not in fragment
    assert "data-announce" in fragment
    assert "/pause/" not in fragment
    assert "/cancel/" not in fragment


def test_trouble_of_our_own_is_told_with_its_beginning(as_alice: Client, half_sent: Broadcast) -> None:
    since = timezone.now().replace(year=2026, month=5, day=11, hour=14, minute=44)
    Broadcast.objects.filter(pk=half_sent.pk).update(trouble="Connection refused <1>", trouble_since=since)
    page = page_of(as_alice, half_sent)
    assert "Sending is held up since May 11, 2026 9:44 am." in page
    assert "Connection refused &lt;1&gt;" in page
    assert "sending resumes by itself" in page


def test_a_paused_one_can_be_resumed(as_alice: Client, half_sent: Broadcast) -> None:
    Broadcast.objects.filter(pk=half_sent.pk).update(status="paused")
    page = page_of(as_alice, half_sent)
    assert "4 of 7 done, 3 wait until somebody resumes." in page
    assert "/resume/" in page
    assert "/pause/" not in page


def test_a_cancelled_one_says_who_will_not_get_it(as_alice: Client, half_sent: Broadcast) -> None:
    Broadcast.objects.filter(pk=half_sent.pk).update(status="cancelled")
    page = page_of(as_alice, half_sent)
    assert "4 of 7 done, 3 will not be sent." in page
    assert not polled_url(page)


def test_in_doubt_is_visible_once_nobody_works_on_it(as_alice: Client, half_sent: Broadcast) -> None:
    on_the_wire = half_sent.deliveries.get(email="p3@home.example")
    factory.put_in_doubt(on_the_wire, timedelta(minutes=1))
    assert "in doubt" not in page_of(as_alice, half_sent)
    Lease.objects.update(until=timezone.now() - timedelta(minutes=1))
    assert "1 email is in doubt" in page_of(as_alice, half_sent)


def test_preparing_shows_ten_zeros_and_no_figure_in_the_bar(as_alice: Client, lincoln: School) -> None:
    broadcast = factory.make_broadcast(lincoln, status="preparing", send_at=timezone.now())
    page = page_of(as_alice, broadcast)
    assert list(shown_counts(page).values()) == [0] * 10
    assert "Working out who gets it." in page
    assert "<progress aria-labelledby" in page


def test_the_seconds_to_undo_run_down(as_alice: Client, lincoln: School) -> None:
    with time_machine.travel("2026-05-11 14:44:00Z", tick=False) as clock:
        send_at = timezone.now() + timedelta(seconds=10)
        broadcast = factory.make_broadcast(lincoln, status="scheduled", send_at=send_at)
        assert "It leaves in 10 seconds." in page_of(as_alice, broadcast)
        clock.shift(9)
        assert "It leaves in 1 second." in page_of(as_alice, broadcast)
        clock.shift(2)
        assert "It leaves any moment now." in page_of(as_alice, broadcast)


def test_who_did_what_is_on_the_page(as_alice: Client, half_sent: Broadcast, alice: User) -> None:
    audit.record(alice, "broadcast.paused", half_sent, school=half_sent.school)
    assert "Alice paused it" in page_of(as_alice, half_sent)


def test_a_draft_goes_to_its_editor(as_alice: Client, lincoln: School) -> None:
    draft = factory.make_broadcast(lincoln)
    edit = reverse("broadcasts:broadcast-edit", args=[draft.pk])
    assert as_alice.get(detail_url(draft))["Location"] == edit
    assert as_alice.get(progress_url(draft))["HX-Redirect"] == edit


def test_a_stranger_finds_nothing(as_bob: Client, half_sent: Broadcast) -> None:
    assert as_bob.get(detail_url(half_sent)).status_code == 404
    assert as_bob.get(progress_url(half_sent)).status_code == 404
