"""System checks of MAIL_PROVIDER: what is missing before a provider takes our emails, and before it tells of them."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004

from broadcasts.delivering.providers.table import PROVIDERS, Provider


@register
def mail_provider(**_kwargs: Any) -> list[CheckMessage]:
    if not settings.MAIL_PROVIDER:
        return []
    if settings.MAIL_PROVIDER not in PROVIDERS:
        return [
            Error(
                f"MAIL_PROVIDER is “{settings.MAIL_PROVIDER}”, which is no email provider we know.",
                hint=f"Write one of: {', '.join(PROVIDERS)}. Others offer SMTP: name their server in MAIL_URL.",
                id="messenger.E021",
            )
        ]
    return _provider_settings(PROVIDERS[settings.MAIL_PROVIDER])


def _provider_settings(provider: Provider) -> list[CheckMessage]:
    found: list[CheckMessage] = [
        Error(
            f"ANYMAIL_{key} is not set, and without it {provider.name} takes no email of ours.",
            hint=f"{provider.name} shows it in your account there.",
            id="messenger.E022",
        )
        for key in provider.keys
        if not settings.ANYMAIL.get(key)
    ]
    url, own = settings.MAIL_PROVIDER_API_URL, settings.ANYMAIL.get(f"{provider.slug.upper()}_API_URL")
    if url and (
        urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname or not _has_sound_port(url)
    ):
        found.append(
            Error(
                "MAIL_PROVIDER_API_URL is not the address of a web service.",
                hint="Write it like https://api.eu.mailgun.net/v3, or leave it out for the provider's usual one.",
                id="messenger.E023",
            )
        )
    if provider.needs_url and not (url or own):
        found.append(
            Error(
                f"MAIL_PROVIDER_API_URL is not set, and the address of {provider.name} is another for each customer.",
                hint=f"{provider.name} shows it in your account there, or it is that of your own server.",
                id="messenger.E024",
            )
        )
    return found + _provider_warnings(provider)


def _provider_warnings(provider: Provider) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if not provider.has_tracking_switch and not settings.PROVIDER_TRACKS_OPENS:
        found.append(
            Warning(
                f"{provider.name} has no switch for single emails: whether it counts openings and rewrites links is "
                "set in your account there.",
                hint="Switch both off there: Messenger counts openings itself. "
                "Or write PROVIDER_TRACKS_OPENS=yes to say that it is as you want it.",
                id="messenger.W025",
            )
        )
    if not _hears_webhooks():
        found.append(
            Warning(
                f"No webhook of {provider.name} is set up: nobody tells what became of the emails, and the Email Log "
                "stays at Sent.",
                hint="Set ANYMAIL_WEBHOOK_SECRET (or the provider's signing key) and enter "
                f"{settings.SITE_URL}/anymail/{provider.slug}/tracking/ in your account there.",
                id="messenger.W026",
            )
        )
    if settings.MAIL_URL != "sandbox:":
        found.append(
            Warning(
                "MAIL_URL and MAIL_PROVIDER are both set: emails leave by the provider alone.",
                hint="Leave the one out that you do not use.",
                id="messenger.W027",
            )
        )
    return found


def _hears_webhooks() -> bool:
    """By the secret that all share, or by a key with which one provider signs."""
    return any(word in key for key in settings.ANYMAIL for word in ("WEBHOOK", "SIGNING", "TRACKING_SECRET"))


def _has_sound_port(url: str) -> bool:
    try:
        _ = urlsplit(url).port
    except ValueError:
        return False
    return True
