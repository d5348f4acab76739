"""One message to one recipient, against Django's own class with the same texts."""

from django.core.mail import EmailMultiAlternatives

from broadcasts.composing.compiling import CompiledBroadcast, Recipient, compile_broadcast
from broadcasts.models import Broadcast
from tests.benchmarks.figures import Figure, timed

OURS, THEIRS = 5_000, 300
PARAGRAPH = "<p>Dear {{ name }}, school is closed today because of the snow. We write again at noon.</p>"


def measure(broadcast: Broadcast) -> list[Figure]:
    content = broadcast.contents.get()
    content.subject, content.body_html = "Snow day for {{ first_name }}", PARAGRAPH * 20
    content.save()
    compiled = compile_broadcast(broadcast)
    people = [Recipient(pk, f"Family {pk}", f"family{pk}@homes.example") for pk in range(OURS)]
    size = len(compiled.message_for(people[0]))
    with timed(f"building a message of {size:,} bytes", OURS) as ours:
        for person in people:
            compiled.message_for(person)
    with timed("the same by EmailMultiAlternatives", THEIRS) as theirs:
        for person in people[:THEIRS]:
            build_by_django(compiled, person)
    ours.ratio = f"{theirs.seconds / THEIRS / (ours.seconds / OURS):.0f} x faster than Django's"
    return [theirs, ours]


def build_by_django(compiled: CompiledBroadcast, person: Recipient) -> bytes:
    message = EmailMultiAlternatives(
        compiled.subject_for(person), compiled.text_for(person), "office@lincoln.example", [person.email]
    )
    message.attach_alternative(compiled.html_for(person), "text/html")
    return message.message().as_bytes()
