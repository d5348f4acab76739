"""The email providers whose API we hand emails to, and what each of them can do. Anymail speaks the protocols.

Missing are Amazon SES (Anymail wants boto3 for it) and SendGrid (Anymail supports it no more): both offer SMTP.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings


@dataclass(frozen=True)
class Syntax:
    """How one text is written for many recipients: places, and what the provider puts there for each of them."""

    place: str  # `%s` is the name of a value; nothing is escaped where it is put
    # What the provider might take for the beginning of a place; also at the end of a piece before a place of ours.
    opening: re.Pattern[str]
    start: str = ""
    end: str = ""
    place_in_subject: str = ""

    def write(self, name: str, *, is_subject: bool = False) -> str:
        return (self.place_in_subject if is_subject and self.place_in_subject else self.place) % name


@dataclass(frozen=True)
class Provider:
    slug: str
    name: str
    keys: tuple[str, ...]  # of ANYMAIL, without which nothing goes
    most: int = 1  # emails in one request
    syntax: Syntax | None = None  # a request of several is one text with places; else it is several whole emails
    why_single: str = ""
    needs_url: bool = False  # where its API is depends on the customer
    has_metadata: bool = True
    has_tracking_switch: bool = True
    takes_envelope_sender: bool = False
    shows_pictures: bool = True  # in the message; else they go along as files
    extra: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def backend(self) -> str:
        return f"anymail.backends.{self.slug}.EmailBackend"

    @property
    def per_request(self) -> int:
        """As many emails may be in doubt at once on each connection."""
        return max(1, min(self.most, settings.MAIL_PROVIDER_BATCH))


_BRACES = re.compile(r"\{(?=[{%#]|\Z)")

PROVIDERS: Mapping[str, Provider] = {
    provider.slug: provider
    for provider in (
        Provider("postmark", "Postmark", ("POSTMARK_SERVER_TOKEN",), most=500),
        Provider(
            "mailgun",
            "Mailgun",
            ("MAILGUN_API_KEY",),
            most=1000,
            # %unsubscribe_url% and the like are places too, and no letter may come between.
            syntax=Syntax("%%recipient.%s%%", re.compile(r"%(?=[a-zA-Z]|\Z)")),
        ),
        Provider(
            "sparkpost",
            "SparkPost",
            ("SPARKPOST_API_KEY",),
            most=1000,
            syntax=Syntax(
                "{{{%s}}}", _BRACES, place_in_subject="{{%s}}"
            ),  # two braces escape for HTML where it is HTML
        ),
        Provider(
            "brevo",
            "Brevo",
            ("BREVO_API_KEY",),
            most=1000,
            syntax=Syntax("{{params.%s}}", _BRACES, "{% autoescape off %}", "{% endautoescape %}"),
            has_tracking_switch=False,
            shows_pictures=False,
        ),
        Provider("mailjet", "Mailjet", ("MAILJET_API_KEY", "MAILJET_SECRET_KEY"), most=50),
        Provider("mailtrap", "Mailtrap", ("MAILTRAP_API_TOKEN",), most=500, has_tracking_switch=False),
        Provider("resend", "Resend", ("RESEND_API_KEY",), most=100, has_tracking_switch=False),
        Provider(
            "mandrill",
            "Mandrill",
            ("MANDRILL_API_KEY",),
            why_single="Its places do not work in List-Unsubscribe, so that nobody could unsubscribe with one click.",
            extra={"message": {"merge": False}},  # else it would look for places in what people wrote
        ),
        Provider(
            "mailersend",
            "MailerSend",
            ("MAILERSEND_API_TOKEN",),
            why_single="Its batches show everybody's address to everybody, or answer with no name of the emails.",
            has_metadata=False,
        ),
        Provider(
            "unisender_go",
            "Unisender Go",
            ("UNISENDER_GO_API_KEY",),
            why_single="A batch has places, and its documentation does not say how values are escaped there.",
            needs_url=True,
            extra={"template_engine": "none"},
        ),
        Provider(
            "postal",
            "Postal",
            ("POSTAL_API_KEY",),
            why_single="It has no batches.",
            needs_url=True,
            has_metadata=False,
            has_tracking_switch=False,
            takes_envelope_sender=True,
        ),
    )
}


def chosen_provider() -> Provider | None:
    """None: emails leave by SMTP. The system checks refuse a name that is not in the table."""
    return PROVIDERS[settings.MAIL_PROVIDER] if settings.MAIL_PROVIDER else None
