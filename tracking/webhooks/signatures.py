"""Signatures that Anymail leaves unchecked, or checks with packages of their own: Amazon SNS, and Svix (Resend)."""

import base64
import hmac
import json
import re
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare

# https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
# Exactly a region's: sns.s3-us-west-2.amazonaws.com would be a bucket that anybody may call so.
_REGION = r"[a-z]{2}(-[a-z]{3,12}){1,2}-[0-9]{1,2}"
SNS_ADDRESS = re.compile(
    rf"https://sns\.(?:cn(-[a-z]{{3,12}}){{1,2}}-[0-9]{{1,2}}\.amazonaws\.com\.cn|(?!cn-){_REGION}\.amazonaws\.com)/[!-\[\]-~]*"
)
SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": (
        "Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type",
    ),
}  # fmt: skip
SIGNED["UnsubscribeConfirmation"] = SIGNED["SubscriptionConfirmation"]
NETWORK_SECONDS = 10
# https://docs.svix.com/receiving/verifying-payloads/how-manual: older ones may be somebody's recording.
SVIX_TOLERANCE_SECONDS = 5 * 60


class WrongSignature(Exception):
    """Its text says what is wrong, for the log."""


class WrongTopic(WrongSignature):
    """Amazon signed it, for somebody else."""


def verify_sns(request: HttpRequest) -> bool:
    """True where the topic is one of those the settings name; a wrong signature or another topic raises."""
    message = json.loads(request.body)
    topic = message["TopicArn"]
    if settings.SNS_TOPICS and topic not in settings.SNS_TOPICS:
        raise WrongTopic("the topic is not one of AMAZON_SNS_TOPICS")
    algorithm = {"1": hashes.SHA1(), "2": hashes.SHA256()}[message["SignatureVersion"]]  # noqa: S303 - Amazon's default
    fields = [name for name in SIGNED[message["Type"]] if name != "Subject" or message.get("Subject") is not None]
    signed = "".join(f"{name}\n{message[name]}\n" for name in fields).encode()
    key = _sns_certificate(message["SigningCertURL"]).public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        raise WrongSignature("the certificate has no RSA key")
    key.verify(base64.b64decode(message["Signature"]), signed, padding.PKCS1v15(), algorithm)
    return topic in settings.SNS_TOPICS


def _sns_certificate(url: str) -> x509.Certificate:
    if settings.SNS_CERTIFICATE:
        return x509.load_pem_x509_certificate(Path(settings.SNS_CERTIFICATE).read_bytes())
    if not is_of_sns(url) or not urlsplit(url).path.endswith(".pem"):
        raise WrongSignature("the certificate is not at an address of Amazon SNS")
    return x509.load_pem_x509_certificate(_fetch(url))


def is_of_sns(url: str) -> bool:
    # The whole of it, so that neither a port, a user name nor a sign that programs read differently leads elsewhere.
    return bool(SNS_ADDRESS.fullmatch(url))


@lru_cache(maxsize=16)
def _fetch(url: str) -> bytes:
    answer = requests.get(url, timeout=NETWORK_SECONDS, allow_redirects=False)
    if 400 <= answer.status_code < 500:
        raise WrongSignature("there is no certificate at the address that it names")
    answer.raise_for_status()
    return answer.content


def confirm_sns(message: dict[str, Any]) -> bool:
    """Follow the link of a proven SubscriptionConfirmation, for a topic that the settings name."""
    if message["TopicArn"] not in settings.SNS_TOPICS or not is_of_sns(message["SubscribeURL"]):
        return False
    answer = requests.get(message["SubscribeURL"], timeout=NETWORK_SECONDS, allow_redirects=False)
    answer.raise_for_status()
    return True


def verify_svix(request: HttpRequest, setting: str) -> bool:
    """False where there is no key to verify with; a wrong signature raises."""
    secret = str(settings.ANYMAIL.get(setting, ""))
    if not secret:
        return False
    identity, at = request.headers["svix-id"], request.headers["svix-timestamp"]
    if abs(timezone.now().timestamp() - int(at)) > SVIX_TOLERANCE_SECONDS:
        raise WrongSignature("the signature is too old")
    key = base64.b64decode(secret.removeprefix("whsec_"))
    expected = hmac.digest(key, f"{identity}.{at}.".encode() + request.body, sha256)
    # Several while its keys are changed: "v1,<base64> v1,<base64>".
    for given in request.headers["svix-signature"].split():
        if constant_time_compare(given, f"v1,{base64.b64encode(expected).decode()}"):
            return True
    raise WrongSignature("the signature is wrong")
