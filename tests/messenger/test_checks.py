"""What an administrator reads when a variable is missing or odd."""

import pytest
from django.core.checks import CheckMessage
from pytest_django import Settings

from messenger import checks


def pretend(settings: Settings, monkeypatch: pytest.MonkeyPatch, engine: str) -> None:
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", f"django.db.backends.{engine}")


@pytest.fixture(autouse=True)
def nothing_set(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SECRET_KEY", raising=False)
    pretend(settings, monkeypatch, "sqlite3")
    settings.REDIS_URL = ""


def all_checks() -> list[CheckMessage]:
    every = (
        checks.mail_url,
        checks.bounces,
        checks.webhook_secret,
        checks.site_url,
        checks.secret_key,
        checks.database_and_queue,
        checks.attachments,
        checks.debug,
    )
    return [message for check in every for message in check()]


def test_with_nothing_set_nothing_is_wrong() -> None:
    assert all_checks() == []


@pytest.mark.parametrize(("size", "is_odd"), [(0, False), (18_000_000, False), (20_000_000, True), (-1, True)])
def test_attachments_must_fit_into_an_email(settings: Settings, size: int, is_odd: bool) -> None:
    settings.ATTACHMENTS_MAX_BYTES = size
    assert [message.id for message in all_checks()] == ["messenger.W030"] * is_odd


@pytest.mark.parametrize(("secret", "is_odd"), [("portal:secret", False), ("secret", True), ("portal:", True)])
def test_a_webhook_secret_is_a_user_and_a_password(settings: Settings, secret: str, is_odd: bool) -> None:
    settings.ANYMAIL = {"WEBHOOK_SECRET": ["portal:older", secret]}
    assert [message.id for message in all_checks()] == (["messenger.E020"] if is_odd else [])


def test_every_finding_says_what_to_do(settings: Settings) -> None:
    settings.MAIL_URL, settings.SITE_URL, settings.REPORTS_LISTEN = "mail.example.org", "messenger", "2525"
    found = all_checks()
    assert len(found) == 3
    assert all(message.hint for message in found)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("sandbox:", None),
        ("smtp://mail.example.org", None),
        ("smtps://user:secret@mail.example.org:465", None),
        ("smtp+starttls://mail.example.org:587", None),
        ("smtp://a.example:25?weight=2&per_minute=600 smtps://u:p@b.example?connections=3", None),
        ("smtp://a.example b.example", "messenger.E001"),
        ("smtp://a.example?weight=none", "messenger.E021"),
        ("smtp://a.example:25 smtp://a.example:25", "messenger.E022"),
        ("sandbox: smtp://a.example", "messenger.E022"),
        ("sandbox", "messenger.E001"),
        ("mail.example.org:25", "messenger.E001"),
        ("http://mail.example.org", "messenger.E001"),
        ("smtp://", "messenger.E002"),
        ("smtp://user:p/ss@mail.example.org", "messenger.E002"),
    ],
)
def test_mail_url(settings: Settings, url: str, expected: str | None) -> None:
    settings.MAIL_URL = url
    assert [message.id for message in checks.mail_url()] == ([expected] if expected else [])


def test_the_password_in_mail_url_is_not_repeated(settings: Settings) -> None:
    settings.MAIL_URL = "smpt://user:opensesame@mail.example.org"
    assert "opensesame" not in str(checks.mail_url())


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://messenger.example.org", None),
        ("http://127.0.0.1:8000", None),
        ("messenger.example.org", "messenger.E005"),
        ("ftp://messenger.example.org", "messenger.E005"),
        ("https://example.org/messenger", "messenger.E006"),
        ("http://messenger.example.org", "messenger.W007"),
    ],
)
def test_site_url(settings: Settings, url: str, expected: str | None) -> None:
    settings.SITE_URL = url
    assert [message.id for message in checks.site_url()] == ([expected] if expected else [])


def test_a_mail_server_without_bounce_domain_is_told(settings: Settings) -> None:
    settings.MAIL_IS_SANDBOX, settings.BOUNCE_DOMAIN = False, ""
    assert [message.id for message in checks.bounces()] == ["messenger.W003"]


def test_postgresql_wants_a_secret_key_of_its_own(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(settings, monkeypatch, "postgresql")
    assert [message.id for message in checks.secret_key()] == ["messenger.W008"]
    monkeypatch.setenv("SECRET_KEY", "short")
    assert [message.id for message in checks.secret_key()] == ["messenger.W009"]
    monkeypatch.setenv("SECRET_KEY", "x" * 50)
    assert checks.secret_key() == []


def test_redis_without_postgresql_is_told(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.REDIS_URL = "redis://localhost/0"
    assert [message.id for message in checks.database_and_queue()] == ["messenger.W010"]
    pretend(settings, monkeypatch, "postgresql")
    assert checks.database_and_queue() == []
    settings.REDIS_URL = "localhost:6379"
    assert [message.id for message in checks.database_and_queue()] == ["messenger.E011"]


def test_debug_in_public_is_told(settings: Settings) -> None:
    settings.DEBUG, settings.SITE_URL = True, "https://messenger.example.org"
    assert [message.id for message in checks.debug()] == ["messenger.W012"]


@pytest.mark.parametrize(
    ("url", "is_fine"),
    [
        ("", True),
        ("imaps://bounces%40x.example:secret@mail.example.org/INBOX", True),
        ("imap://user:secret@127.0.0.1:1143", True),
        ("imaps://mail.example.org", False),
        ("pop3://user:secret@mail.example.org", False),
        ("imaps://user:p/ss@mail.example.org", False),
    ],
)
def test_mailbox_of_reports(settings: Settings, url: str, is_fine: bool) -> None:
    settings.BOUNCE_IMAP_URL = url
    assert [message.id for message in checks.bounces()] == ([] if is_fine else ["messenger.E014"])


def test_what_is_spoken_at_the_door_for_reports(settings: Settings) -> None:
    settings.REPORTS_PROTOCOL = "uucp"
    assert [message.id for message in checks.bounces()] == ["messenger.E013"]
