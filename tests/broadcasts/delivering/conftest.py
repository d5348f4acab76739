from collections.abc import Iterator

import pytest
from django.urls import get_resolver
from pytest_django import Settings

from tests.smtp_server import Script, ScriptedServer


@pytest.fixture(params=["DSN", "DSN PIPELINING"])
def mail_server(settings: Settings, request: pytest.FixtureRequest) -> Iterator[Script]:
    """The mail server that MAIL_URL names during this test; every promise holds whatever it offers."""
    # The addresses are read once, by whichever test needs them first: not while the sandbox is away.
    assert get_resolver().url_patterns
    server = ScriptedServer(offers=request.param.split())
    settings.MAIL_URL, settings.MAIL_IS_SANDBOX = server.url, False
    settings.BOUNCE_DOMAIN = "bounces.school.test"
    yield server.script
    server.stop()
