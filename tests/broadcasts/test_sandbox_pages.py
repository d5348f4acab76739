"""The mailboxes page: what a recipient would see, for those who may."""

from collections.abc import Iterator
from pathlib import Path
from smtplib import SMTP

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from broadcasts.composing.compiling import Recipient, compile_broadcast
from broadcasts.models import Delivery, School, User
from broadcasts.sandbox.mailboxes import find_messages
from broadcasts.sandbox.server import SandboxServer
from tests import factory
from tests.tracking.rows import hand_over, make_delivery

pytestmark = pytest.mark.django_db
LIST = "broadcasts:sandbox"


@pytest.fixture
def sandbox(tmp_path: Path, settings: Settings) -> Iterator[SandboxServer]:
    settings.MESSENGER_HOME = tmp_path
    server = SandboxServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def delivery(sandbox: SandboxServer, lincoln: School) -> Delivery:
    delivery = make_delivery("quiet.ann@home.example", lincoln)
    hand_over(sandbox, delivery)
    return delivery


def send(sandbox: SandboxServer, recipient: str, content: str) -> None:
    with SMTP(*sandbox.address) as smtp:
        smtp.sendmail("office@lincoln.example", recipient, content)


HTML = (
    "Subject: Hello\nMIME-Version: 1.0\nContent-Type: multipart/alternative; boundary=b\n\n--b\n"
    "Content-Type: text/plain\n\nPlain <b>words</b>\n--b\nContent-Type: text/html\n\n"
    "<html><head><title>x</title></head><body><p>Rich words</p></body></html>\n--b--\n"
)


def test_before_the_first_email_the_page_explains_itself(
    as_alice: Client, settings: Settings, tmp_path: Path
) -> None:
    settings.MESSENGER_HOME = tmp_path
    page = as_alice.get(reverse(LIST))
    assert page.status_code == 200
    assert "No email yet" in page.content.decode()


def test_office_staff_see_the_emails_of_their_school(
    as_alice: Client, as_bob: Client, as_charlie: Client, delivery: Delivery, alice: User
) -> None:
    [number] = find_messages(alice)
    pages = [reverse(LIST), reverse("broadcasts:sandbox-message", args=[number])]
    for client in (as_alice, as_charlie):
        for url in pages:
            assert delivery.email in client.get(url).content.decode()
    assert delivery.email not in as_bob.get(pages[0]).content.decode()
    assert as_bob.get(pages[1]).status_code == 404
    assert as_bob.get(reverse("broadcasts:sandbox-message-html", args=[number])).status_code == 404


def test_a_test_email_is_for_who_asked_for_it(
    as_alice: Client, as_bob: Client, as_charlie: Client, sandbox: SandboxServer, alice: User
) -> None:
    send(sandbox, alice.email, HTML)
    for client, sees in ((as_alice, True), (as_charlie, True), (as_bob, False)):
        assert (alice.email in client.get(reverse(LIST)).content.decode().replace("alice</span>", "")) is sees


def test_strangers_are_asked_to_sign_in(client: Client, delivery: Delivery) -> None:
    for url in (reverse(LIST), reverse("broadcasts:sandbox-message", args=[1])):
        assert client.get(url)["Location"].startswith(reverse("account_login"))


def test_the_email_is_shown_in_a_page_of_its_own(as_charlie: Client, sandbox: SandboxServer) -> None:
    send(sandbox, "ann@home.example", HTML)
    page = as_charlie.get(reverse("broadcasts:sandbox-message", args=[1])).content.decode()
    assert "Plain &lt;b&gt;words&lt;/b&gt;" in page
    assert "Rich words" not in page
    frame = as_charlie.get(reverse("broadcasts:sandbox-message-html", args=[1]))
    assert '<head><base target="_blank">' in frame.content.decode()
    assert frame["X-Frame-Options"] == "SAMEORIGIN"
    policy = frame["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "img-src 'self' data: http: https:" in policy
    assert "frame-ancestors 'self'" in policy


def test_an_email_without_html_shows_its_text_only(as_alice: Client, delivery: Delivery) -> None:
    page = as_alice.get(reverse("broadcasts:sandbox-message", args=[1])).content.decode()
    assert "<iframe" not in page
    assert "Hello" in page
    assert "X-Delivery-Id" in page  # the headers, for who wants to know
    assert as_alice.get(reverse("broadcasts:sandbox-message-html", args=[1])).status_code == 404


def test_mailboxes_are_found_by_a_part_of_the_address(as_charlie: Client, sandbox: SandboxServer) -> None:
    send(sandbox, "a_b@home.example", HTML)
    send(sandbox, "axb@home.example", HTML)
    assert "axb@" not in as_charlie.get(reverse(LIST), {"q": "A_B"}).content.decode()
    nothing = as_charlie.get(reverse(LIST), {"q": "100%"}).content.decode()
    assert "No email to an address with “100%” in it." in nothing


def test_fifty_emails_a_page_newest_first(as_charlie: Client, sandbox: SandboxServer) -> None:
    with SMTP(*sandbox.address) as smtp:
        for number in range(51):
            smtp.sendmail("office@lincoln.example", f"ann{number}@home.example", HTML)
    first, second = (as_charlie.get(reverse(LIST), {"page": page}).content.decode() for page in (1, 2))
    assert "51 emails, newest first" in first
    assert first.index("ann50@") < first.index("ann1@")
    assert "ann0@" not in first
    assert "ann0@" in second
    assert as_charlie.get(reverse(LIST), {"page": "nonsense"}).status_code == 200


@pytest.mark.parametrize(
    "content", ["", "Subject: =?utf-8?b?broken?=\n\n\n", "Content-Type: text/html; charset=odd\n\nx"]
)
def test_odd_emails_can_be_opened_too(as_charlie: Client, sandbox: SandboxServer, content: str) -> None:
    send(sandbox, "ann@home.example", content)
    for name in (LIST, "broadcasts:sandbox-message"):
        assert as_charlie.get(reverse(name, args=[] if name == LIST else [1])).status_code == 200


def test_a_message_that_does_not_exist_is_404(as_charlie: Client, sandbox: SandboxServer) -> None:
    assert as_charlie.get(reverse("broadcasts:sandbox-message", args=[99])).status_code == 404


def part_url(number: int, message: int = 1) -> str:
    return reverse("broadcasts:sandbox-message-part", args=[message, number])


def test_pictures_and_files_of_an_email_can_be_looked_at(
    as_alice: Client, sandbox: SandboxServer, lincoln: School
) -> None:
    broadcast = factory.make_broadcast(lincoln)
    factory.make_picture(broadcast)
    factory.make_attachment(broadcast, "Menü.pdf")
    message = compile_broadcast(broadcast).message_for(Recipient(None, "Alice", "alice@school.example"))
    send(sandbox, "alice@school.example", message.decode("ascii"))
    page = as_alice.get(reverse("broadcasts:sandbox-message", args=[1])).content.decode()
    assert "Menü.pdf" in page
    assert "gym.png" not in page  # it is in the message
    frame = as_alice.get(reverse("broadcasts:sandbox-message-html", args=[1])).content.decode()
    assert f'src="{part_url(0)}"' in frame
    assert "cid:" not in frame
    picture, file = as_alice.get(part_url(0)), as_alice.get(part_url(1))
    assert (picture["Content-Type"], picture.content) == ("image/png", factory.PNG)
    assert (file["Content-Type"], file.content) == ("application/octet-stream", factory.PDF)
    assert file["Content-Disposition"].startswith("attachment")
    assert "sandbox" in file["Content-Security-Policy"]
    assert as_alice.get(part_url(2)).status_code == 404


def test_a_strangers_files_do_not_exist(as_bob: Client, sandbox: SandboxServer, lincoln: School) -> None:
    broadcast = factory.make_broadcast(lincoln)
    factory.make_attachment(broadcast)
    message = compile_broadcast(broadcast).message_for(Recipient(None, "Alice", "alice@school.example"))
    send(sandbox, "alice@school.example", message.decode("ascii"))
    assert as_bob.get(part_url(0)).status_code == 404


def test_a_page_that_calls_itself_a_picture_is_a_download(as_charlie: Client, sandbox: SandboxServer) -> None:
    send(
        sandbox,
        "ann@home.example",
        "Content-Type: multipart/related; boundary=b\n\n--b\nContent-Type: text/html\n\n<img src='cid:x'>\n--b\n"
        "Content-Type: image/svg+xml\nContent-ID: <x>\n\n<svg onload='alert(1)'/>\n--b--\n",
    )
    response = as_charlie.get(part_url(0))
    assert response["Content-Type"] == "application/octet-stream"
    assert response["Content-Disposition"].startswith("attachment")
