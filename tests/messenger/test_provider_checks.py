"""What an administrator reads when MAIL_PROVIDER or its settings are missing or odd."""

import pytest
from pytest_django import Settings

from broadcasts.delivering.providers.table import PROVIDERS
from messenger import checks, provider_checks

SOUND = {"POSTMARK_SERVER_TOKEN": "key", "WEBHOOK_SECRET": ["a:b"]}


def found(settings: Settings, provider: str, **fields: object) -> list[str | None]:
    settings.MAIL_PROVIDER, settings.ANYMAIL = provider, SOUND
    for name, value in fields.items():
        setattr(settings, name, value)
    return [message.id for message in provider_checks.mail_provider()]


def test_without_a_provider_nothing_is_asked(settings: Settings) -> None:
    assert found(settings, "", ANYMAIL={}) == []


def test_a_provider_with_its_key_and_its_webhook_is_sound(settings: Settings) -> None:
    assert found(settings, "postmark") == []
    settings.MAIL_IS_SANDBOX = False
    assert checks.bounces() == []  # webhooks tell of bounces: no domain of our own is needed


@pytest.mark.parametrize("name", ["postmark2", "amazon_ses", "smtp"])
def test_a_provider_we_do_not_know_is_an_error_that_names_those_we_know(settings: Settings, name: str) -> None:
    assert found(settings, name) == ["messenger.E021"]
    (error,) = provider_checks.mail_provider()
    assert "postmark" in (error.hint or "")


@pytest.mark.parametrize("slug", PROVIDERS)
def test_each_missing_key_is_named(settings: Settings, slug: str) -> None:
    ids = found(settings, slug, ANYMAIL={"WEBHOOK_SECRET": ["a:b"]}, MAIL_PROVIDER_API_URL="https://mail.example/")
    assert ids.count("messenger.E022") == len(PROVIDERS[slug].keys)
    words = " ".join(message.msg for message in provider_checks.mail_provider())
    assert all(f"ANYMAIL_{key}" in words for key in PROVIDERS[slug].keys)


@pytest.mark.parametrize(
    ("url", "is_odd"), [("https://api.eu.mailgun.net/v3", False), ("api.example", True), ("https://x:y/", True)]
)
def test_an_odd_address_of_the_api(settings: Settings, url: str, is_odd: bool) -> None:
    assert found(settings, "postmark", MAIL_PROVIDER_API_URL=url) == (["messenger.E023"] if is_odd else [])


def test_where_each_customer_has_an_address_it_is_asked_for(settings: Settings) -> None:
    assert found(settings, "postal", ANYMAIL={**SOUND, "POSTAL_API_KEY": "k"}, PROVIDER_TRACKS_OPENS=True) == [
        "messenger.E024"
    ]
    address = {"POSTAL_API_URL": "https://postal.example"}
    assert found(settings, "postal", ANYMAIL={**SOUND, "POSTAL_API_KEY": "k", **address}) == []
    assert found(settings, "brevo", ANYMAIL={**SOUND, "BREVO_API_KEY": "k"}, PROVIDER_TRACKS_OPENS=False) == [
        "messenger.W025"
    ]


def test_who_hears_of_no_event_is_warned(settings: Settings) -> None:
    assert found(settings, "postmark", ANYMAIL={"POSTMARK_SERVER_TOKEN": "key"}) == ["messenger.W026"]
    signed = {"MAILGUN_API_KEY": "key", "MAILGUN_WEBHOOK_SIGNING_KEY": "key"}
    assert found(settings, "mailgun", ANYMAIL=signed) == []


def test_two_ways_out_are_one_too_many(settings: Settings) -> None:
    assert found(settings, "postmark", MAIL_URL="smtp://mail.example.org") == ["messenger.W027"]
