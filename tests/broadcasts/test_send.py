"""Send Now, Undo, Pause, Resume, Cancel: one press counts, every other one is told why not."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
import time_machine
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from broadcasts import audit
from broadcasts.actors import wake
from broadcasts.models import Broadcast, Delivery, ListMember, School, User
from broadcasts.preparing.preparing import announce_preparing, prepare_deliveries
from broadcasts.results import Result
from tests import factory

LOGIN = "allauth.account.auth_backends.AuthenticationBackend"


@pytest.fixture
def draft(lincoln: School) -> Broadcast:
    general = factory.make_type("General")
    people = [factory.make_person(lincoln, f"P {n}", [f"p{n}@home.example"], [general]) for n in range(3)]
    return factory.make_broadcast(lincoln, people)


def press(client: Client, name: str, broadcast: Broadcast, **data: object) -> HttpResponse:
    url = reverse(f"broadcasts:broadcast-{name}", args=[broadcast.pk])
    return client.post(url, data, follow=True)  # type: ignore[return-value]


def send(client: Client, broadcast: Broadcast, expected: int = 3, **data: object) -> HttpResponse:
    return press(client, "send", broadcast, expected=expected, version=broadcast.version, **data)


def status_of(broadcast: Broadcast) -> str:
    broadcast.refresh_from_db()
    return broadcast.status


def begin(broadcast: Broadcast) -> None:
    """What the worker does first when the time to undo is over."""
    Broadcast.objects.filter(pk=broadcast.pk).update(send_at=timezone.now() - timedelta(seconds=1))
    assert announce_preparing(broadcast.pk, timezone.now())
    assert prepare_deliveries(broadcast.pk)


def test_send_schedules_it_and_wakes_a_worker(
    as_alice: Client, draft: Broadcast, alice: User, django_capture_on_commit_callbacks: pytest.FixtureRequest
) -> None:
    with time_machine.travel("2026-05-11 14:44:00Z", tick=False):
        with django_capture_on_commit_callbacks() as hints:  # type: ignore[operator]
            response = send(as_alice, draft)
        assert [hint.func for hint in hints].count(wake) == 1
    assert response.redirect_chain == [(f"/broadcasts/{draft.pk}/", 302)]  # type: ignore[attr-defined]
    assert status_of(draft) == "scheduled"
    assert draft.sent_by == alice
    assert draft.send_at is not None
    assert draft.send_at.isoformat() == "2026-05-11T14:44:10+00:00"
    assert [entry.action for entry in audit.history(draft)] == ["broadcast.sent"]


def test_second_press_is_told_who_was_first(as_alice: Client, as_charlie: Client, draft: Broadcast) -> None:
    send(as_alice, draft)
    page = send(as_charlie, draft).content.decode()
    assert "Alice already sent this broadcast" in page
    assert "only once" in page
    assert audit.history(draft).count() == 1


def test_a_changed_reach_is_shown_again_instead_of_sent(as_alice: Client, draft: Broadcast, lincoln: School) -> None:
    late = factory.make_person(lincoln, "Late", ["late@home.example"])
    ListMember.objects.create(list=draft.lists.get(), person=late)
    response = send(as_alice, draft, expected=3)
    page = response.content.decode()
    assert "who gets it changed since you looked. It is now 4 people." in page
    assert 'name="expected" value="4"' in page
    assert status_of(draft) == "draft"
    send(as_alice, draft, expected=4)
    assert status_of(draft) == "scheduled"


def test_a_message_changed_by_somebody_else_is_shown_again(as_alice: Client, draft: Broadcast) -> None:
    Broadcast.objects.filter(pk=draft.pk).update(version=draft.version + 1)
    page = send(as_alice, draft).content.decode()
    assert "The message was changed since you looked" in page
    assert status_of(draft) == "draft"


@pytest.mark.parametrize("posted", [{}, {"expected": "many", "version": "x"}])
def test_a_press_that_does_not_say_what_it_saw_sends_nothing(
    as_alice: Client, draft: Broadcast, posted: dict[str, str]
) -> None:
    assert "changed since you looked" in press(as_alice, "send", draft, **posted).content.decode()
    assert status_of(draft) == "draft"


def test_nobody_to_send_to_is_refused(as_alice: Client, lincoln: School) -> None:
    broadcast = factory.make_broadcast(lincoln, [factory.make_person(lincoln, "Fay", [])])
    response = send(as_alice, broadcast, expected=0)
    assert "Nobody on these lists can get it" in response.content.decode()
    assert status_of(broadcast) == "draft"


@pytest.fixture
def emergency(lincoln: School) -> Broadcast:
    kind = factory.make_type("Emergency")
    people = [factory.make_person(lincoln, f"P {n}", [f"p{n}@home.example"], [kind]) for n in range(2)]
    return factory.make_broadcast(lincoln, people, type_name="Emergency")


@pytest.mark.parametrize("typed", ["", "3", "two", "-2", "22"])
def test_a_wrong_number_typed_sends_nothing(as_alice: Client, emergency: Broadcast, typed: str) -> None:
    response = send(as_alice, emergency, expected=2, typed=typed)
    assert response.status_code == 422
    assert "Nothing was sent. To send it to 2 people, type 2 here." in response.content.decode()
    assert status_of(emergency) == "draft"


def test_the_right_number_typed_sends_an_emergency_at_once(as_alice: Client, emergency: Broadcast) -> None:
    page = send(as_alice, emergency, expected=2, typed=" 2 ").content.decode()
    assert status_of(emergency) == "scheduled"
    assert emergency.send_at is not None
    assert emergency.send_at <= timezone.now()
    assert reverse("broadcasts:broadcast-undo", args=[emergency.pk]) not in page


def test_more_than_the_limit_must_be_typed_with_or_without_commas(
    as_alice: Client, draft: Broadcast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("broadcasts.forms.sending.TYPE_THE_NUMBER_ABOVE", 2)
    send(as_alice, draft)
    assert status_of(draft) == "draft"
    send(as_alice, draft, typed="3")
    assert status_of(draft) == "scheduled"


def test_undo_in_time_makes_it_a_draft_again(as_alice: Client, draft: Broadcast) -> None:
    page = send(as_alice, draft).content.decode()
    assert reverse("broadcasts:broadcast-undo", args=[draft.pk]) in page
    assert "It leaves in " in page
    response = press(as_alice, "undo", draft)
    assert "Stopped in time" in response.content.decode()
    assert status_of(draft) == "draft"
    assert not announce_preparing(draft.pk, timezone.now() + timedelta(minutes=1))


def test_undo_after_it_began_is_too_late(as_alice: Client, draft: Broadcast) -> None:
    now = timezone.now()
    send(as_alice, draft)
    with time_machine.travel(now + timedelta(seconds=30)):
        announce_preparing(draft.pk, timezone.now())
        page = press(as_alice, "undo", draft).content.decode()
    assert "Too late to undo" in page
    assert status_of(draft) == "preparing"


def test_second_undo_says_it_is_a_draft(as_alice: Client, draft: Broadcast) -> None:
    send(as_alice, draft)
    press(as_alice, "undo", draft)
    assert "Somebody was faster" in press(as_alice, "undo", draft).content.decode()
    assert status_of(draft) == "draft"


def test_pause_resume_and_cancel(as_alice: Client, draft: Broadcast) -> None:
    send(as_alice, draft)
    begin(draft)
    assert "Paused." in press(as_alice, "pause", draft).content.decode()
    assert status_of(draft) == "paused"
    assert "Sending goes on." in press(as_alice, "resume", draft).content.decode()
    assert status_of(draft) == "sending"
    Delivery.objects.filter(email="p0@home.example").update(result=Result.SENT, state=Delivery.State.IDLE)
    asked = press(as_alice, "cancel", draft).content.decode()
    assert "2 recipients are still Unsent" in asked
    assert status_of(draft) == "sending"
    assert "Cancelled." in press(as_alice, "cancel", draft, sure="yes").content.decode()
    assert status_of(draft) == "cancelled"
    assert draft.deliveries.filter(result=Result.UNSENT, state=Delivery.State.IDLE).count() == 2


def test_resume_wakes_a_worker(
    as_alice: Client, draft: Broadcast, django_capture_on_commit_callbacks: object
) -> None:
    send(as_alice, draft)
    begin(draft)
    press(as_alice, "pause", draft)
    with django_capture_on_commit_callbacks() as hints:  # type: ignore[operator]
        press(as_alice, "resume", draft)
        press(as_alice, "resume", draft)
    assert [hint.func for hint in hints].count(wake) == 1


@pytest.mark.parametrize("name", ["pause", "resume", "cancel"])
@pytest.mark.parametrize("status", ["scheduled", "sent", "cancelled"])
def test_a_step_its_status_does_not_allow_changes_nothing(
    as_alice: Client, draft: Broadcast, name: str, status: str
) -> None:
    Broadcast.objects.filter(pk=draft.pk).update(status=status, send_at=timezone.now())
    page = press(as_alice, name, draft, sure="yes").content.decode()
    assert "Nothing was changed: this broadcast is" in page
    assert status_of(draft) == status


def test_asking_to_cancel_what_is_finished_says_so(as_alice: Client, draft: Broadcast) -> None:
    Broadcast.objects.filter(pk=draft.pk).update(status="sent", send_at=timezone.now())
    assert "Nothing was changed" in press(as_alice, "cancel", draft).content.decode()


STEPS = ["send", "undo", "pause", "resume", "cancel"]


@pytest.mark.parametrize("name", STEPS)
def test_a_stranger_finds_nothing(as_bob: Client, draft: Broadcast, name: str) -> None:
    assert press(as_bob, name, draft, expected=3, version=1, sure="yes").status_code == 404
    assert status_of(draft) == "draft"


@pytest.mark.parametrize("name", STEPS)
def test_looking_changes_nothing(as_alice: Client, draft: Broadcast, name: str) -> None:
    url = reverse(f"broadcasts:broadcast-{name}", args=[draft.pk])
    page = as_alice.get(url, follow=True)
    assert page.status_code == 200
    assert page.context["broadcast"] == draft
    assert "so nothing was done. Press the button again." in page.content.decode()
    assert status_of(draft) == "draft"
    assert as_alice.put(url).status_code == 405


def test_signing_in_after_pressing_send_leads_back_to_the_button(
    client: Client, alice: User, draft: Broadcast
) -> None:
    send = reverse("broadcasts:broadcast-send", args=[draft.pk])
    sign_in = client.post(send)["Location"]
    assert sign_in == f"{reverse('account_login')}?next={send}"
    client.force_login(alice, backend=LOGIN)
    review = client.get(client.get(sign_in)["Location"], follow=True)
    assert review.request["PATH_INFO"] == reverse("broadcasts:broadcast-review", args=[draft.pk])
    assert "You were signed out or opened this address directly" in review.content.decode()
    assert status_of(draft) == "draft"


@pytest.mark.parametrize("name", ["undo", "pause", "resume", "cancel"])
def test_looking_at_a_step_of_what_is_under_way_leads_to_its_page(
    as_alice: Client, draft: Broadcast, name: str
) -> None:
    Broadcast.objects.filter(pk=draft.pk).update(status="sending", send_at=timezone.now())
    answer = as_alice.get(reverse(f"broadcasts:broadcast-{name}", args=[draft.pk]))
    assert answer["Location"] == reverse("broadcasts:broadcast-detail", args=[draft.pk])
    assert status_of(draft) == "sending"


@pytest.mark.django_db(transaction=True)
def test_four_people_at_once_start_one_run() -> None:
    school = factory.make_school()
    general = factory.make_type("General")
    people = [factory.make_person(school, f"P {n}", [f"p{n}@home.example"], [general]) for n in range(3)]
    draft = factory.make_broadcast(school, people)
    clients = []
    for name in ("Alice", "Ada", "Abe", "Amy"):
        client = Client()
        client.force_login(factory.make_user(name, school), backend=LOGIN)
        clients.append(client)
    together = Barrier(len(clients))

    def press_send(client: Client) -> str:
        together.wait()
        try:
            return send(client, draft).content.decode()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(clients)) as pool:
        pages = list(pool.map(press_send, clients))
    assert sum("already sent this broadcast" in page for page in pages) == 3
    assert audit.history(draft).filter(action="broadcast.sent").count() == 1
    assert status_of(draft) == "scheduled"
