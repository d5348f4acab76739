"""The email providers that Anymail knows: how each one's POST is proven, taken apart and read.

Anymail's own views do all of it; this says which, and takes events apart one by one: a bad one spoils no others.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from anymail.webhooks import (  # type: ignore[import-untyped]
    amazon_ses,
    base,
    brevo,
    mailersend,
    mailgun,
    mailjet,
    mailtrap,
    mandrill,
    postal,
    postmark,
    resend,
    sendgrid,
    sparkpost,
    unisender_go,
)
from django.http import HttpRequest, QueryDict

from tracking.webhooks.reading import events_of_list
from tracking.webhooks.signatures import verify_sns, verify_svix

View = Any  # Anymail's views have no types
Split = Callable[[HttpRequest], Iterable[Any]]
Read = Callable[[View, Any], Iterable[Any]]


@dataclass(frozen=True)
class Provider:
    slug: str
    view_class: View
    # What Anymail's view holds when the provider signs its POSTs and we have the key.
    key_attribute: str = ""
    split: Split = field(default=lambda request: as_list(json.loads(request.body)))
    read: Read = field(default=lambda view, raw: [view.esp_to_anymail_event(raw)])
    make_view: Callable[[View], View] = field(default=lambda view_class: view_class())
    # Says whether the POST is proven by a signature that Anymail leaves unchecked; raises when it is wrong.
    verify: Callable[[HttpRequest], bool] = field(default=lambda _request: False)

    @property
    def name(self) -> str:
        return str(self.view_class.esp_name)

    def read_events(self, raw: Any) -> list[Any]:
        """Anymail's events; raises whatever its parser stumbles over."""
        return list(self.read(self.reader, raw))

    @property
    def reader(self) -> View:
        """Anymail's view as far as reading goes, which needs no key and no setting."""
        return self.view_class.__new__(self.view_class)


def as_list(body: Any) -> Sequence[Any]:
    """One event or a list of them: Brevo and Mailjet let the customer choose."""
    return body if isinstance(body, list) else [body]


@dataclass(frozen=True)
class Posted:
    """What Anymail's parsers ask of a request, for those that take nothing smaller."""

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


# --- Amazon SES: a notification of Amazon SNS around each event ---------------------------------------------


def make_ses_view(view_class: View) -> View:
    """Without boto3, which Anymail wants for confirming subscriptions and fetching from S3: we do neither with it."""
    view = view_class.__new__(view_class)
    base.AnymailBaseWebhookView.__init__(view)
    return view


def read_ses(view: View, raw: Any) -> Iterable[Any]:
    if raw["Type"] != "Notification" or str(raw["Message"]).startswith("Successfully validated SNS topic"):
        return []
    return [_delayed(event) for event in view.esp_to_anymail_events(json.loads(raw["Message"]), raw)]


def _delayed(event: Any) -> Any:
    """Anymail does not know DeliveryDelay: the server's words stand beside the recipient's address."""
    for delayed in (event.esp_event.get("deliveryDelay") or {}).get("delayedRecipients", []):
        if delayed.get("emailAddress") == event.recipient:
            event.mta_response = delayed.get("diagnosticCode")
    return event


# --- the others that are not simply one event or a list of them ---------------------------------------------


def split_mailgun(request: HttpRequest) -> Sequence[Any]:
    if request.content_type == "application/json":
        return as_list(json.loads(request.body))
    return [{"form": dict(request.POST.lists())}]  # webhooks of before 2018


def read_mailgun(view: View, raw: Any) -> Iterable[Any]:
    if "form" not in raw:
        return [view.esp_to_anymail_event(raw)]
    form = QueryDict(mutable=True)
    for name, values in raw["form"].items():
        form.setlist(name, values)
    return [view.mailgun_legacy_to_anymail_event(form)]


def split_mandrill(request: HttpRequest) -> Sequence[Any]:
    return as_list(json.loads(request.POST["mandrill_events"]))


def read_postal(view: View, raw: Any) -> Iterable[Any]:
    events: Iterable[Any] = view.parse_events(Posted(json.dumps(raw).encode()))
    return events


def split_resend(request: HttpRequest) -> Sequence[Any]:
    # The event's identity is in a header; kept with it for the day it is read again.
    identity = request.headers.get("svix-id")
    return [{"svix-id": identity, "event": json.loads(request.body)}]


def read_resend(view: View, raw: Any) -> Iterable[Any]:
    headers = {"svix-id": raw["svix-id"]} if raw["svix-id"] else {}
    return [view.esp_to_anymail_event(raw["event"], Posted(b"", headers))]


def split_sparkpost(request: HttpRequest) -> Iterable[Any]:
    """Each as it is asked for: there may be 10,000."""
    return (raw for raw in events_of_list(request.body) if raw != {"msys": {}})  # its "ping"


def read_sparkpost(view: View, raw: Any) -> Iterable[Any]:
    event_class, event, whole = view.unwrap_event(raw)
    return [view.esp_to_anymail_event(event_class, event, whole)]


def split_unisender(request: HttpRequest) -> Sequence[Any]:
    body = json.loads(request.body)
    if "events_by_user" not in body:
        return [body] if body["event_name"] == "transactional_email_status" else []
    events = [event for user in body["events_by_user"] for event in user["events"]]
    return [event["event_data"] for event in events if event["event_name"] == "transactional_email_status"]


def without(setting: str) -> Callable[[View], View]:
    """Anymail checks this key with a package that we do not need: `verify` does it here."""
    return lambda view_class: view_class(**{setting: None})


PROVIDERS: Mapping[str, Provider] = {
    provider.slug: provider
    for provider in (
        Provider(
            "amazon_ses",
            amazon_ses.AmazonSESTrackingWebhookView,
            read=read_ses,
            make_view=make_ses_view,
            verify=verify_sns,
        ),
        Provider("brevo", brevo.BrevoTrackingWebhookView),
        Provider("mailersend", mailersend.MailerSendTrackingWebhookView, "signing_secret"),
        Provider(
            "mailgun",
            mailgun.MailgunTrackingWebhookView,
            "webhook_signing_key",
            split=split_mailgun,
            read=read_mailgun,
        ),
        Provider("mailjet", mailjet.MailjetTrackingWebhookView),
        Provider(
            "mailtrap",
            mailtrap.MailtrapTrackingWebhookView,
            "signing_secret",
            split=lambda request: as_list(json.loads(request.body)["events"]),
        ),
        Provider(
            "mandrill",
            mandrill.MandrillCombinedWebhookView,
            "webhook_key",
            split=split_mandrill,
            read=lambda view, raw: [view.mandrill_tracking_to_anymail_event(raw)],
        ),
        Provider("postal", postal.PostalTrackingWebhookView, "webhook_key", read=read_postal),
        Provider("postmark", postmark.PostmarkTrackingWebhookView),
        Provider(
            "resend",
            resend.ResendTrackingWebhookView,
            split=split_resend,
            read=read_resend,
            make_view=without("signing_secret"),
            verify=partial(verify_svix, setting="RESEND_SIGNING_SECRET"),
        ),
        Provider("sendgrid", sendgrid.SendGridTrackingWebhookView, "webhook_verification_key"),
        Provider("sparkpost", sparkpost.SparkPostTrackingWebhookView, split=split_sparkpost, read=read_sparkpost),
        Provider("unisender_go", unisender_go.UnisenderGoTrackingWebhookView, "api_key_bytes", split=split_unisender),
    )
}
