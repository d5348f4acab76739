import signal

import pytest
from django.test import Client

from broadcasts.delivering.backing_off import SLOW_DOMAINS
from broadcasts.models import School, User
from tests import factory
from tests.browser.running import browser, product, signed_in

__all__ = ["browser", "product", "signed_in"]

# A shell lets what it starts in the background ignore Ctrl-C, and so would every server that a test starts and stops.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def no_domain_is_slow() -> None:
    """What this process learnt of them in another test."""
    SLOW_DOMAINS.forget()


@pytest.fixture
def lincoln(db: None) -> School:
    return factory.make_school("Lincoln")


@pytest.fixture
def jefferson(db: None) -> School:
    return factory.make_school("Jefferson", "America/Denver")


@pytest.fixture
def alice(lincoln: School) -> User:
    """Office staff of Lincoln."""
    return factory.make_user("Alice", lincoln)


@pytest.fixture
def bob(jefferson: School) -> User:
    """Office staff of Jefferson: the stranger in Lincoln's tests."""
    return factory.make_user("Bob", jefferson)


@pytest.fixture
def charlie(db: None) -> User:
    """The administrator."""
    return factory.make_user("Charlie")


@pytest.fixture
def as_alice(client: Client, alice: User) -> Client:
    client.force_login(alice, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


@pytest.fixture
def as_bob(bob: User) -> Client:
    client = Client()
    client.force_login(bob, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


@pytest.fixture
def as_charlie(charlie: User) -> Client:
    client = Client()
    client.force_login(charlie, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client
