import sqlite3
from collections.abc import Iterator
from contextlib import closing
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from broadcasts.models import Broadcast, School, User
from broadcasts.sandbox.server import SandboxServer
from tests import factory


def url(name: str, broadcast: Broadcast) -> str:
    return reverse(f"broadcasts:broadcast-{name}", args=[broadcast.pk])


@pytest.fixture
def draft(alice: User, lincoln: School) -> Broadcast:
    factory.make_type()
    people = [
        factory.make_person(lincoln, "Maria Garcia", ["maria@x.example"]),
        factory.make_person(lincoln, "Adam <b>Ant</b>", ["adam@x.example"]),
    ]
    return factory.make_broadcast(
        lincoln, people, subject="Hello {{ first_name }}", body_html="<p>Dear {{ name }}</p>"
    )


@pytest.fixture
def sandbox(tmp_path: Path, settings: Any) -> Iterator[Path]:
    """The file in which a running mail server keeps what it took."""
    settings.MESSENGER_HOME = tmp_path
    server = SandboxServer(tmp_path)
    server.start()
    try:
        yield next(tmp_path.glob("*.sqlite3"))
    finally:
        server.stop()


def messages_in(store: Path) -> list[bytes]:
    with closing(sqlite3.connect(store)) as connection:
        return [raw for (raw,) in connection.execute("SELECT raw FROM messages")]


def person_named(name: str, draft: Broadcast) -> int:
    return draft.lists.get().people.get(name__startswith=name).pk


def test_the_first_recipient_is_shown(as_alice: Client, draft: Broadcast) -> None:
    page = as_alice.get(url("preview", draft)).content.decode()
    assert "Hello Adam" in page
    assert "adam@x.example" in page
    assert "School Office &lt;office@lincoln.example&gt;" in page


def test_another_recipient_can_be_chosen(as_alice: Client, draft: Broadcast) -> None:
    page = as_alice.get(url("preview", draft), {"person": person_named("Maria", draft)}).content.decode()
    assert "Hello Maria" in page
    assert f"{url('preview-html', draft)}?person={person_named('Maria', draft)}" in page


def test_recipients_are_found_by_name(as_alice: Client, draft: Broadcast) -> None:
    assert "Hello Maria" in as_alice.get(url("preview", draft), {"name": "garc"}).content.decode()
    assert (
        "Nobody on the chosen lists is called" in as_alice.get(url("preview", draft), {"name": "zz"}).content.decode()
    )


def test_a_new_name_beats_the_person_shown_before(as_alice: Client, draft: Broadcast) -> None:
    asked: dict[str, str | int] = {"name": "garc", "person": person_named("Adam", draft)}
    assert "Hello Maria" in as_alice.get(url("preview", draft), asked).content.decode()


@pytest.mark.parametrize("person", ["x", "999999999999999999999", "-1", "0"])
def test_nonsense_shows_the_first_recipient(as_alice: Client, draft: Broadcast, person: str) -> None:
    assert "Hello Adam" in as_alice.get(url("preview", draft), {"person": person}).content.decode()


def test_people_outside_the_lists_are_not_shown(as_alice: Client, draft: Broadcast, jefferson: School) -> None:
    stranger = factory.make_person(jefferson, "Zoe Zed", ["zoe@x.example"])
    assert "Zoe" not in as_alice.get(url("preview", draft), {"person": stranger.pk}).content.decode()


def test_the_address_is_the_one_that_receives_this_type(as_alice: Client, draft: Broadcast, lincoln: School) -> None:
    assert draft.broadcast_type is not None
    person = factory.make_person(lincoln, "Aaron", ["first@x.example"], receives=[])
    other = factory.make_person(lincoln, "x", ["second@x.example"]).addresses.get()
    other.person, other.position = person, 1
    other.save()
    draft.lists.add(factory.make_list(lincoln, [person]))
    assert "second@x.example" in as_alice.get(url("preview", draft)).content.decode()


def test_the_html_is_escaped_untracked_and_has_its_own_policy(as_alice: Client, draft: Broadcast) -> None:
    answer = as_alice.get(url("preview-html", draft), {"person": person_named("Adam", draft)})
    html = answer.content.decode()
    assert "Dear Adam &lt;b&gt;Ant&lt;/b&gt;" in html
    assert "/o/" not in html
    rules = answer["Content-Security-Policy"].split("; ")
    assert {"default-src 'none'", "script-src 'none'", "style-src 'unsafe-inline'", "frame-ancestors 'self'"} <= {
        *rules
    }
    assert answer["X-Frame-Options"] == "SAMEORIGIN"


def test_the_plain_text_is_a_view_of_its_own(as_alice: Client, draft: Broadcast) -> None:
    page = as_alice.get(url("preview", draft), {"view": "text"}).content.decode()
    assert "Dear Adam &lt;b&gt;Ant&lt;/b&gt;" in page
    assert "<iframe" not in page


def test_an_empty_draft_is_shown_with_made_up_names(as_alice: Client, alice: User) -> None:
    as_alice.post(reverse("broadcasts:broadcast-new"))
    page = as_alice.get(url("preview", Broadcast.objects.get())).content.decode()
    assert "made-up names" in page
    assert "Write a subject." in page


def test_a_test_goes_to_the_user_and_looks_like_the_recipients(
    as_alice: Client, draft: Broadcast, sandbox: Path
) -> None:
    answer = as_alice.post(url("test", draft), {"person": person_named("Maria", draft)}, follow=True)
    assert "A test is on its way to alice@school.example." in answer.content.decode()
    assert "Hello Maria" in answer.content.decode()
    (raw,) = messages_in(sandbox)
    message = message_from_bytes(raw, policy=policy.default)
    assert message["Subject"] == "[Test] Hello Maria"
    assert [address.addr_spec for address in message["To"].addresses] == ["alice@school.example"]
    assert message["List-Unsubscribe"] is None


def test_looking_at_the_test_address_sends_nothing(as_alice: Client, draft: Broadcast) -> None:
    page = as_alice.get(url("test", draft), follow=True)
    assert page.request["PATH_INFO"] == url("preview", draft)
    assert "so nothing was done. Press the button again." in page.content.decode()


def test_without_an_own_address_there_is_no_test(as_alice: Client, draft: Broadcast) -> None:
    User.objects.update(email="")
    page = as_alice.post(url("test", draft), follow=True).content.decode()
    assert "Your account has no email address" in page


def test_without_a_sender_there_is_no_test(as_alice: Client, draft: Broadcast) -> None:
    Broadcast.objects.update(sender=None)
    assert "Choose a sender first" in as_alice.post(url("test", draft), follow=True).content.decode()


def test_trouble_of_the_mail_server_is_told(as_alice: Client, draft: Broadcast, settings: Any) -> None:
    settings.MAIL_IS_SANDBOX, settings.MAIL_URL = False, "smtp://127.0.0.1:1"
    assert "The test was not sent." in as_alice.post(url("test", draft), follow=True).content.decode()
