"""What providers say between the lines: where Anymail flattens their words, the raw payload is read again, as data.

Sources: each provider's page on webhooks (the ones that `anymail/webhooks/*.py` name), read with Anymail 15.2.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from broadcasts.delivering.replies import classify
from broadcasts.results import Result
from tracking.meanings.provider_events import DETAILED, Detail

D = Detail


@dataclass(frozen=True)
class Look:
    """Where to look in the raw event (`*`: the only key there is) and what the value found there says."""

    path: str
    says: Mapping[str, Detail]
    within: bool = False  # the words may stand anywhere in the value


# Per provider, the first look that finds something decides.
LOOKS: Mapping[str, tuple[Look, ...]] = {
    "Amazon SES": (
        Look("eventType", {"deliverydelay": D.DELAYED, "subscription": D.ADMINISTRATIVE, "reject": D.CONTENT}),
        # The account's own list; a complaint may be one that stopped this email, not one about it.
        Look("complaint.complaintSubType", {"onaccountsuppressionlist": D.SUPPRESSED}),
        Look("complaint.complaintFeedbackType", {"not-spam": D.ADMINISTRATIVE}),
        Look(
            "bounce.bounceSubType",
            {
                "suppressed": D.SUPPRESSED,
                "onaccountsuppressionlist": D.SUPPRESSED,
                "unsubscribedrecipient": D.SUPPRESSED,
                # Transient by its type, and yet nobody tries this message again.
                "messagetoolarge": D.HARD,
                "contentrejected": D.HARD,
                "attachmentrejected": D.HARD,
            },
        ),
        Look("bounce.bounceType", {"permanent": D.HARD, "transient": D.SOFT}),
    ),
    "Brevo": (Look("event", {"hard_bounce": D.HARD, "soft_bounce": D.SOFT, "invalid_email": D.INVALID}),),
    "MailerSend": (Look("data.type", {"hard_bounced": D.HARD, "soft_bounced": D.SOFT}),),
    "Mailgun": (
        Look("event-data.event", {"rejected": D.CONTENT}),
        Look("event-data.reason", {"suppress-": D.SUPPRESSED}, within=True),
        Look("event-data.delivery-status.code", {"605": D.SUPPRESSED, "606": D.SUPPRESSED, "607": D.SUPPRESSED}),
        Look("event-data.severity", {"permanent": D.HARD}),
        Look("code", {"605": D.SUPPRESSED, "606": D.SUPPRESSED, "607": D.SUPPRESSED}),  # webhooks of before 2018
    ),
    "Mailjet": (
        Look(
            "error",
            {
                "user unknown": D.INVALID,
                "invalid domain": D.INVALID,
                "no mail host": D.INVALID,
                "typofix": D.INVALID,
                "quota exceeded": D.SOFT,
                "preblocked": D.SUPPRESSED,
                "spam reporter": D.SUPPRESSED,
                "blacklisted": D.SUPPRESSED,
                "sender blocked": D.CONTENT,
                "content blocked": D.CONTENT,
                "policy issue": D.CONTENT,
                "duplicate in campaign": D.CONTENT,
            },
        ),
        Look("hard_bounce", {"true": D.HARD, "false": D.SOFT}),
    ),
    "Mailtrap": (
        Look("bounce_category", {"invalid": D.INVALID, "bad_mailbox": D.INVALID}, within=True),
        Look("event", {"bounce": D.HARD}),
    ),
    "Mandrill": (
        Look("type", {"whitelist": D.ADMINISTRATIVE, "blacklist": D.ADMINISTRATIVE}),
        Look(
            "msg.reject.reason",
            {
                "invalid": D.INVALID,
                "invalid-sender": D.CONTENT,
                "test-mode-limit": D.CONTENT,
                "unsigned": D.CONTENT,
                "rule": D.CONTENT,
            },
        ),
        Look("msg.bounce_description", {"bad_mailbox": D.INVALID, "invalid_domain": D.INVALID}),
        Look("event", {"hard_bounce": D.HARD, "soft_bounce": D.SOFT}),
    ),
    "Postal": (
        Look("payload.details", {"suppression list": D.SUPPRESSED}, within=True),
        Look("event", {"messageloaded": D.LOADED, "domaindnserror": D.ADMINISTRATIVE}),
    ),
    "Postmark": (
        Look(
            "Type",
            {
                "hardbounce": D.HARD,
                "softbounce": D.SOFT,
                "bademailaddress": D.INVALID,
                # "Blocked by the user or classified as spam": a filter's verdict, which blocks nobody's address.
                "spamnotification": D.CONTENT,
                "virusnotification": D.CONTENT,
                # "Blocked from this ISP due to content or blacklisting": of the message, or of Postmark.
                "blocked": D.CONTENT,
                "dmarcpolicy": D.CONTENT,
                "challengeverification": D.CHALLENGE,
            },
        ),
        # Set by hand on Postmark's pages, or by its API; "Recipient" is the link in the email.
        Look("Origin", {"customer": D.ADMINISTRATIVE, "admin": D.ADMINISTRATIVE}),
    ),
    "Resend": (
        Look("type", {"email.suppressed": D.SUPPRESSED}),
        Look("type", {"domain.": D.ADMINISTRATIVE, "contact.": D.ADMINISTRATIVE}, within=True),
        Look("data.bounce.message", {"suppressed sending": D.SUPPRESSED, "inbox was full": D.SOFT}, within=True),
        Look("data.bounce.subType", {"suppressed": D.SUPPRESSED, "onaccountsuppressionlist": D.SUPPRESSED}),
        Look("data.bounce.type", {"permanent": D.HARD, "transient": D.SOFT}),
    ),
    "SendGrid": (
        Look(
            "reason",
            {
                "bounced address": D.SUPPRESSED,
                "unsubscribed address": D.SUPPRESSED,
                "spam reporting address": D.SUPPRESSED,
                "spam content": D.CONTENT,
                "invalid smtpapi header": D.CONTENT,
                "recipient list over package quota": D.CONTENT,
            },
        ),
        Look("bounce_classification", {"invalid address": D.INVALID}),
        # "blocked" is a refusal of this message that SendGrid does not hold against the address.
        Look("type", {"bounce": D.HARD, "blocked": D.HARD}),
    ),
    "SparkPost": (
        Look("msys.*.type", {"initial_open": D.LOADED, "amp_initial_open": D.LOADED}),
        Look("msys.*.raw_reason", {"suppressed": D.SUPPRESSED}, within=True),
        Look("msys.*.type", {"policy_rejection": D.CONTENT, "generation_rejection": D.CONTENT}),
        Look(
            "msys.*.bounce_class",
            {
                "10": D.INVALID,
                "20": D.SOFT,
                "21": D.SOFT,
                "22": D.SOFT,
                "23": D.HARD,
                "30": D.HARD,
                "70": D.SOFT,
                "100": D.CHALLENGE,
            },
        ),
    ),
    "Unisender Go": (
        Look(
            "delivery_info.delivery_status",
            {
                "err_user_unknown": D.INVALID,
                "err_domain_inactive": D.INVALID,
                "err_mailbox_full": D.SOFT,
                "err_will_retry": D.SOFT,
                "err_unsubscribed": D.SUPPRESSED,
                "err_skip_letter": D.SUPPRESSED,
            },
        ),
        Look("status", {"hard_bounced": D.HARD}),
    ),
}  # fmt: skip

_SMTP_CODE = re.compile(r"\b([45]\d\d)(?=[ -])")
_ENHANCED_CODE = re.compile(r"\b([45]\.\d{1,3}\.\d{1,3})\b")
_FAULTS = ("bounced", "failed", "rejected")


def read_detail(provider: str, event_type: str, raw: Any, words: str) -> Detail:
    """`words`: what the recipient's server is said to have answered."""
    if event_type not in DETAILED:
        return Detail.NONE
    detail = Detail.NONE
    for look in LOOKS.get(provider, ()):
        if found := _find(look, raw):
            detail = found
            break
    if event_type in _FAULTS and detail in (Detail.NONE, Detail.HARD):
        return _read_words(words, detail)
    return detail


@cache
def _steps(path: str) -> tuple[str, ...]:
    return tuple(path.split("."))


def value_at(raw: Any, path: str) -> Any:
    """None where nothing is, or nothing that can be read as a word."""
    value = raw
    for step in _steps(path):
        if not isinstance(value, dict):
            return None
        value = next(iter(value.values()), None) if step == "*" else value.get(step)
    return None if isinstance(value, dict | list) else value


def _find(look: Look, raw: Any) -> Detail | None:
    value = value_at(raw, look.path)
    if value is None:
        return None
    said = str(value)[:2000].casefold()
    if look.within:
        return next((detail for words, detail in look.says.items() if words in said), None)
    return look.says.get(said)


def _read_words(words: str, detail: Detail) -> Detail:
    code, enhanced = _SMTP_CODE.search(words), enhanced_code(words)
    said = classify(int(code[1]) if code else None, enhanced, words)
    if said.result is Result.FAILED:
        return Detail.INVALID
    if detail is Detail.HARD or not (code or enhanced):
        return detail
    return Detail.SOFT if said.result is Result.SOFT_BOUNCED else Detail.HARD


def enhanced_code(words: str) -> str:
    """RFC 3463, wherever it stands in what the server said."""
    found = _ENHANCED_CODE.search(words)
    return found[1] if found else ""
