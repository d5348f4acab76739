"""Amazon SES tells by email, too, what it tells by webhook: JSON, forwarded by its notification service.

https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html
"""

import json
from email.message import Message
from typing import Any

from tracking.bounces.reports import Finding, Report, ReportKind
from tracking.bounces.wording import full_text, reply_code_in, stage_in, status_in
from tracking.meanings import ACTIONS, COMPLAINED, meaning_of_failure

MOST_RECIPIENTS = 100
_LENIENT = json.JSONDecoder(strict=False)  # mail programs break its long lines


def read_amazon(message: Message) -> Report | None:
    told = _notice(full_text(message).lstrip())
    readers = {"Bounce": _bounced, "Complaint": _complained, "Delivery": _delivered}
    read = readers.get(str(told.get("notificationType")))
    findings = read(told) if read else []
    if not findings:
        return None
    kind = ReportKind.COMPLAINT if read is _complained else ReportKind.DSN
    return Report(kind, tuple(findings[:MOST_RECIPIENTS]), tuple(_names(told)))


def _notice(text: str) -> dict[str, Any]:
    """As it is, or in the envelope that the notification service puts around it."""
    if not text.startswith("{") or "notificationType" not in text:
        return {}
    try:
        told, _end = _LENIENT.raw_decode(text)
        if isinstance(told, dict) and isinstance(told.get("Message"), str):
            told, _end = _LENIENT.raw_decode(told["Message"])
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _items(told: dict[str, Any], *path: str) -> list[Any]:
    value: Any = told
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, list) else []


def _bounced(told: dict[str, Any]) -> list[Finding]:
    findings = []
    for item in _items(told, "bounce", "bouncedRecipients"):
        if not isinstance(item, dict):
            continue
        said = str(item.get("diagnosticCode") or "")
        status, code = status_in(said) or str(item.get("status") or ""), reply_code_in(said)
        meaning = meaning_of_failure(status, said, code, stage_in(said))
        findings.append(Finding(meaning, None, str(item.get("emailAddress") or "")[:320], "", status, code, said))
    return findings


def _complained(told: dict[str, Any]) -> list[Finding]:
    items = _items(told, "complaint", "complainedRecipients")
    return [
        Finding(COMPLAINED, None, str(item.get("emailAddress"))[:320]) for item in items if isinstance(item, dict)
    ]


def _delivered(told: dict[str, Any]) -> list[Finding]:
    said = str((told.get("delivery") or {}).get("smtpResponse") or "")
    return [
        Finding(ACTIONS["delivered"], None, str(address)[:320], "", status_in(said), reply_code_in(said), said)
        for address in _items(told, "delivery", "recipients")
    ]


def _names(told: dict[str, Any]) -> list[str]:
    """Our own headers, where the notification is set up to include them."""
    headers = _items(told, "mail", "headers")
    return [
        str(header.get("value"))
        for header in headers
        if isinstance(header, dict) and str(header.get("name")).lower() == "x-delivery-id"
    ]
