"""Our bytes, read back, say what the message says that Django's own class builds of the same texts."""

from email import message_from_bytes, policy
from email.message import EmailMessage, MIMEPart
from email.mime.image import MIMEImage

import pytest
from django.core.mail import EmailMultiAlternatives

from broadcasts.composing.compiling import CompiledBroadcast, Recipient, compile_broadcast
from broadcasts.models import Attachment, Broadcast, Content
from tests import factory
from tests.broadcasts.composing.office_files import GOOD

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
    for file in Attachment.objects.order_by("-is_inline", "pk"):
        if file.is_inline:
            message.attach(as_inline(file))
        else:
            message.attach(file.filename, bytes(file.content), file.content_type)
    return read(message.message().as_bytes())


def as_inline(file: Attachment) -> MIMEImage:
    part = MIMEImage(bytes(file.content))
    part["Content-ID"] = f"<{file.picture_id.hex}@messenger>"
    part.add_header("Content-Disposition", "inline", filename=file.filename)
    return part


def leaves(message: EmailMessage) -> list[tuple[object, ...]]:
    return [
        (
            part.get_content_type(),
            part.get_content_charset() or "",
            part.get_content_disposition(),
            part.get_filename(),
            part["Content-ID"],
            content_of(part),
        )
        for part in message.walk()
        if not part.is_multipart() and isinstance(part, EmailMessage)
    ]


def content_of(part: EmailMessage) -> bytes | str:
    content = part.get_content()
    return content if isinstance(content, bytes) else str(content).replace("\r\n", "\n").strip()


def compare(broadcast: Broadcast, recipient: Recipient) -> EmailMessage:
    compiled = compile_broadcast(broadcast)
    raw = compiled.message_for(recipient)
    ours = read(raw)
    theirs = built_by_django(compiled, recipient, ours)
    assert not [part.defects for part in ours.walk() if part.defects]
    assert leaves(ours) == leaves(theirs)
    for name in {*ours.keys(), *theirs.keys()}:
        if name.lower() not in NOT_COMPARED:
            assert " ".join(str(ours[name]).split()) == " ".join(str(theirs[name]).split()), name
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    constant = raw.rpartition(b"--=_%b--" % broadcast.uuid.hex.encode())[2]
    assert b"\r\n." not in constant  # never has to be stuffed
    return ours


def shape(message: MIMEPart) -> str:
    if not message.is_multipart():
        return message.get_content_subtype()
    return f"{message.get_content_subtype()}({', '.join(map(shape, message.iter_parts()))})"


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("recipient", RECIPIENTS)
def test_every_part_and_header_is_what_django_would_send(db: None, body: str, recipient: Recipient) -> None:
    broadcast: Broadcast = factory.make_broadcast(subject="Snow day for {{ name }}", body_html=body)
    assert shape(compare(broadcast, recipient)) == "alternative(plain, html)"


FILES = (
    ("menu.pdf", factory.PDF + bytes(range(256)) * 1000),
    ("Elternbrief für Müller.pdf", factory.PDF + b"2"),
    ("給食だより.txt", "給食\n..\n.dot".encode()),
    ("latin.csv", "Größe\n".encode("cp1252")),
    ("lines.txt", b".\n\n.dot\n" * 40),
    ("a" * 250 + ".docx", GOOD["a.docx"][0]),
    ("給" * 200 + ".ics", GOOD["a.ics"][0]),
    ("gym.png", factory.PNG),
)
SHAPES = (
    (False, True, "mixed(alternative(plain, html), {files})"),
    (True, False, "related(alternative(plain, html), png)"),
    (True, True, "mixed(related(alternative(plain, html), png), {files})"),
)


@pytest.mark.parametrize(("has_picture", "has_files", "expected"), SHAPES)
@pytest.mark.parametrize("recipient", RECIPIENTS[:2])
def test_files_and_pictures_are_what_django_would_send(
    db: None, has_picture: bool, has_files: bool, expected: str, recipient: Recipient
) -> None:
    broadcast = factory.make_broadcast(body_html=BODIES[0])
    for name, content in FILES if has_files else ():
        factory.make_attachment(broadcast, name, content)
    if has_picture:
        factory.make_picture(broadcast, 'The "new" gym & {{ name }}')
    ours = compare(broadcast, recipient)
    files = [one.get_content_subtype() for one in ours.iter_parts()][1:]
    assert shape(ours) == expected.format(files=", ".join(files))
    html = ours.get_body(("html",))
    assert html is not None
    assert html.get_content().count('src="cid:') == has_picture


def test_a_file_arrives_byte_for_byte(db: None) -> None:
    broadcast = factory.make_broadcast()
    for name, content in FILES:
        factory.make_attachment(broadcast, name, content)
    ours = read(compile_broadcast(broadcast).message_for(RECIPIENTS[0]))
    assert [part.get_payload(decode=True) for part in ours.iter_attachments()] == [content for _, content in FILES]


def test_each_language_carries_its_own_pictures(db: None) -> None:
    broadcast = factory.make_broadcast()
    factory.make_picture(broadcast)
    Content.objects.create(broadcast=broadcast, language="es", is_default=False, subject="Hola", body_html="<p>H</p>")
    compiled = compile_broadcast(broadcast)
    shapes = [
        shape(read(compiled.message_for(Recipient(1, "M", "m@x.example", code)))) for code in ("en", "es", "so")
    ]
    assert shapes == ["related(alternative(plain, html), png)", "alternative(plain, html)", shapes[0]]


def test_a_picture_that_is_gone_leaves_no_broken_image(db: None) -> None:
    broadcast = factory.make_broadcast()
    factory.make_picture(broadcast).delete()
    message = compile_broadcast(broadcast).message_for(RECIPIENTS[0])
    assert shape(read(message)) == "alternative(plain, html)"
    assert b"/pictures/" not in message
    assert b"cid:" not in message


def test_outlook_is_told_how_wide_a_picture_may_be(db: None) -> None:
    broadcast = factory.make_broadcast()
    picture = factory.make_picture(broadcast)
    Attachment.objects.filter(pk=picture.pk).update(width=4000)
    html = compile_broadcast(broadcast).html_for(RECIPIENTS[0])
    assert f'src="cid:{picture.picture_id.hex}@messenger" width="552"' in html
