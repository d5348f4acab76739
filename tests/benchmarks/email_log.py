"""The Email Log as its reader gets it: the whole page through Django's test client, the best of several calls."""

from django.test import Client
from django.urls import reverse

from broadcasts.models import Broadcast
from tests import factory
from tests.benchmarks import school
from tests.benchmarks.figures import Figure, timed

CALLS = 7


def measure(broadcast: Broadcast) -> list[Figure]:
    school.settle()
    client = Client(headers={"host": "127.0.0.1"})
    client.force_login(
        factory.make_user("Alice", broadcast.school), backend="allauth.account.auth_backends.AuthenticationBackend"
    )
    url = reverse("reports:email-log")
    pages = {
        "Email Log, first page": url,
        "Email Log, first page of one broadcast": f"{url}?broadcast={broadcast.pk}",
    }
    return [best_of(client, words, address) for words, address in pages.items()]


def best_of(client: Client, words: str, address: str) -> Figure:
    figures = []
    for _ in range(CALLS):
        with timed(words) as figure:
            response = client.get(address)
            assert response.status_code == 200, response.status_code
            assert b"Family " in response.content
        figures.append(figure)
    return min(figures, key=lambda figure: figure.seconds)
