"""What was refused is counted where an administrator sees it, in few rows and few writes whoever posts."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import DatabaseError
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from tests.tracking.webhooks.posting import BASIC, POSTS, TOPIC, Post
from tests.tracking.webhooks.test_refusing import WRONG, changed, good
from tracking.models import RefusedPost
from tracking.webhooks import refusing

pytestmark = pytest.mark.django_db
PAGE = "admin:tracking_refusedpost_changelist"


def reasons() -> list[tuple[str, str, int]]:
    return list(RefusedPost.objects.order_by("pk").values_list("provider", "reason", "times"))


@pytest.mark.parametrize("provider", sorted(POSTS))
def test_a_wrong_password_is_counted_for_every_provider(client: Client, provider: str) -> None:
    sent = good(provider)
    replace(sent, headers={**sent.headers, **WRONG}).to(client, provider)
    assert reasons() == [(provider, "password", 1)]


def test_each_reason_is_told_apart(client: Client, settings: Settings) -> None:
    changed(good("postal")).to(client, "postal")
    POSTS["sparkpost"](b"[" * 200_000).to(client, "sparkpost")
    sent = POSTS["amazon_ses"]({})
    replace(sent, body=sent.body.replace(TOPIC.encode(), TOPIC.encode() + b"s")).to(client, "amazon_ses")
    replace(sent, body=b"{").to(client, "amazon_ses")
    Post(b'{"signature": ').to(client, "mailgun")
    settings.ANYMAIL = {}
    POSTS["mailersend"]({}).to(client, "mailersend")
    assert [(provider, reason) for provider, reason, _times in reasons()] == [
        ("postal", "signature"),
        ("sparkpost", "too_long"),
        ("amazon_ses", "topic"),
        ("amazon_ses", "malformed"),
        ("mailgun", "malformed"),
        ("mailersend", "not_set_up"),
    ]


def test_an_administrator_reads_what_to_do(client: Client, as_charlie: Client) -> None:
    Post(b"[]", headers=WRONG).to(client, "brevo")
    page = as_charlie.get(reverse(PAGE)).content.decode()
    assert "not those of ANYMAIL_WEBHOOK_SECRET" in page
    assert "brevo" in page
    row = reverse("admin:tracking_refusedpost_change", args=[RefusedPost.objects.get().pk])
    assert "ANYMAIL_WEBHOOK_SECRET" in as_charlie.get(row).content.decode()


def test_nobody_else_sees_them(as_alice: Client) -> None:
    assert as_alice.get(reverse(PAGE)).status_code == 403


@pytest.mark.parametrize("reason", RefusedPost.Reason.values)
def test_every_reason_says_what_to_do(reason: str) -> None:
    assert refusing.WHAT_TO_DO[reason]


def test_a_flood_costs_one_row_and_one_write(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    sent = Post(b"[]", headers=WRONG)
    sent.to(client, "brevo")
    with django_assert_num_queries(0):
        for _time in range(50):
            assert sent.to(client, "brevo").status_code == 403
    assert reasons() == [("brevo", "password", 1)]
    # Ten seconds later.
    refusing._written_at.clear()
    sent.to(client, "brevo")
    assert reasons() == [("brevo", "password", 52)]


def test_old_ones_go(client: Client) -> None:
    long_ago = timezone.now() - timedelta(days=31)
    old = {"day": long_ago.date(), "first_at": long_ago, "last_at": long_ago}
    RefusedPost.objects.create(provider="brevo", reason="password", **old)
    Post(b"[]", headers=WRONG).to(client, "postmark")
    assert reasons() == [("postmark", "password", 1)]


def test_without_the_database_it_is_refused_all_the_same(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_database(*_args: object) -> None:
        raise DatabaseError

    monkeypatch.setattr(refusing, "_write", no_database)
    assert Post(b"[]", headers=WRONG).to(client, "brevo").status_code == 403


def test_amazon_asked_for_its_password_is_no_refusal(client: Client) -> None:
    sent = good("amazon_ses")
    assert replace(sent, headers={**sent.headers, "Authorization": ""}).to(client, "amazon_ses").status_code == 401
    assert not RefusedPost.objects.exists()


def test_what_is_taken_is_not_counted(client: Client) -> None:
    assert Post(b"[]", headers=BASIC).to(client, "sparkpost").status_code == 200
    assert not RefusedPost.objects.exists()
