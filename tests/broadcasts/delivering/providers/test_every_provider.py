"""Whoever stands in the table can be handed an email: Anymail builds the request, with all that belongs to it."""

from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from broadcasts.composing.compiling import compile_broadcast
from broadcasts.delivering.claiming import Job, claim_batch
from broadcasts.delivering.providers.asking import ask
from broadcasts.delivering.providers.messages import Messages
from broadcasts.delivering.providers.table import PROVIDERS, Provider
from broadcasts.tokens import make_token
from tests import factory
from tests.broadcasts.delivering.steps import make_people, start_broadcast
from tests.provider_server import KEY, Dialect, ProviderServer, Request
from tracking.webhooks.understanding import METADATA, PURPOSE

pytestmark = pytest.mark.django_db


def post_to(provider: Provider, settings: Settings, answer: Any, status: int = 200) -> tuple[Request, Any, Job]:
    """What it is sent, and what its answer is worth."""
    server = ProviderServer(Dialect(lambda _: True, lambda _: [], lambda *_: (status, answer), lambda *_: []))
    settings.MAIL_PROVIDER, settings.MAIL_PROVIDER_API_URL = provider.slug, server.url
    settings.ANYMAIL, settings.BOUNCE_DOMAIN = dict.fromkeys(provider.keys, KEY), "bounces.school.test"
    people = make_people("anna@x.example")
    broadcast = start_broadcast(factory.make_broadcast(people=people, subject="News for {{ name }}"))
    [job] = claim_batch(broadcast.pk, 1, timezone.now()).jobs
    try:
        heard = ask(Messages(compile_broadcast(broadcast), provider), [job])
    finally:
        server.stop()
    return server.record.requests[0], heard, job


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=list(PROVIDERS))
def test_the_request_has_the_email_and_its_headers(provider: Provider, settings: Settings) -> None:
    request, _heard, row = post_to(provider, settings, {})
    body = request.body.decode()
    assert "anna" in body
    assert make_token(row.pk, "preferences") in body
    assert make_token(row.pk, "pixel") in body
    assert "List-Unsubscribe-Post" in body
    assert (make_token(row.pk, PURPOSE) in body) is provider.has_metadata


def test_our_name_in_metadata_is_the_one_that_webhooks_are_asked_for(settings: Settings) -> None:
    request, _heard, row = post_to(PROVIDERS["postmark"], settings, {})
    assert request.data["Metadata"] == {METADATA: make_token(row.pk, PURPOSE)}


ANSWERS = {
    "postal": {"status": "success", "data": {"messages": {"anna@x.example": {"id": 77, "token": "abc"}}}},
    "unisender_go": {"status": "success", "job_id": "1ZymBc", "emails": ["anna@x.example"]},
}


@pytest.mark.parametrize("slug", ANSWERS)
def test_an_email_that_was_taken_has_a_name_there(settings: Settings, slug: str) -> None:
    _request, heard, row = post_to(PROVIDERS[slug], settings, ANSWERS[slug])
    assert heard.said[row.pk].status == "queued"
    assert heard.said[row.pk].message_id


def test_postal_is_told_where_bounces_of_this_email_go(settings: Settings) -> None:
    request, _heard, row = post_to(PROVIDERS["postal"], settings, ANSWERS["postal"])
    assert request.data["sender"] == f"b+{make_token(row.pk, 'bounce')}@bounces.school.test"


@pytest.mark.parametrize(
    ("code", "is_about_us"), [("InvalidServerAPIKey", True), ("AccessDenied", True), ("NoRecipients", False)]
)
def test_postal_says_no_with_a_good_status(settings: Settings, code: str, is_about_us: bool) -> None:
    answer = {"status": "error", "data": {"code": code, "message": "no"}}
    _request, heard, _row = post_to(PROVIDERS["postal"], settings, answer)
    assert bool(heard.trouble) is is_about_us
    assert bool(heard.refusal) is not is_about_us
    assert not heard.doubt


@pytest.mark.parametrize("answer", [{"status": "error", "name": "GeneralError"}, {"status": "error"}, [], "no"])
def test_an_error_without_a_name_is_a_doubt(settings: Settings, answer: Any) -> None:
    _request, heard, _row = post_to(PROVIDERS["mandrill"], settings, answer, status=500)
    assert heard.doubt


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=list(PROVIDERS))
def test_who_gets_one_email_in_a_request_has_a_reason(provider: Provider) -> None:
    assert (provider.most == 1) is bool(provider.why_single)
