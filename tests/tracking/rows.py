"""A delivery that has been sent, and a mail server of the outside world beside its listener."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from smtplib import SMTP
from threading import Event as Signal

from django.utils import timezone

from broadcasts.models import Broadcast, Delivery, EmailAddress, School
from broadcasts.results import Result
from broadcasts.sandbox.server import SandboxServer
from broadcasts.tokens import make_token
from tests import factory
from tracking.bounces.listener import BounceListener

BOUNCE_DOMAIN = "bounces.messenger.test"
SECONDS = 20


def make_delivery(
    address: str = "ann@home.example",
    school: School | None = None,
    broadcast: Broadcast | None = None,
    **fields: object,
) -> Delivery:
    """A row whose email the mail server has accepted."""
    school = school or factory.make_school()
    broadcast = broadcast or factory.make_broadcast(school, status=Broadcast.Status.SENT)
    person = factory.make_person(school, "Ann", [address])
    values: dict[str, object] = {
        "name": person.name,
        "email": address,
        "address_key": address.lower(),
        "address": EmailAddress.objects.get(person=person),
        "is_sendable": True,
        "result": Result.SENT,
        "attempts": 1,
        "last_attempt_at": timezone.now(),
    }
    return Delivery.objects.create(broadcast=broadcast, person=person, **{**values, **fields})


def bounce_address(delivery: Delivery) -> str:
    return f"b+{make_token(delivery.pk, 'bounce')}@{BOUNCE_DOMAIN}"


@contextmanager
def running_listener() -> Iterator[BounceListener]:
    listener = BounceListener("127.0.0.1", 0)
    listener.start()
    try:
        yield listener
    finally:
        listener.stop()


@contextmanager
def running_sandbox(folder: Path) -> Iterator[SandboxServer]:
    server = SandboxServer(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def message_to(delivery: Delivery, body: str = "Hello") -> bytes:
    return (
        f"From: School <office@lincoln.example>\r\nTo: {delivery.email}\r\nSubject: Snow day\r\n"
        f"Message-ID: <one@lincoln.example>\r\nX-Delivery-Id: {make_token(delivery.pk, 'bounce')}\r\n"
        f"Content-Type: text/plain; charset=us-ascii\r\n\r\n{body}\r\n"
    ).encode()


def hand_over(
    server: SandboxServer, delivery: Delivery, notify: str = "SUCCESS,FAILURE,DELAY", sender: str | None = None
) -> tuple[int, str]:
    """The conversation of a sender that asks for reports; the reply that decided."""
    with SMTP(*server.address, timeout=SECONDS) as smtp:
        smtp.ehlo("school.example")
        envelope = bounce_address(delivery) if sender is None else sender
        code, text = smtp.docmd("MAIL", f"FROM:<{envelope}> RET=HDRS ENVID={make_token(delivery.pk, 'bounce')}")
        assert code == 250, text
        asked = f" NOTIFY={notify}" if notify else ""
        code, text = smtp.docmd("RCPT", f"TO:<{delivery.email}>{asked} ORCPT=rfc822;{delivery.email}")
        if code == 250:
            code, text = smtp.data(message_to(delivery))
        return code, text.decode()


def wait_until(is_so: Callable[[], bool]) -> None:
    """The reports come by themselves, from other threads."""
    never, tries = Signal(), 0
    while not is_so():
        tries += 1
        assert tries < SECONDS * 50, "it never came"
        never.wait(0.02)
