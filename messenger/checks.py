"""System checks that say in plain words which variable is missing or odd, and what to write instead."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004

from broadcasts.delivering.naming_relays import read_relays
from messenger.environment import read

MAIL_SCHEMES = ("sandbox", "smtp", "smtps", "smtp+starttls")
LOOPBACK = ("127.0.0.1", "localhost", "::1")
SECRET_KEY_LENGTH = 32
METRICS_TOKEN_LENGTH = 20
LARGEST_ATTACHMENTS = 18_000_000


def _has_port(address: str) -> bool:
    try:
        return urlsplit(address).port is not None
    except ValueError:
        return False


def _port_is_odd(address: str) -> bool:
    try:
        _ = urlsplit(address).port
    except ValueError:
        return True
    return False


def _uses_postgresql() -> bool:
    return bool(settings.DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql")


@register
def mail_url(**_kwargs: Any) -> list[CheckMessage]:
    found = [message for url in settings.MAIL_URL.split() or [""] for message in _mail_server(url)]
    if found:
        return found
    try:
        relays = read_relays(settings.MAIL_URL)
    except ValueError as odd:
        return [
            Error(
                f"MAIL_URL: {odd}",
                hint="Behind each address may follow what it is to carry, like "
                "smtps://user:password@mail.example.org:465?weight=2&connections=3&per_minute=600.",
                id="messenger.E021",
            )
        ]
    names = [relay.name for relay in relays]
    if len(set(names)) < len(names) or (len(names) > 1 and "sandbox" in names):
        return [
            Error(
                "MAIL_URL names the same mail server twice, or the sandbox beside another one.",
                hint="Name each mail server once; ?weight=2 gives it twice the work.",
                id="messenger.E022",
            )
        ]
    return []


def _mail_server(address: str) -> list[CheckMessage]:
    url = urlsplit(address)
    if url.scheme not in MAIL_SCHEMES or ":" not in address:
        return [
            Error(
                f"MAIL_URL begins with “{address.partition(':')[0]}”, which is no way of sending we know.",
                hint="Write sandbox: to try things out, or smtp://user:password@mail.example.org:587 "
                "(smtp+starttls://... to insist on encryption, smtps://... for port 465); several with blanks "
                "between them.",
                id="messenger.E001",
            )
        ]
    if url.scheme != "sandbox" and (not url.hostname or _port_is_odd(address)):
        return [
            Error(
                "MAIL_URL does not name a mail server and a port we can read.",
                hint="Write it like smtp://user:password@mail.example.org:587. In the user name and the password, "
                "write @ as %40, : as %3A and / as %2F.",
                id="messenger.E002",
            )
        ]
    return []


@register
def bounces(**_kwargs: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if not settings.MAIL_IS_SANDBOX and not settings.MAIL_PROVIDER and not settings.BOUNCE_DOMAIN:
        found.append(
            Warning(
                "BOUNCE_DOMAIN is not set: reports about undelivered email go to the senders' own mailboxes, and "
                "the Email Log stays at Sent.",
                hint="Point the MX record of a domain such as bounces.example.org at this machine and name it here.",
                id="messenger.W003",
            )
        )
    if not _has_port(f"//{settings.REPORTS_LISTEN}"):
        found.append(
            Error(
                f"REPORTS_LISTEN is “{settings.REPORTS_LISTEN}”, not an address and a port.",
                hint="Write it like 127.0.0.1:2525, or 0.0.0.0:25 to be reached from outside.",
                id="messenger.E004",
            )
        )
    if settings.REPORTS_PROTOCOL not in ("smtp", "lmtp"):
        found.append(
            Error(
                f"REPORTS_PROTOCOL is “{settings.REPORTS_PROTOCOL}”, which the door for reports does not speak.",
                hint="Write smtp, or lmtp when a mail server on this machine hands the reports over.",
                id="messenger.E013",
            )
        )
    return found + _bounce_mailbox()


def _bounce_mailbox() -> list[CheckMessage]:
    url = urlsplit(settings.BOUNCE_IMAP_URL)
    if not settings.BOUNCE_IMAP_URL or (
        url.scheme in ("imap", "imaps")
        and url.hostname
        and url.username
        and not _port_is_odd(settings.BOUNCE_IMAP_URL)
    ):
        return []
    return [
        Error(
            "BOUNCE_IMAP_URL does not name a mailbox we can read.",
            hint="Write it like imaps://user:password@mail.example.org/INBOX. In the user name and the password, "
            "write @ as %40, : as %3A and / as %2F.",
            id="messenger.E014",
        )
    ]


@register
def webhook_secret(**_kwargs: Any) -> list[CheckMessage]:
    odd = [secret for secret in settings.ANYMAIL.get("WEBHOOK_SECRET", []) if not all(secret.partition(":"))]
    if not odd:
        return []
    return [
        Error(
            "ANYMAIL_WEBHOOK_SECRET is not a user and a password, so no webhook can ever know it.",
            hint="Write it like portal:a-long-random-password; several, while it is changed, separated by commas.",
            id="messenger.E020",
        )
    ]


@register
def site_url(**_kwargs: Any) -> list[CheckMessage]:
    url = urlsplit(settings.SITE_URL)
    if url.scheme not in ("http", "https") or not url.hostname or _port_is_odd(settings.SITE_URL):
        return [
            Error(
                f"SITE_URL is “{settings.SITE_URL}”: no link in an email can start like that.",
                hint="Write the whole address at which people reach Messenger, like https://messenger.example.org.",
                id="messenger.E005",
            )
        ]
    if url.path:
        return [
            Error(
                f"SITE_URL has a path (“{url.path}”), and Messenger serves from the top of its address.",
                hint=f"Write {url.scheme}://{url.netloc} and give it that whole host name.",
                id="messenger.E006",
            )
        ]
    if url.scheme == "http" and url.hostname not in LOOPBACK:
        return [
            Warning(
                "SITE_URL starts with http: passwords and pages travel unencrypted.",
                hint="Put a proxy with a certificate in front and write https://.",
                id="messenger.W007",
            )
        ]
    return []


@register
def secret_key(**_kwargs: Any) -> list[CheckMessage]:
    given = read("SECRET_KEY")
    if _uses_postgresql() and not given:
        return [
            Warning(
                "SECRET_KEY is not set: each machine makes its own, so people are signed out and links in sent "
                "emails stop working when they reach another one.",
                hint="Set the same long random SECRET_KEY for web and workers. One comes from: "
                'python3 -c "import secrets; print(secrets.token_urlsafe(50))"',
                id="messenger.W008",
            )
        ]
    if given and len(given) < SECRET_KEY_LENGTH:
        return [
            Warning(
                f"SECRET_KEY has {len(given)} characters and can be guessed.",
                hint='A good one comes from: python3 -c "import secrets; print(secrets.token_urlsafe(50))"',
                id="messenger.W009",
            )
        ]
    return []


@register
def database_and_queue(**_kwargs: Any) -> list[CheckMessage]:
    if settings.REDIS_URL and not _uses_postgresql():
        return [
            Warning(
                "REDIS_URL is set and DATABASE_URL is not: workers on other machines cannot see this SQLite file.",
                hint="Set DATABASE_URL=postgres://user:password@host:5432/name too, or leave REDIS_URL out.",
                id="messenger.W010",
            )
        ]
    if settings.REDIS_URL and urlsplit(settings.REDIS_URL).scheme not in ("redis", "rediss", "unix"):
        return [
            Error(
                "REDIS_URL does not begin with redis:// or rediss://.",
                hint="Write it like redis://:password@host:6379/0.",
                id="messenger.E011",
            )
        ]
    return []


@register
def watching(**_kwargs: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if settings.LOG_FORMAT not in ("plain", "json"):
        found.append(
            Error(
                f"LOG_FORMAT is “{settings.LOG_FORMAT}”, which the log cannot be written in.",
                hint="Write json, or leave it out for lines that people read.",
                id="messenger.E040",
            )
        )
    if 0 < len(settings.METRICS_TOKEN) < METRICS_TOKEN_LENGTH:
        found.append(
            Warning(
                f"METRICS_TOKEN has {len(settings.METRICS_TOKEN)} characters and can be guessed.",
                hint='A good one comes from: python3 -c "import secrets; print(secrets.token_urlsafe(30))"',
                id="messenger.W041",
            )
        )
    return found


@register
def attachments(**_kwargs: Any) -> list[CheckMessage]:
    if 0 <= settings.ATTACHMENTS_MAX_BYTES <= LARGEST_ATTACHMENTS:
        return []
    return [
        Warning(
            f"ATTACHMENTS_MAX_BYTES is {settings.ATTACHMENTS_MAX_BYTES}: most mail servers refuse emails over 25 MB.",
            hint=f"Encoded for email, files grow by 37 %. Write at most {LARGEST_ATTACHMENTS}, or 0 for no files.",
            id="messenger.W030",
        )
    ]


@register
def debug(**_kwargs: Any) -> list[CheckMessage]:
    if settings.DEBUG and settings.SITE_URL.startswith("https://"):
        return [
            Warning(
                "DEBUG is on for a site that others reach: error pages show settings and code to anybody.",
                hint="Leave DEBUG out.",
                id="messenger.W012",
            )
        ]
    return []
