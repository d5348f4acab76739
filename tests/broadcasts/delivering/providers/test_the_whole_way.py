"""Sent through a provider, and what its webhook then tells about it."""

import pytest
from django.test import Client
from pytest_django import Settings

from tests.broadcasts.delivering.providers.conftest import each_of
from tests.broadcasts.delivering.steps import deliver, make_people, results_of, row_of, start
from tests.provider_server import Record
from tests.tracking.webhooks import payloads
from tests.tracking.webhooks.posting import KEYS, post

pytestmark = pytest.mark.django_db(transaction=True)

WORDS = {
    "postmark": "Delivery",
    "mailgun": "delivered",
    "sparkpost": "delivery",
    "brevo": "delivered",
    "mailjet": "sent",
    "mailtrap": "delivery",
    "resend": "email.delivered",
}


@each_of(*WORDS)
def test_the_webhook_about_one_email_of_a_batch_finds_its_row(
    provider: Record, settings: Settings, client: Client
) -> None:
    slug = settings.MAIL_PROVIDER
    settings.ANYMAIL |= KEYS[slug]()
    broadcast = start(make_people("anna@x.example", "ben@x.example", "cleo@x.example"))
    deliver(broadcast)
    token = provider.email_to("ben@x.example").metadata["delivery"]
    row = row_of(broadcast, "ben@x.example")
    who = payloads.Who(token, "ben@x.example", row.provider_message_id or "")
    told = getattr(payloads, slug)(WORDS[slug], who)
    told = {"sparkpost": [told], "mailtrap": {"events": [told]}}.get(slug, told)
    for _ in range(2):  # and once more
        assert post(client, slug, told).status_code == 200
    results = results_of(broadcast)
    assert results == {"anna@x.example": "Sent", "ben@x.example": "Delivered", "cleo@x.example": "Sent"}


@each_of("postmark", "mailgun", "brevo")
def test_a_webhook_without_our_token_is_known_by_the_providers_own_name(
    provider: Record, settings: Settings, client: Client
) -> None:
    slug = settings.MAIL_PROVIDER
    settings.ANYMAIL |= KEYS[slug]()
    broadcast = start(make_people("anna@x.example", "ben@x.example"))
    deliver(broadcast)
    name = row_of(broadcast, "ben@x.example").provider_message_id or ""
    who = payloads.Who("", "ben@x.example", name.strip("<>"))
    told = getattr(payloads, slug)(WORDS[slug], who)
    if slug == "brevo":
        told["X-Mailin-custom"] = None
    assert post(client, slug, told).status_code == 200
    assert results_of(broadcast) == {"anna@x.example": "Sent", "ben@x.example": "Delivered"}
