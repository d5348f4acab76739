"""What each provider posts about one email, as their documentation and Anymail's parsers have it.

`event(provider, word, who)`: `word` is the provider's own for the event, `who` the name and address of the email.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from broadcasts.models import Delivery
from broadcasts.tokens import make_token

AT = 1494513840  # May 11, 2017, 14:44 UTC


@dataclass(frozen=True)
class Who:
    token: str
    address: str
    message_id: str = "message-1"

    @property
    def metadata(self) -> dict[str, str]:
        return {"delivery": self.token} if self.token else {}


def of(delivery: Delivery) -> Who:
    return Who(make_token(delivery.pk, "webhook"), delivery.email, delivery.provider_message_id or "message-1")


def amazon_ses(word: str, who: Who, **more: Any) -> Any:
    headers = [{"name": "X-Metadata", "value": json.dumps(who.metadata)}, {"name": "To", "value": who.address}]
    mail = {"messageId": who.message_id, "destination": [who.address], "headers": headers}
    about: dict[str, dict[str, Any]] = {
        "Bounce": {
            "bounceType": "Permanent",
            "bounceSubType": "General",
            "bouncedRecipients": [
                {"emailAddress": who.address, "diagnosticCode": more.pop("says", "smtp; 550 5.1.1 user unknown")}
            ],
        },
        "Complaint": {"complainedRecipients": [{"emailAddress": who.address}], "complaintFeedbackType": "abuse"},
        "Delivery": {"recipients": [who.address], "smtpResponse": "250 2.6.0 taken"},
        "DeliveryDelay": {
            "delayType": "MailboxFull",
            "delayedRecipients": [{"emailAddress": who.address, "diagnosticCode": "452 4.2.2 full"}],
        },
        "Reject": {"reason": "Bad content"},
        "Open": {"userAgent": "Mozilla/5.0 (iPhone)"},
        "Click": {"userAgent": "Mozilla/5.0 (iPhone)", "link": "https://lincoln.example/"},
    }
    name = word[:1].lower() + word[1:]
    return {"eventType": word, "mail": mail, name: {**about.get(word, {}), **more}}


def brevo(word: str, who: Who, **more: Any) -> Any:
    event = {"event": word, "email": who.address, "message-id": f"<{who.message_id}>", "ts_epoch": AT * 1000}
    return {**event, "X-Mailin-custom": json.dumps(who.metadata), "tags": ["General"], **more}


def mailersend(word: str, who: Who, **more: Any) -> Any:
    email = {"message": {"id": who.message_id}, "recipient": {"email": who.address}, "tags": None}
    data = {"id": f"activity-{word}", "type": word, "created_at": "2017-05-11T14:44:00.000000Z", "email": email}
    return {"type": f"activity.{word}", "data": {**data, **more}}


def mailgun(word: str, who: Who, **more: Any) -> Any:
    event = {"event": word, "id": f"id-{word}", "timestamp": AT + 0.25, "recipient": who.address}
    message = {"headers": {"message-id": who.message_id, "to": who.address}}
    return {**event, "message": message, "user-variables": who.metadata, **more}


def mailjet(word: str, who: Who, **more: Any) -> Any:
    event = {"event": word, "time": AT, "MessageID": who.message_id, "email": who.address}
    return {**event, "Payload": json.dumps(who.metadata), **more}


def mailtrap(word: str, who: Who, **more: Any) -> Any:
    event = {"event": word, "timestamp": AT, "message_id": who.message_id, "email": who.address}
    return {**event, "event_id": f"id-{word}", "custom_variables": who.metadata, **more}


def mandrill(word: str, who: Who, **more: Any) -> Any:
    msg = {"_id": who.message_id, "email": who.address, "metadata": who.metadata, "tags": []}
    return {"event": word, "_id": who.message_id, "ts": AT, "msg": {**msg, **more.pop("msg", {})}, **more}


def postal(word: str, who: Who, **more: Any) -> Any:
    event = more.pop("event", "MessageSent")
    message = {"id": who.message_id, "to": who.address, "direction": "outgoing", "tag": None}
    payload = {"status": word, "message": message, "output": "250 OK", "details": "", **more}
    if event == "MessageLoaded":
        payload = {"message": message, "ip_address": "203.0.113.7", "user_agent": "Mozilla/5.0 (iPhone)"}
    return {"event": event, "timestamp": AT, "payload": payload, "uuid": f"uuid-{event}-{word}"}


def postmark(word: str, who: Who, **more: Any) -> Any:
    event = {"RecordType": word, "MessageID": who.message_id, "Metadata": who.metadata, "Tag": "General"}
    name = "Recipient" if word in ("Delivery", "Open", "Click", "SubscriptionChange") else "Email"
    time = {"Delivery": "DeliveredAt", "Bounce": "BouncedAt", "SpamComplaint": "BouncedAt"}.get(word, "ReceivedAt")
    return {**event, name: who.address.lower(), time: "2017-05-11T14:44:00Z", **more}


def resend(word: str, who: Who, **more: Any) -> Any:
    headers = [{"name": "X-Metadata", "value": json.dumps(who.metadata)}]
    data = {"email_id": who.message_id, "to": [who.address], "headers": headers, **more}
    return {"type": word, "created_at": "2017-05-11T14:44:00.000Z", "data": data}


def sendgrid(word: str, who: Who, **more: Any) -> Any:
    event = {"event": word, "email": who.address, "timestamp": AT, "sg_event_id": f"id-{word}"}
    return {**event, "anymail_id": who.message_id, **who.metadata, **more}


def sparkpost(word: str, who: Who, **more: Any) -> Any:
    event_class = "track_event" if word in ("open", "click", "initial_open") else "message_event"
    event = {"type": word, "event_id": f"id-{word}", "timestamp": str(AT), "transmission_id": who.message_id}
    about = {"raw_rcpt_to": who.address, "rcpt_to": who.address.lower(), "rcpt_meta": who.metadata}
    return {"msys": {event_class: {**event, **about, **more}}}


def unisender_go(word: str, who: Who, **more: Any) -> Any:
    event = {"status": word, "email": who.address, "event_time": "2017-05-11 14:44:00", "job_id": who.message_id}
    return {**event, "metadata": who.metadata, **more}


PAYLOADS: Mapping[str, Callable[..., Any]] = {
    maker.__name__: maker
    for maker in (
        amazon_ses, brevo, mailersend, mailgun, mailjet, mailtrap, mandrill, postal, postmark, resend, sendgrid,
        sparkpost, unisender_go,
    )
}  # fmt: skip
# Those whose POST is a list of events, and how the list stands in it.
LISTS: Mapping[str, Callable[[list[Any]], Any]] = {
    "brevo": list,
    "mailjet": list,
    "mailtrap": lambda events: {"events": events},
    "mandrill": list,
    "sendgrid": list,
    "sparkpost": list,
    "unisender_go": list,
}


def body(provider: str, *events: Any) -> Any:
    """What is posted: a list where the provider makes one, else the event by itself."""
    if provider in LISTS:
        return LISTS[provider](list(events))
    [event] = events
    return event


def event(provider: str, word: str, who: Who, **more: Any) -> Any:
    return PAYLOADS[provider](word, who, **more)
