"""What each provider posts, through its real address, to the result in the Email Log."""

from typing import Any

import pytest
from django.test import Client

from broadcasts.models import BlockedEmail, ContactType, Delivery
from broadcasts.results import Result
from tests.tracking.rows import make_delivery
from tests.tracking.webhooks.payloads import body, event, of
from tests.tracking.webhooks.posting import POSTS, post
from tracking.models import Event, UnusedEvent

pytestmark = pytest.mark.django_db
Kind = Event.Kind
R = Result
NO_USER = "550 5.1.1 The email account does not exist, user unknown"
FULL = "452 4.2.2 The mailbox is full"
POLICY = "550 5.7.1 Refused by policy"

Case = tuple[str, str, dict[str, Any], Event.Kind, Result]
CASES: list[Case] = [
    ("amazon_ses", "Send", {}, Kind.ACCEPTED, R.SENT),
    ("amazon_ses", "Delivery", {}, Kind.DELIVERED, R.DELIVERED),
    ("amazon_ses", "DeliveryDelay", {}, Kind.DEFERRED, R.SOFT_BOUNCED),
    ("amazon_ses", "Bounce", {}, Kind.BOUNCED, R.FAILED),
    ("amazon_ses", "Bounce", {"says": POLICY}, Kind.BOUNCED, R.BOUNCED),
    ("amazon_ses", "Bounce", {"bounceType": "Transient", "says": FULL}, Kind.BOUNCED, R.SOFT_BOUNCED),
    ("amazon_ses", "Bounce", {"bounceType": "Transient", "bounceSubType": "ContentRejected", "says": POLICY},
     Kind.BOUNCED, R.BOUNCED),
    ("amazon_ses", "Bounce", {"bounceSubType": "OnAccountSuppressionList"}, Kind.REFUSED, R.BLOCKED_BY_PROVIDER),
    ("amazon_ses", "Reject", {}, Kind.REFUSED, R.BOUNCED),
    ("amazon_ses", "Complaint", {}, Kind.COMPLAINED, R.DELIVERED),
    ("amazon_ses", "Complaint", {"complaintSubType": "OnAccountSuppressionList"}, Kind.REFUSED,
     R.BLOCKED_BY_PROVIDER),
    ("amazon_ses", "Open", {}, Kind.OPENED, R.OPENED),
    ("amazon_ses", "Click", {}, Kind.CLICKED, R.OPENED),
    ("brevo", "request", {}, Kind.ACCEPTED, R.SENT),
    ("brevo", "delivered", {}, Kind.DELIVERED, R.DELIVERED),
    ("brevo", "deferred", {}, Kind.DEFERRED, R.SOFT_BOUNCED),
    ("brevo", "soft_bounce", {"reason": FULL}, Kind.BOUNCED, R.SOFT_BOUNCED),
    ("brevo", "hard_bounce", {"reason": POLICY}, Kind.BOUNCED, R.BOUNCED),
    ("brevo", "hard_bounce", {"reason": NO_USER}, Kind.BOUNCED, R.FAILED),
    ("brevo", "invalid_email", {}, Kind.BOUNCED, R.FAILED),
    ("brevo", "blocked", {}, Kind.REFUSED, R.BLOCKED_BY_PROVIDER),
    ("brevo", "error", {"reason": "template broken"}, Kind.NOTED, R.SENT),
    ("brevo", "unsubscribe", {}, Kind.UNSUBSCRIBED, R.DELIVERED),
    ("mailersend", "delivered", {}, Kind.DELIVERED, R.DELIVERED),
    ("mailersend", "soft_bounced", {}, Kind.BOUNCED, R.SOFT_BOUNCED),
    ("mailersend", "hard_bounced", {"morph": {"object": "recipient_bounce", "reason": NO_USER}}, Kind.BOUNCED,
     R.FAILED),
    ("mailersend", "hard_bounced", {}, Kind.BOUNCED, R.BOUNCED),
    ("mailersend", "spam_complaint", {}, Kind.COMPLAINED, R.DELIVERED),
    ("mailgun", "delivered", {}, Kind.DELIVERED, R.DELIVERED),
    ("mailgun", "failed", {"severity": "temporary", "reason": "generic"}, Kind.DEFERRED, R.SOFT_BOUNCED),
    ("mailgun", "failed", {"severity": "permanent", "reason": "bounce",
                           "delivery-status": {"code": 550, "message": NO_USER}}, Kind.BOUNCED, R.FAILED),
    ("mailgun", "failed", {"severity": "permanent", "reason": "suppress-bounce",
                           "delivery-status": {"code": 605, "message": ""}}, Kind.REFUSED, R.BLOCKED_BY_PROVIDER),
    ("mailgun", "rejected", {"reject": {"reason": "virus"}}, Kind.REFUSED, R.BOUNCED),
    ("mailgun", "unsubscribed", {}, Kind.UNSUBSCRIBED, R.DELIVERED),
    ("mailjet", "sent", {}, Kind.DELIVERED, R.DELIVERED),
    ("mailjet", "bounce", {"error": "user unknown", "hard_bounce": True}, Kind.BOUNCED, R.FAILED),
    ("mailjet", "bounce", {"error": "quota exceeded", "hard_bounce": False}, Kind.BOUNCED, R.SOFT_BOUNCED),
    ("mailjet", "bounce", {"error": "greylisted", "hard_bounce": False}, Kind.DEFERRED, R.SOFT_BOUNCED),
    ("mailjet", "blocked", {"error": "preblocked"}, Kind.REFUSED, R.BLOCKED_BY_PROVIDER),
    ("mailjet", "blocked", {"error": "content blocked"}, Kind.REFUSED, R.BOUNCED),
    ("mailtrap", "delivery", {}, Kind.DELIVERED, R.DELIVERED),
    ("mailtrap", "soft bounce", {"response": FULL}, Kind.DEFERRED, R.SOFT_BOUNCED),
    ("mailtrap", "bounce", {"response": NO_USER}, Kind.BOUNCED, R.FAILED),
    ("mailtrap", "reject", {}, Kind.REFUSED, R.BLOCKED_BY_PROVIDER),
    ("mandrill", "send", {}, Kind.ACCEPTED, R.SENT),
    ("mandrill", "deferral", {}, Kind.DEFERRED, R.SOFT_BOUNCED),
    ("mandrill", "hard_bounce", {"msg": {"bounce_description": "bad_mailbox"}}, Kind.BOUNCED, R.FAILED),
    ("mandrill", "hard_bounce", {"msg": {"diag": POLICY}}, Kind.BOUNCED, R.BOUNCED),
    ("mandrill", "soft_bounce", {"msg": {"bounce_description": "mailbox_full"}}, Kind.BOUNCED, R.SOFT_BOUNCED),
    ("mandrill", "reject", {"msg": {"reject": {"reason": "hard-bounce"}}}, Kind.REFUSED, R.BLOCKED_BY_PROVIDER),
    ("mandrill", "reject", {"msg": {"reject": {"reason": "rule"}}}, Kind.REFUSED, R.BOUNCED),
    ("mandrill", "open", {}, Kind.OPENED, R.OPENED),
    ("postal", "Sent", {}, Kind.DELIVERED, R.DELIVERED),
    ("postal", "SoftFail", {"output": FULL}, Kind.DEFERRED, R.SOFT_BOUNCED),
    ("postal", "HardFail", {"output": NO_USER}, Kind.FAILED, R.FAILED),
    ("postal", "HardFail", {"output": POLICY}, Kind.FAILED, R.BOUNCED),
    ("postal", "HardFail", {"output": ""}, Kind.NOTED, R.SENT),
    ("postal", "Held", {"details": "Recipient is on the suppression list"}, Kind.REFUSED, R.BLOCKED_BY_PROVIDER),
    ("postal", "", {"event": "MessageLoaded"}, Kind.OPENED, R.OPENED),
    ("postmark", "Delivery", {}, Kind.DELIVERED, R.DELIVERED),
    ("postmark", "Bounce", {"Type": "HardBounce", "Details": NO_USER, "ID": 1}, Kind.BOUNCED, R.FAILED),
    ("postmark", "Bounce", {"Type": "SoftBounce", "ID": 1}, Kind.BOUNCED, R.SOFT_BOUNCED),
    ("postmark", "Bounce", {"Type": "Transient", "ID": 1}, Kind.DEFERRED, R.SOFT_BOUNCED),
    ("postmark", "Bounce", {"Type": "AutoResponder", "ID": 1}, Kind.AUTO_REPLIED, R.DELIVERED),
    ("postmark", "Bounce", {"Type": "ChallengeVerification", "ID": 1}, Kind.ACCEPTED, R.SENT),
    ("postmark", "Bounce", {"Type": "SpamNotification", "ID": 1}, Kind.BOUNCED, R.BOUNCED),
    ("postmark", "Bounce", {"Type": "DMARCPolicy", "ID": 1}, Kind.REFUSED, R.BOUNCED),
    ("postmark", "Bounce", {"Type": "ManuallyDeactivated", "ID": 1}, Kind.REFUSED, R.BLOCKED_BY_PROVIDER),
    ("postmark", "Bounce", {"Type": "BadEmailAddress", "ID": 1}, Kind.REFUSED, R.FAILED),
    ("postmark", "SpamComplaint", {"Type": "SpamComplaint", "ID": 1}, Kind.COMPLAINED, R.DELIVERED),
    ("postmark", "SubscriptionChange", {"SuppressionReason": "ManualSuppression", "SuppressSending": True,
                                        "Origin": "Recipient"}, Kind.UNSUBSCRIBED, R.DELIVERED),
    ("postmark", "SubscriptionChange", {"SuppressionReason": "ManualSuppression", "SuppressSending": True,
                                        "Origin": "Customer"}, Kind.NOTED, R.SENT),
    ("resend", "email.sent", {}, Kind.ACCEPTED, R.SENT),
    ("resend", "email.delivered", {}, Kind.DELIVERED, R.DELIVERED),
    ("resend", "email.delivery_delayed", {}, Kind.DEFERRED, R.SOFT_BOUNCED),
    ("resend", "email.bounced", {"bounce": {"message": f"A hard bounce message. {NO_USER}", "type": "Permanent"}},
     Kind.BOUNCED, R.FAILED),
    ("resend", "email.bounced", {"bounce": {"message": "a bounce message", "type": "Transient"}}, Kind.BOUNCED,
     R.SOFT_BOUNCED),
    ("resend", "email.bounced", {"bounce": {"message": "Resend has suppressed sending to this address"}},
     Kind.REFUSED, R.BLOCKED_BY_PROVIDER),
    ("resend", "email.suppressed", {}, Kind.REFUSED, R.BLOCKED_BY_PROVIDER),
    ("sendgrid", "processed", {}, Kind.ACCEPTED, R.SENT),
    ("sendgrid", "delivered", {}, Kind.DELIVERED, R.DELIVERED),
    ("sendgrid", "deferred", {"response": FULL}, Kind.DEFERRED, R.SOFT_BOUNCED),
    ("sendgrid", "bounce", {"type": "bounce", "reason": NO_USER}, Kind.BOUNCED, R.FAILED),
    ("sendgrid", "bounce", {"type": "blocked", "reason": POLICY}, Kind.BOUNCED, R.BOUNCED),
    ("sendgrid", "dropped", {"reason": "Bounced Address"}, Kind.REFUSED, R.BLOCKED_BY_PROVIDER),
    ("sendgrid", "dropped", {"reason": "Spam Content"}, Kind.REFUSED, R.BOUNCED),
    ("sendgrid", "dropped", {"reason": "Invalid"}, Kind.REFUSED, R.FAILED),
    ("sparkpost", "injection", {}, Kind.ACCEPTED, R.SENT),
    ("sparkpost", "delivery", {}, Kind.DELIVERED, R.DELIVERED),
    ("sparkpost", "delay", {"bounce_class": "20"}, Kind.DEFERRED, R.SOFT_BOUNCED),
    ("sparkpost", "bounce", {"bounce_class": "10", "raw_reason": NO_USER}, Kind.BOUNCED, R.FAILED),
    ("sparkpost", "bounce", {"bounce_class": "22"}, Kind.BOUNCED, R.SOFT_BOUNCED),
    ("sparkpost", "bounce", {"bounce_class": "24"}, Kind.BOUNCED, R.BOUNCED),
    ("sparkpost", "bounce", {"bounce_class": "51"}, Kind.BOUNCED, R.BOUNCED),
    ("sparkpost", "bounce", {"bounce_class": "60"}, Kind.AUTO_REPLIED, R.DELIVERED),
    ("sparkpost", "bounce", {"bounce_class": "100"}, Kind.ACCEPTED, R.SENT),
    ("sparkpost", "policy_rejection", {"bounce_class": "25", "raw_reason": "550 address suppressed"}, Kind.REFUSED,
     R.BLOCKED_BY_PROVIDER),
    ("sparkpost", "policy_rejection", {"bounce_class": "25"}, Kind.REFUSED, R.BOUNCED),
    ("sparkpost", "spam_complaint", {}, Kind.COMPLAINED, R.DELIVERED),
    ("sparkpost", "list_unsubscribe", {}, Kind.UNSUBSCRIBED, R.DELIVERED),
    ("sparkpost", "initial_open", {}, Kind.OPENED, R.OPENED),
    ("unisender_go", "sent", {}, Kind.ACCEPTED, R.SENT),
    ("unisender_go", "delivered", {}, Kind.DELIVERED, R.DELIVERED),
    ("unisender_go", "soft_bounced", {"delivery_info": {"delivery_status": "err_will_retry"}}, Kind.DEFERRED,
     R.SOFT_BOUNCED),
    ("unisender_go", "hard_bounced", {"delivery_info": {"delivery_status": "err_user_unknown"}}, Kind.BOUNCED,
     R.FAILED),
    ("unisender_go", "hard_bounced", {"delivery_info": {"delivery_status": "err_unsubscribed"}}, Kind.REFUSED,
     R.BLOCKED_BY_PROVIDER),
    ("unisender_go", "hard_bounced", {"delivery_info": {"delivery_status": "err_spam_rejected"}}, Kind.BOUNCED,
     R.BOUNCED),
    ("unisender_go", "spam", {}, Kind.COMPLAINED, R.DELIVERED),
]  # fmt: skip
has_no_metadata = ("mailersend", "postal")


def result_of(delivery: Delivery) -> Result:
    return Result(Delivery.objects.values_list("result", flat=True).get(pk=delivery.pk))


def test_the_cases_name_every_provider() -> None:
    assert {provider for provider, *_rest in CASES} == set(POSTS)


@pytest.mark.parametrize(("provider", "word", "more", "kind", "result"), CASES)
def test_an_event_means(
    client: Client, provider: str, word: str, more: dict[str, Any], kind: Event.Kind, result: Result
) -> None:
    delivery = make_delivery("Ann@Home.example", provider_message_id="message-1")
    said = body(provider, event(provider, word, of(delivery), **more))
    for _time in range(2):  # the second telling adds nothing
        assert post(client, provider, said).status_code == 200
        assert not UnusedEvent.objects.exists()
        found = delivery.events.get()
        assert (found.kind, found.source, result_of(delivery)) == (kind, "webhook", result)
    assert BlockedEmail.objects.count() == (kind is Kind.COMPLAINED)
    assert ContactType.objects.filter(receives=False).count() == (kind is Kind.UNSUBSCRIBED)


@pytest.mark.parametrize("provider", sorted(set(POSTS) - set(has_no_metadata)))
def test_our_own_name_is_enough(client: Client, provider: str) -> None:
    delivery = make_delivery()
    [word] = {word for name, word, _more, kind, _result in CASES if name == provider and kind is Kind.DELIVERED} or {
        "open"
    }
    post(client, provider, body(provider, event(provider, word, of(delivery))))
    assert result_of(delivery) >= Result.DELIVERED
