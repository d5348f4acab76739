"""Who may not tell us anything: whoever has no secret, no signature, or that of somebody else."""

import base64
import json
from dataclasses import replace

import pytest
import requests
from django.test import Client
from pytest_django import Settings

from tests.tracking.rows import make_delivery
from tests.tracking.webhooks.payloads import body, event, of
from tests.tracking.webhooks.posting import KEYS, POSTS, SECRET, TOPIC, Post, as_json, post, sns
from tests.tracking.webhooks.test_providers import CASES
from tracking.models import Event, UnusedEvent
from tracking.webhooks.signatures import _fetch, is_of_sns

pytestmark = pytest.mark.django_db
WORDS = {provider: word for provider, word, *_rest in reversed(CASES)}
SIGNED = sorted(provider for provider, needed in KEYS.items() if "WEBHOOK_SECRET" not in needed())
WRONG = {"Authorization": "Basic " + base64.b64encode(b"portal:wrong").decode()}


def good(provider: str) -> Post:
    delivery = make_delivery("Ann@Home.example", provider_message_id="message-1")
    return POSTS[provider](body(provider, event(provider, WORDS[provider], of(delivery))))


def nothing_is_stored() -> bool:
    return not Event.objects.exists() and not UnusedEvent.objects.exists()


def changed(sent: Post) -> Post:
    """Somebody on the way, or who guessed the address, wrote something else."""
    return replace(sent, body=sent.body.replace(b"message-1", b"message-2"))


@pytest.mark.parametrize("provider", sorted(POSTS))
def test_a_wrong_secret_is_refused(client: Client, provider: str) -> None:
    sent = good(provider)
    refused = replace(sent, headers={**sent.headers, **WRONG})
    assert refused.to(client, provider).status_code == 403
    assert nothing_is_stored()
    assert sent.to(client, provider).status_code == 200
    assert Event.objects.count() == 1


@pytest.mark.parametrize("provider", sorted(POSTS))
def test_a_missing_secret_is_refused(client: Client, provider: str) -> None:
    sent = good(provider)
    refused = replace(sent, headers={**sent.headers, "Authorization": ""})
    assert refused.to(client, provider).status_code in (401, 403)
    assert nothing_is_stored()


@pytest.mark.parametrize("provider", ["amazon_ses", *(name for name in SIGNED if name != "mailgun")])
def test_a_body_that_was_not_signed_is_refused(client: Client, provider: str) -> None:
    sent = good(provider)
    assert changed(sent).body != sent.body
    assert changed(sent).to(client, provider).status_code == 403
    assert nothing_is_stored()


def test_mailgun_signs_a_token_of_the_post_and_it_is_checked(client: Client) -> None:
    sent = good("mailgun")
    assert replace(sent, body=sent.body.replace(b"token-1", b"token-2")).to(client, "mailgun").status_code == 403
    assert nothing_is_stored()


@pytest.mark.parametrize("provider", SIGNED)
def test_a_post_without_its_signature_is_refused(client: Client, provider: str) -> None:
    sent = replace(good(provider), headers={})
    if provider in ("mailgun", "unisender_go"):  # they sign inside
        sent = replace(sent, body=sent.body.replace(b'"signature"', b'"unsigned"').replace(b'"auth"', b'"unsigned"'))
    assert sent.to(client, provider).status_code == 403
    assert nothing_is_stored()


@pytest.mark.parametrize("provider", sorted(POSTS))
def test_a_provider_that_is_not_set_up_takes_nothing(client: Client, settings: Settings, provider: str) -> None:
    sent = good(provider)
    settings.ANYMAIL = {}
    settings.SNS_TOPICS = ()
    assert sent.to(client, provider).status_code == 403
    assert nothing_is_stored()


@pytest.mark.parametrize("provider", [name for name in SIGNED if name != "mandrill"])
def test_a_signature_is_enough(client: Client, settings: Settings, provider: str) -> None:
    sent = good(provider)
    settings.ANYMAIL = KEYS[provider]()
    assert replace(sent, headers={**sent.headers, "Authorization": ""}).to(client, provider).status_code == 200
    assert Event.objects.count() == 1


def test_an_older_secret_opens_while_it_is_changed(client: Client, settings: Settings) -> None:
    settings.ANYMAIL = {"WEBHOOK_SECRET": ["portal:new", SECRET]}
    assert good("brevo").to(client, "brevo").status_code == 200


def test_a_recording_of_an_old_post_is_refused(client: Client) -> None:
    sent = good("resend")
    old = replace(sent, headers={**sent.headers, "svix-timestamp": "1494513840"})
    assert old.to(client, "resend").status_code == 403


# --- Amazon SNS -------------------------------------------------------------------------------------------


def test_amazon_is_asked_for_its_password(client: Client) -> None:
    sent = good("amazon_ses")
    answer = replace(sent, headers={**sent.headers, "Authorization": ""}).to(client, "amazon_ses")
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Basic")


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_topic_of_ours_needs_no_secret(client: Client, settings: Settings, version: str) -> None:
    settings.ANYMAIL = {}
    delivery = make_delivery()
    sent = sns(event("amazon_ses", "Delivery", of(delivery)), SignatureVersion=version)
    assert replace(sent, headers={**sent.headers, "Authorization": ""}).to(client, "amazon_ses").status_code == 200
    assert delivery.events.count() == 1


def test_another_topic_is_refused_though_amazon_signed_it(client: Client) -> None:
    sent = sns(event("amazon_ses", "Delivery", of(make_delivery())), TopicArn=TOPIC.replace("school", "stranger"))
    assert sent.to(client, "amazon_ses").status_code == 403
    assert nothing_is_stored()


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.us-east-1.amazonaws.com/a.pem",
        "https://sns.us-east-1.amazonaws.com.evil.example/a.pem",
        "https://evil.example/sns.us-east-1.amazonaws.com/a.pem",
        "https://sns.us-east-1.amazonaws.com@evil.example/a.pem",
        "https://sns.us-east-1.amazonaws.com:8443/a.pem",
        "https://s3.us-east-1.amazonaws.com/bucket/a.pem",
        # Buckets that anybody may call "sns", and other services' names.
        "https://sns.s3.amazonaws.com/a.pem",
        "https://sns.s3-us-west-2.amazonaws.com/a.pem",
        "https://sns.s3-website-us-east-1.amazonaws.com/a.pem",
        "https://sns.s3-accelerate.amazonaws.com/a.pem",
        "https://sns.evil.s3.amazonaws.com/a.pem",
        "https://evil.sns.us-east-1.amazonaws.com/a.pem",
        "https://sns.us-east-1.s3.amazonaws.com/a.pem",
        "https://sns.elb.amazonaws.com/a.pem",
        "https://sns.us-east-1.amazonaws.com.cn/a.pem",
        "https://sns.cn-north-1.amazonaws.com/a.pem",
        "https://sns.us-east-1.amazonaws.com\\@evil.example/a.pem",
        "https://sns.us-east-1.amazonaws.com/\\@evil.example/a.pem",
        "https://sns.us-east-1.amazonaws.com\t.evil.example/a.pem",
        "https://sns.us-east-1.amazonaws.com\n/a.pem",
        "https://sns.us-east-1.amazonaws.com?/a.pem",
        "https://sns.us-east-1.amazonaws.com#/a.pem",
        "https://sns.us-east-\u0661.amazonaws.com/a.pem",
    ],
)
def test_a_certificate_comes_from_amazon_or_not_at_all(client: Client, settings: Settings, url: str) -> None:
    settings.SNS_CERTIFICATE = ""
    assert not is_of_sns(url)
    sent = sns(event("amazon_ses", "Delivery", of(make_delivery())), SigningCertURL=url)
    assert sent.to(client, "amazon_ses").status_code == 403
    assert nothing_is_stored()


@pytest.mark.parametrize(
    "host",
    [
        "sns.us-east-1.amazonaws.com",
        "sns.us-gov-west-1.amazonaws.com",
        "sns.ap-southeast-2.amazonaws.com",
        "sns.me-central-1.amazonaws.com",
        "sns.cn-north-1.amazonaws.com.cn",
        "sns.cn-northwest-1.amazonaws.com.cn",
    ],
)
def test_every_region_of_amazon_is_believed(host: str) -> None:
    assert is_of_sns(f"https://{host}/SimpleNotificationService-0123456789abcdef.pem")
    assert is_of_sns(f"https://{host}/?Action=ConfirmSubscription&TopicArn=arn:aws:sns:us-east-1:1:school&Token=ab")


def test_amazon_comes_again_when_its_certificate_cannot_be_fetched(
    client: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_network(*_args: object, **_kwargs: object) -> None:
        raise requests.ConnectionError

    monkeypatch.setattr(requests, "get", no_network)
    _fetch.cache_clear()
    settings.SNS_CERTIFICATE = ""
    assert good("amazon_ses").to(client, "amazon_ses").status_code == 503
    assert nothing_is_stored()


def subscription(topic: str, url: str = "https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription") -> Post:
    return sns("Confirm it", Type="SubscriptionConfirmation", Token="abc", TopicArn=topic, SubscribeURL=url)


def test_a_subscription_is_confirmed_for_a_topic_of_ours_only(
    client: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[str] = []

    def get(url: str, **_kwargs: object) -> requests.Response:
        fetched.append(url)
        answer = requests.Response()
        answer.status_code = 200
        return answer

    monkeypatch.setattr(requests, "get", get)
    assert subscription(TOPIC).to(client, "amazon_ses").status_code == 200
    assert len(fetched) == 1
    assert subscription(TOPIC, "https://evil.example/").to(client, "amazon_ses").status_code == 403
    settings.SNS_TOPICS = ()
    assert subscription(TOPIC).to(client, "amazon_ses").status_code == 403
    assert len(fetched) == 1


# --- what comes in: whole emails ----------------------------------------------------------------------------


def report(name: str) -> str:
    return (
        f"From: MAILER-DAEMON@home.example\r\nMessage-ID: <{name}@home.example>\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; home.example\r\n\r\n"
        "Final-Recipient: rfc822; ann@home.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b--\r\n"
    )


def test_a_bounce_report_that_a_provider_received_is_taken_in(client: Client) -> None:
    from tests.tracking.rows import bounce_address

    delivery = make_delivery()
    item = {"msys": {"relay_message": {
        "protocol": "smtp", "rcpt_to": bounce_address(delivery), "msg_from": "",
        "content": {"email_rfc822": report("one"), "email_rfc822_is_base64": False},
    }}}  # fmt: skip
    for _time in range(2):
        assert Post(as_json([item])).to(client, "sparkpost_inbound").status_code == 200
    assert [(found.kind, found.code) for found in delivery.events.all()] == [("bounced", "5.1.1")]
    mandrill = [
        {"event": "inbound", "ts": 1494513840, "msg": {"raw_msg": report("two"), "email": bounce_address(delivery)}}
    ]
    assert post(client, "mandrill", mandrill).status_code == 200
    assert delivery.events.count() == 2


def test_an_inbound_post_without_the_secret_is_refused(client: Client) -> None:
    assert Post(json.dumps([]).encode(), headers=WRONG).to(client, "sparkpost_inbound").status_code == 403


def test_an_inbound_post_that_cannot_be_read_is_kept(client: Client) -> None:
    assert Post(b"[{").to(client, "sparkpost_inbound").status_code == 200
    assert UnusedEvent.objects.get().raw == "[{"
