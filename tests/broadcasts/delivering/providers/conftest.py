from collections.abc import Iterator

import pytest
from django.urls import get_resolver
from pytest_django import Settings

from broadcasts.delivering.providers.backends import close_idle_backends
from broadcasts.delivering.providers.table import PROVIDERS
from tests.provider_dialects import DIALECTS
from tests.provider_server import KEY, ProviderServer, Record


@pytest.fixture
def provider(request: pytest.FixtureRequest, settings: Settings) -> Iterator[Record]:
    """The provider that MAIL_PROVIDER names during this test: Postmark, or those of the parameters."""
    # The addresses are read once, by whichever test needs them first: not while the sandbox is away.
    assert get_resolver().url_patterns
    slug = getattr(request, "param", "postmark")
    server = ProviderServer(DIALECTS[slug])
    settings.MAIL_PROVIDER, settings.MAIL_PROVIDER_API_URL = slug, server.url
    settings.MAIL_IS_SANDBOX, settings.BOUNCE_DOMAIN = False, ""
    settings.ANYMAIL = dict.fromkeys(PROVIDERS[slug].keys, KEY)
    yield server.record
    close_idle_backends()
    server.stop()


def each_of(*slugs: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("provider", slugs or list(DIALECTS), indirect=True)
