"""Messages outside any broadcast leave by the provider too."""

import pytest
from django.core.mail import EmailMultiAlternatives, get_connection
from django.test import Client
from django.urls import reverse

from broadcasts.delivering.transports import send_plain
from broadcasts.delivering.trouble import MailServerTrouble
from broadcasts.models import User
from tests import factory
from tests.broadcasts.delivering.providers.conftest import each_of
from tests.provider_server import Fault, Record
from tests.smtp_server import Script

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_test_of_a_broadcast_arrives(provider: Record, as_alice: Client, alice: User) -> None:
    broadcast = factory.make_broadcast(subject="Día de nieve", body_html="<p>No hay clases, {{ name }}.</p>")
    as_alice.post(reverse("broadcasts:broadcast-test", args=[broadcast.pk]))
    email = provider.email_to(alice.email)
    assert email.subject == "[Test] Día de nieve"
    assert "No hay clases, Alice." in email.text
    assert "No hay clases, Alice." in email.html
    assert email.sender == "School Office <office@lincoln.example>"
    assert email.tracks_opens is False


def test_a_stranger_cannot_send_a_test(provider: Record, as_bob: Client) -> None:
    broadcast = factory.make_broadcast()
    assert as_bob.post(reverse("broadcasts:broadcast-test", args=[broadcast.pk])).status_code == 404
    assert provider.requests == []


def send_of_the_portal() -> None:
    sender, recipient = "Messenger <m@school.example>", "anna@x.example"
    message = EmailMultiAlternatives("New password", "Here it is.", sender, [recipient])
    message.attach("rules.pdf", b"%PDF", "application/pdf")
    message.connection = get_connection("broadcasts.delivering.transports.PortalMailBackend")
    message.send()


def test_emails_of_the_portal_leave_by_smtp(mail_server: Script) -> None:
    send_of_the_portal()
    (received,) = mail_server.received
    assert (received.sender, received.recipient) == ("m@school.example", "anna@x.example")
    assert b"\r\nHere it is.\r\n" in received.message


def test_emails_of_the_portal_arrive_with_their_files(provider: Record) -> None:
    send_of_the_portal()
    email = provider.email_to("anna@x.example")
    assert email.text.strip() == "Here it is."
    assert email.attachments == ("rules.pdf",)


@pytest.mark.parametrize("fault", [Fault(401), Fault(500), Fault(400), Fault(is_reset=True), Fault(429)])
def test_trouble_is_told(provider: Record, fault: Fault) -> None:
    provider.faults.append(fault)
    with pytest.raises(MailServerTrouble):
        send_plain("office@lincoln.example", "anna@x.example", b"From: a@x.example\r\nSubject: hello\r\n\r\nhi\r\n")


@each_of("postmark", "mandrill")
def test_an_address_that_the_provider_refuses_is_told(provider: Record) -> None:
    provider.refuses = {"anna@x.example": "rejected"}
    with pytest.raises(MailServerTrouble):
        send_plain("office@lincoln.example", "anna@x.example", b"From: a@x.example\r\nSubject: hello\r\n\r\nhi\r\n")
