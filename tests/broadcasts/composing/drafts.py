"""What the tests of writing share: a complete draft, its pages, and the form as a browser would send it."""

from typing import Any

from django.urls import reverse

from broadcasts.models import Broadcast, School
from tests import factory


def make_draft(school: School) -> Broadcast:
    factory.make_type()
    return factory.make_broadcast(school, [factory.make_person(school, "Maria Garcia", ["maria@x.example"])])


def url(name: str, broadcast: Broadcast) -> str:
    return reverse(f"broadcasts:broadcast-{name}", args=[broadcast.pk])


def fields(draft: Broadcast, **changed: Any) -> dict[str, Any]:
    return {
        "version": draft.version,
        "broadcast_type": draft.broadcast_type_id,
        "sender": draft.sender_id,
        "lists": [chosen.pk for chosen in draft.lists.all()],
        "subject": "Snow day",
        "body_html": "<p>School is closed today.</p>",
        "body_text": "",
        **changed,
    }
