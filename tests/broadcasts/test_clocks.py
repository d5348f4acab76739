"""Times: each school's own on its own clock, everything else on that of the school made first."""

from datetime import UTC, datetime

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from broadcasts import audit
from broadcasts.models import Broadcast, School, Upload, User
from broadcasts.templatetags.messenger import moment
from tests import factory
from tests.reports.rows import make_delivery

AT = datetime(2026, 3, 3, 2, 45, tzinfo=UTC)
IN_CHICAGO, IN_DENVER = "Mar 2, 2026 8:45 pm", "Mar 2, 2026 7:45 pm"


@pytest.fixture
def sent(lincoln: School) -> Broadcast:
    """A broadcast of Lincoln, whose name comes after that of Jefferson."""
    broadcast = factory.make_broadcast(lincoln)
    make_delivery(broadcast, "ann@home.example", last_attempt_at=AT)
    Broadcast.objects.update(status=Broadcast.Status.SENT, send_at=AT, prepared_at=AT, finished_at=AT)
    return broadcast


def test_a_school_says_which_clock() -> None:
    with timezone.override(UTC):
        assert moment(AT, School(time_zone="America/Chicago")) == IN_CHICAGO
        assert moment(AT, None) == "Mar 3, 2026 2:45 am"


@pytest.mark.parametrize("url", ["/", "/broadcasts/", "/email-log/", "/broadcasts/{pk}/", "/email-log/{row}/"])
def test_a_broadcast_reads_the_same_on_every_page(
    url: str, as_bob: Client, bob: User, sent: Broadcast, lincoln: School, jefferson: School
) -> None:
    bob.memberships.create(school=lincoln, role="office")
    page = as_bob.get(url.format(pk=sent.pk, row=sent.deliveries.get().pk)).text
    assert IN_CHICAGO in page
    assert IN_DENVER not in page


@pytest.mark.parametrize("url", ["/", "/broadcasts/", "/email-log/", "/broadcasts/{pk}/", "/email-log/{row}/"])
def test_of_two_schools_each_keeps_its_clock(
    url: str, as_charlie: Client, lincoln: School, jefferson: School
) -> None:
    """The administrator's own clock is Lincoln's: nothing of Jefferson's is shown on it."""
    broadcast = factory.make_broadcast(jefferson)
    make_delivery(broadcast, "ann@home.example", last_attempt_at=AT)
    Broadcast.objects.update(status=Broadcast.Status.SENT, send_at=AT, prepared_at=AT, finished_at=AT)
    page = as_charlie.get(url.format(pk=broadcast.pk, row=broadcast.deliveries.get().pk)).text
    assert IN_DENVER in page
    assert IN_CHICAGO not in page


def test_who_did_what_is_on_the_clock_of_its_school(
    as_charlie: Client, charlie: User, lincoln: School, jefferson: School
) -> None:
    broadcast = factory.make_broadcast(jefferson, status=Broadcast.Status.SENT)
    audit.record(charlie, "broadcast.sent", broadcast, school=jefferson)
    entry = audit.history(broadcast)
    entry.update(at=AT)
    page = as_charlie.get(reverse("broadcasts:broadcast-detail", args=[broadcast.pk])).text
    assert f"{IN_DENVER}</span> Charlie pressed Send Now" in page


def test_lists_and_uploads_are_on_the_clock_of_their_school(
    as_charlie: Client, charlie: User, lincoln: School, jefferson: School
) -> None:
    with time_machine.travel(AT, tick=False):  # an upload does not wait for ever
        as_charlie.force_login(charlie, backend="allauth.account.auth_backends.AuthenticationBackend")
        found = factory.make_list(jefferson)
        Upload.objects.create(school=jefferson, file="x.csv", file_name="x.csv", list_name="X")
        page = as_charlie.get(reverse("broadcasts:list-list")).text
        assert page.count(IN_DENVER) == 2
        assert IN_DENVER in as_charlie.get(reverse("broadcasts:list-detail", args=[found.pk])).text
        assert IN_DENVER in as_charlie.get("/").text


def test_an_administrators_clock_is_that_of_the_school_made_first(
    lincoln: School, jefferson: School, charlie: User
) -> None:
    assert charlie.home_school == lincoln


def test_every_page_names_its_clock(as_alice: Client, as_charlie: Client, jefferson: School) -> None:
    words = "Times are on the clock of America/Chicago."
    own = "What belongs to a school shows that school's own time."
    for client, url in [(as_alice, "/"), (as_alice, "/help/"), (as_charlie, "/"), (as_charlie, "/admin/")]:
        page = client.get(url).text.replace("&#x27;", "'")
        assert words in page
        assert (own in page) == ((client, url) == (as_charlie, "/"))
    assert words not in Client().get("/accounts/login/").text
