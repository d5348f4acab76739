"""One message to one recipient, against Django's own class with the same texts."""

import os
from collections.abc import Sequence

from django.core.mail import EmailMultiAlternatives

from broadcasts.composing.compiling import CompiledBroadcast, Recipient, compile_broadcast
from broadcasts.models import Attachment, Broadcast
from tests.benchmarks.figures import Figure, timed

OURS, THEIRS, THEIRS_WITH_FILE = 5_000, 300, 50
FILE = 200_000
PARAGRAPH = "<p>Dear {{ name }}, school is closed today because of the snow. We write again at noon.</p>"


def measure(broadcast: Broadcast) -> list[Figure]:
    content = broadcast.contents.get()
    content.subject, content.body_html = "Snow day for {{ first_name }}", PARAGRAPH * 20
    content.save()
    figures = build(broadcast, "a message", THEIRS)
    # Taken away again: what is measured after this sends the same broadcast.
    file = Attachment(
        broadcast=broadcast, filename="menu.pdf", content_type="application/pdf", size=FILE, content=os.urandom(FILE)
    )
    file.save()
    figures += build(broadcast, "a message with a 200 kB file", THEIRS_WITH_FILE)
    file.delete()
    return figures


def build(broadcast: Broadcast, what: str, theirs_count: int) -> list[Figure]:
    compiled = compile_broadcast(broadcast)
    people = [Recipient(pk, f"Family {pk}", f"family{pk}@homes.example") for pk in range(OURS)]
    size = len(compiled.message_for(people[0]))
    with timed(f"building {what}, {size:,} bytes", OURS) as ours:
        for person in people:
            compiled.message_for(person)
    files = [(one.filename, bytes(one.content), one.content_type) for one in broadcast.attachments.all()]
    with timed("the same by EmailMultiAlternatives", theirs_count) as theirs:
        for person in people[:theirs_count]:
            build_by_django(compiled, person, files)
    each = ours.seconds / OURS
    ours.ratio = f"{each * 1e6:.0f} µs, {theirs.seconds / theirs_count / each:.0f} x faster than Django's"
    return [theirs, ours]


def build_by_django(compiled: CompiledBroadcast, person: Recipient, files: Sequence[tuple[str, bytes, str]]) -> bytes:
    message = EmailMultiAlternatives(
        compiled.subject_for(person), compiled.text_for(person), "office@lincoln.example", [person.email]
    )
    message.attach_alternative(compiled.html_for(person), "text/html")
    for file in files:
        message.attach(*file)
    return message.message().as_bytes()
