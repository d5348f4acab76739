"""Emails that come in by a provider: they are reports, as if the listener had taken them."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from anymail.webhooks import (  # type: ignore[import-untyped]
    amazon_ses,
    brevo,
    mailersend,
    mailgun,
    mailjet,
    mailtrap,
    postal,
    postmark,
    resend,
    sendgrid,
    sparkpost,
)

from tracking.bounces.ingesting import Arrived, ingest_reports
from tracking.webhooks.providers import PROVIDERS, Provider, without
from tracking.webhooks.signatures import verify_svix


def _inbound(slug: str, view_class: Any, **changes: Any) -> Provider:
    return replace(PROVIDERS[slug], view_class=view_class, **changes)


INBOUND: Mapping[str, Provider] = {
    provider.slug: provider
    for provider in (
        _inbound("amazon_ses", amazon_ses.AmazonSESInboundWebhookView),
        _inbound("brevo", brevo.BrevoInboundWebhookView),
        _inbound("mailersend", mailersend.MailerSendInboundWebhookView),
        _inbound("mailgun", mailgun.MailgunInboundWebhookView),
        _inbound("mailjet", mailjet.MailjetInboundWebhookView),
        _inbound("mailtrap", mailtrap.MailtrapInboundWebhookView),
        _inbound("postal", postal.PostalInboundWebhookView),
        _inbound("postmark", postmark.PostmarkInboundWebhookView),
        _inbound(
            "resend",
            resend.ResendInboundWebhookView,
            make_view=without("inbound_secret"),
            verify=partial(verify_svix, setting="RESEND_INBOUND_SECRET"),
        ),
        # Anymail checks no signature of SendGrid's here, so its key opens nothing.
        _inbound("sendgrid", sendgrid.SendGridInboundWebhookView, key_attribute=""),
        _inbound("sparkpost", sparkpost.SparkPostInboundWebhookView),
    )
}


def ingest_events(events: list[Any]) -> None:
    """All of a POST in one transaction; what cannot be used is kept among the unused reports."""
    messages = [event.message for event in events if event is not None]
    ingest_reports([Arrived(message.as_bytes(), message.envelope_recipient or "") for message in messages])
