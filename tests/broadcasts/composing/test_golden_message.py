"""Our bytes, read back, say what the message says that Django's own class builds of the same texts."""

from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from django.core.mail import EmailMultiAlternatives

from broadcasts.composing.compiling import CompiledBroadcast, Recipient, compile_broadcast
from broadcasts.models import Broadcast
from tests import factory

RECIPIENTS = (
    Recipient(7, "Maria Garcia", "maria@homes.example", "en"),
    Recipient(8, "李小龍 Müller", "li@homes.example", "en"),
    Recipient(9, '"O\'Brien, <Ann>" & =3D', "ann+school@homes.example", "en"),
    Recipient(10, "", "nameless@homes.example", "en"),
    Recipient(11, "A name " * 28, "long@homes.example", "en"),
)
BODIES = (
    "<p>Dear {{ name }},</p><p>.dots = 100 % of {{ school }}</p><p>{{ email }}</p>",
    "<p>{{ name }}さん、{{ school }}は明日、雪のため休校です。{{ name }}</p>",
    "<p>" + "No field in a very long line. " * 60 + "</p>",
    '<p><a href="https://x.example/?who={{ name }}&amp;at={{ email }}">{{ first_name }}</a></p>',
)
NOT_COMPARED = {"content-type", "date", "content-transfer-encoding"}


def read(message: bytes) -> EmailMessage:
    parsed = message_from_bytes(message, policy=policy.SMTP)
    assert isinstance(parsed, EmailMessage)
    return parsed


def built_by_django(compiled: CompiledBroadcast, recipient: Recipient, ours: EmailMessage) -> EmailMessage:
    """Everything that is not Django's to make (tokens, ids) is taken over from ours."""
    own = {"from", "to", "subject", "mime-version", *NOT_COMPARED}
    message = EmailMultiAlternatives(
        subject=compiled.subject_for(recipient),
        body=compiled.text_for(recipient),
        from_email="School Office <office@lincoln.example>",
        to=[str(ours["To"])],
        headers={name: str(value) for name, value in ours.items() if name.lower() not in own},
    )
    message.attach_alternative(compiled.html_for(recipient), "text/html")
    return read(message.message().as_bytes())


def leaves(message: EmailMessage) -> list[tuple[str, str, str]]:
    return [
        (
            part.get_content_type(),
            part.get_content_charset() or "",
            str(part.get_content()).replace("\r\n", "\n").strip(),
        )
        for part in message.walk()
        if not part.is_multipart() and isinstance(part, EmailMessage)
    ]


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("recipient", RECIPIENTS)
def test_every_part_and_header_is_what_django_would_send(db: None, body: str, recipient: Recipient) -> None:
    broadcast: Broadcast = factory.make_broadcast(subject="Snow day for {{ name }}", body_html=body)
    compiled = compile_broadcast(broadcast)
    ours = read(compiled.message_for(recipient))
    theirs = built_by_django(compiled, recipient, ours)
    assert ours.get_content_type() == theirs.get_content_type() == "multipart/alternative"
    assert leaves(ours) == leaves(theirs)
    for name in {*ours.keys(), *theirs.keys()}:
        if name.lower() not in NOT_COMPARED:
            assert " ".join(str(ours[name]).split()) == " ".join(str(theirs[name]).split()), name
