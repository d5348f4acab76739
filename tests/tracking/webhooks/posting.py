"""Posting as each provider does: signed with keys made here, in the forms that Anymail's parsers document."""

import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import urlencode

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

SECRET = "portal:correct horse"
BASIC = {"Authorization": "Basic " + base64.b64encode(SECRET.encode()).decode()}
KEY = "key-0123456789"
SVIX_KEY = b"0123456789abcdef"
TOPIC = "arn:aws:sns:us-east-1:123456789012:school"
FORM = "application/x-www-form-urlencoded"


@cache
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@cache
def ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def pem_body(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    encoding, form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    return "".join(key.public_key().public_bytes(encoding, form).decode().splitlines()[1:-1])


@cache
def sns_certificate() -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    start = datetime(2020, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(rsa_key().public_key())
    builder = builder.serial_number(1).not_valid_before(start).not_valid_after(start + timedelta(days=36_500))
    return builder.sign(rsa_key(), hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@dataclass(frozen=True)
class Post:
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)

    def to(self, client: Client, name: str) -> Any:
        """`name`: like brevo or postal_inbound."""
        kind = "" if name.endswith(("_inbound", "_inbound_mime")) or name == "mandrill" else "_tracking"
        url = reverse(f"anymail:{name}{kind}_webhook")
        return client.generic("POST", url, self.body, self.content_type, headers={**BASIC, **self.headers})


def as_json(data: Any) -> bytes:
    return data if isinstance(data, bytes) else json.dumps(data).encode()


def plain(data: Any) -> Post:
    return Post(as_json(data))


def sns(data: Any, **fields: Any) -> Post:
    said = {
        "Type": "Notification",
        "MessageId": str(uuid.uuid5(uuid.NAMESPACE_URL, repr(data))),
        "TopicArn": TOPIC,
        "Message": data if isinstance(data, str) else as_json(data).decode("utf-8", "replace"),
        "Timestamp": "2017-05-11T14:44:00.000Z",
        "SignatureVersion": "2",
        "SigningCertURL": "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-1.pem",
        **fields,
    }
    names = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    signed = "".join(f"{name}\n{said[name]}\n" for name in names if name in said).encode("utf-8", "surrogatepass")
    algorithm = hashes.SHA1() if said["SignatureVersion"] == "1" else hashes.SHA256()
    signature = rsa_key().sign(signed, padding.PKCS1v15(), algorithm)
    said.setdefault("Signature", base64.b64encode(signature).decode())
    headers = {"x-amz-sns-message-type": said["Type"], "x-amz-sns-message-id": said["MessageId"]}
    return Post(as_json(said), "text/plain", headers)


def hex_signed(header: str) -> Callable[[Any], Post]:
    def post(data: Any) -> Post:
        body = as_json(data)
        return Post(body, headers={header: hmac.new(KEY.encode(), body, hashlib.sha256).hexdigest()})

    return post


def mailgun(data: Any) -> Post:
    if isinstance(data, bytes):
        return Post(data)
    signature = hmac.new(KEY.encode(), b"1494513840token-1", hashlib.sha256).hexdigest()
    block = {"timestamp": "1494513840", "token": "token-1", "signature": signature}
    return Post(as_json({"signature": block, "event-data": data}))


def mandrill(data: Any) -> Post:
    text = as_json(data).decode("utf-8", "surrogateescape")

    address = f"http://{SECRET}@testserver{reverse('anymail:mandrill_webhook')}"
    signed = f"{address}mandrill_events{text}"
    digest = hmac.new(KEY.encode(), signed.encode("utf-8", "replace"), hashlib.sha1).digest()
    body = urlencode({"mandrill_events": text}, errors="replace").encode()
    return Post(body, FORM, {"X-Mandrill-Signature": base64.b64encode(digest).decode()})


def postal(data: Any) -> Post:
    body = as_json(data)
    signature = rsa_key().sign(body, padding.PKCS1v15(), hashes.SHA1())
    return Post(body, headers={"X-Postal-Signature": base64.b64encode(signature).decode()})


def resend(data: Any, identity: str = "") -> Post:
    body = as_json(data)
    identity = identity or "msg_" + hashlib.sha256(body).hexdigest()[:12]
    at = str(int(timezone.now().timestamp()))
    digest = hmac.digest(SVIX_KEY, f"{identity}.{at}.".encode() + body, "sha256")
    signature = f"v1,{base64.b64encode(digest).decode()}"
    return Post(body, headers={"svix-id": identity, "svix-timestamp": at, "svix-signature": signature})


def sendgrid(data: Any) -> Post:
    body = as_json(data)
    signature = ec_key().sign(b"1494513840" + body, ec.ECDSA(hashes.SHA256()))
    prefix = "X-Twilio-Email-Event-Webhook-"
    headers = {f"{prefix}Signature": base64.b64encode(signature).decode(), f"{prefix}Timestamp": "1494513840"}
    return Post(body, headers=headers)


def unisender(data: Any) -> Post:
    if isinstance(data, bytes):
        return Post(data)
    events = [{"event_name": "transactional_email_status", "event_data": one} for one in data]
    body = json.dumps({"auth": KEY, "events_by_user": [{"user_id": 1, "events": events}]}).encode()
    digest = hashlib.md5(body).hexdigest().encode()
    return Post(body.replace(KEY.encode(), digest))


POSTS: Mapping[str, Callable[[Any], Post]] = {
    "amazon_ses": sns,
    "brevo": plain,
    "mailersend": hex_signed("Signature"),
    "mailgun": mailgun,
    "mailjet": plain,
    "mailtrap": hex_signed("Mailtrap-Signature"),
    "mandrill": mandrill,
    "postal": postal,
    "postmark": plain,
    "resend": resend,
    "sendgrid": sendgrid,
    "sparkpost": plain,
    "unisender_go": unisender,
}
# What each needs in its settings; those that do not sign share the secret.
KEYS: Mapping[str, Callable[[], dict[str, object]]] = {
    "amazon_ses": lambda: {"WEBHOOK_SECRET": [SECRET]},
    "brevo": lambda: {"WEBHOOK_SECRET": [SECRET]},
    "mailersend": lambda: {"MAILERSEND_SIGNING_SECRET": KEY},
    "mailgun": lambda: {"MAILGUN_WEBHOOK_SIGNING_KEY": KEY},
    "mailjet": lambda: {"WEBHOOK_SECRET": [SECRET]},
    "mailtrap": lambda: {"MAILTRAP_TRACKING_SECRET": KEY},
    "mandrill": lambda: {"MANDRILL_WEBHOOK_KEY": KEY},
    "postal": lambda: {"POSTAL_WEBHOOK_KEY": pem_body(rsa_key())},
    "postmark": lambda: {"WEBHOOK_SECRET": [SECRET]},
    "resend": lambda: {"RESEND_SIGNING_SECRET": "whsec_" + base64.b64encode(SVIX_KEY).decode()},
    "sendgrid": lambda: {"SENDGRID_TRACKING_WEBHOOK_VERIFICATION_KEY": pem_body(ec_key())},
    "sparkpost": lambda: {"WEBHOOK_SECRET": [SECRET]},
    "unisender_go": lambda: {"UNISENDER_GO_API_KEY": KEY},
}


def post(client: Client, provider: str, data: Any) -> HttpResponse:
    """Signed, to Mandrill's own address: that is part of what it signs."""
    answer: HttpResponse = POSTS[provider](data).to(client, provider)
    return answer
