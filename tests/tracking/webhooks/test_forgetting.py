"""Where a reader is and what they read with is not kept, of any provider, and what is kept still means the same."""

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from broadcasts.models import Delivery
from broadcasts.tokens import make_token
from tests.tracking.rows import bounce_address, make_delivery
from tests.tracking.webhooks.payloads import AT, Who, body, event
from tests.tracking.webhooks.posting import FORM, KEY, POSTS, Post, post
from tests.tracking.webhooks.test_refusing import WORDS, report
from tracking.models import Event, UnusedEvent
from tracking.opens import PROGRAMS, program_of
from tracking.webhooks.forgetting import forget_in_text, forget_readers

pytestmark = pytest.mark.django_db
IP, IP6, TOWN = "198.51.100.77", "2001:db8:1:2::77", "Springfield"
AGENT = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Secret/9"
# As the providers' pages write them, all in one.
PRIVATE: dict[str, Any] = {
    "ip": IP, "IP": IP, "ips": [IP, IP6], "ip_address": IP, "ipAddress": IP6, "client-ip": IP, "X-Originating-IP": IP,
    "sourceIp": IP, "whatever": IP6, "Geo": {"City": TOWN, "IP": IP}, "geolocation": {"city": TOWN},
    "geo_ip": {"city": TOWN},
    "location": {"city": TOWN, "latitude": 1.5}, "city": TOWN, "user_agent": AGENT, "userAgent": AGENT,
    "UserAgent": AGENT,
    "useragent": AGENT, "agent": AGENT, "user_agent_parsed": {"ua": "Secret/9", "is_prefetched": True},
    "client-info": {"user-agent": AGENT, "bot": "apple"}, "delivery_info": {"user_agent": AGENT, "ip": IP},
}  # fmt: skip


def is_forgotten(text: str) -> bool:
    return not any(word in text for word in (IP, IP6, TOWN, "Secret", "AppleWebKit", IP.replace(".", "%2E")))


@pytest.mark.parametrize("provider", sorted(POSTS))
def test_of_no_provider_it_is_kept(client: Client, provider: str) -> None:
    said = event(provider, WORDS[provider], Who("", "ann@home.example", "unknown"))
    said = {**said, **PRIVATE, "nested": [{"deep": PRIVATE, "text": json.dumps(PRIVATE)}]}
    assert post(client, provider, body(provider, said)).status_code == 200
    unused = UnusedEvent.objects.get()
    assert is_forgotten(unused.raw), unused.raw
    assert "ann@home.example" in unused.raw
    assert unused.is_whole


def old_mailgun_form(**more: str) -> Post:
    from hashlib import sha256
    from hmac import new
    from urllib.parse import urlencode

    signature = new(KEY.encode(), b"1494513840token-1", sha256).hexdigest()
    fields = {"event": "opened", "recipient": "ann@home.example", "timestamp": str(AT), "token": "token-1"}
    fields |= {"signature": signature, "Message-Id": "<m-9>", "message-id": "m-9"}
    return Post(urlencode(fields | more).encode(), FORM)


def test_old_forms_of_mailgun_keep_no_address_and_can_still_be_used(client: Client, as_charlie: Client) -> None:
    private = {"ip": IP, "city": TOWN, "country": "US", "user-agent": AGENT, "client-ip": IP6}
    assert old_mailgun_form(**private).to(client, "mailgun").status_code == 200
    unused = UnusedEvent.objects.get()
    assert is_forgotten(unused.raw), unused.raw
    delivery = make_delivery()
    Delivery.objects.filter(pk=delivery.pk).update(provider_message_id="<m-9>")
    chosen = {"action": "use_again", "_selected_action": [unused.pk]}
    as_charlie.post(reverse("admin:tracking_unusedevent_changelist"), chosen)
    assert [(found.kind, found.agent) for found in delivery.events.all()] == [("opened", "iPhone or iPad")]


@pytest.mark.parametrize("text", [json.dumps(PRIVATE)[:-3], json.dumps([json.dumps(PRIVATE)])[:-5]])
def test_what_cannot_be_read_keeps_none_either(client: Client, text: str) -> None:
    assert Post(text.encode()).to(client, "brevo").status_code == 200
    kept = UnusedEvent.objects.get().raw
    assert not any(word in kept for word in (IP, IP6, TOWN, "AppleWebKit")), kept


def test_the_reason_quotes_none(client: Client) -> None:
    for forgotten in (f"KeyError: '{IP}'", f"ip={IP}&a=b", f"ip=2001%3Adb8%3A1%3A2%3A%3A77&user-agent={AGENT}&x=1"):
        assert is_forgotten(forget_in_text(forgotten))
    assert forget_in_text("at 14:44:00 on 2017-05-11, 550 5.1.1 no") == "at 14:44:00 on 2017-05-11, 550 5.1.1 no"


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.family)
def test_a_program_is_known_by_what_is_kept_of_it(program: Any) -> None:
    kept = forget_readers({"user_agent": program.words[0]})["user_agent"]
    assert program_of(kept) is program_of(program.words[0])


def test_what_is_too_deep_is_not_kept() -> None:
    said: Any = {"ip": IP}
    for _level in range(200):
        said = [said]
    assert IP not in json.dumps(forget_readers(said))


def test_a_report_that_mandrill_brought_can_be_tried_again(
    client: Client, as_charlie: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    from anymail.webhooks.mandrill import MandrillCombinedWebhookView as View  # type: ignore[import-untyped]

    delivery = make_delivery()
    read = View.mandrill_inbound_to_anymail_event
    monkeypatch.setattr(View, "mandrill_inbound_to_anymail_event", lambda *_: 1 / 0)  # the mistake
    said = {"event": "inbound", "ts": AT, "msg": {"raw_msg": report("one"), "email": bounce_address(delivery)}}
    assert post(client, "mandrill", [said]).status_code == 200
    unused = UnusedEvent.objects.get()
    assert unused.is_whole
    use = {"action": "use_again", "_selected_action": [unused.pk]}
    as_charlie.post(reverse("admin:tracking_unusedevent_changelist"), use)
    assert UnusedEvent.objects.get().reason.startswith("It could not be read")
    monkeypatch.setattr(View, "mandrill_inbound_to_anymail_event", read)  # the fix
    for _time in range(2):
        as_charlie.post(reverse("admin:tracking_unusedevent_changelist"), use)
    assert [(found.kind, found.code) for found in delivery.events.all()] == [("bounced", "5.1.1")]
    assert not UnusedEvent.objects.exists()


def test_a_token_still_names_its_email_after_that(client: Client) -> None:
    delivery = make_delivery()
    said = {**event("sendgrid", "telepathy", Who(make_token(delivery.pk, "webhook"), delivery.email)), **PRIVATE}
    post(client, "sendgrid", [said])
    kept = json.loads(UnusedEvent.objects.get().raw)
    assert post(client, "sendgrid", [{**kept, "event": "open"}]).status_code == 200
    assert Event.objects.get().delivery == delivery
