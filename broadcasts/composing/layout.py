"""The frame around a message: school name, footer, picture that tells of an opening; all styles inline."""

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.utils.safestring import mark_safe
from django.utils.translation import override

from broadcasts.composing import sanitising
from broadcasts.composing.plain_text import to_plain_text
from broadcasts.models import Broadcast, Content

PREHEADER_LENGTH = 110


@dataclass(frozen=True)
class Marks:
    """Stand where a delivery's own tokens will; empty for an email that nothing may track."""

    pixel: str = ""
    preferences: str = ""


def render_html(broadcast: Broadcast, content: Content, marks: Marks) -> str:
    """The whole HTML document, sanitised once more, merge fields still in it."""
    body = sanitising.clean(content.body_html)
    context = {"body": mark_safe(body), "preheader": preheader(body)}  # noqa: S308 - nh3 has just cleaned it
    return str(style_sheet_inliner().inline(_render("email/broadcast.html", broadcast, content, marks, context)))


def render_text(broadcast: Broadcast, content: Content, marks: Marks) -> str:
    body = content.body_text.strip() or to_plain_text(sanitising.clean(content.body_html))
    return _render("email/broadcast.txt", broadcast, content, marks, {"body": mark_safe(body)})  # noqa: S308 - no HTML


def preferences_url(token: str) -> str:
    return render_to_string("email/preferences_url.txt", {"site_url": settings.SITE_URL, "token": token}).strip()


def preheader(body: str) -> str:
    """The line that mailboxes show beside the subject: how the message begins, no field cut in two."""
    text = " ".join(to_plain_text(body, is_decorated=False).split())
    if len(text) <= PREHEADER_LENGTH:
        return text
    cut = text[:PREHEADER_LENGTH].rpartition(" ")[0]
    opened, closed = cut.rfind("{{"), cut.rfind("}}")
    return (cut[:opened].rstrip() if opened > closed else cut) + " …"


def _render(template: str, broadcast: Broadcast, content: Content, marks: Marks, context: dict[str, Any]) -> str:
    with override(content.language):
        return render_to_string(
            template,
            {
                "broadcast": broadcast,
                "school": broadcast.school,
                "content": content,
                "site_url": settings.SITE_URL,
                "marks": marks,
                "is_emergency": bool(broadcast.broadcast_type and broadcast.broadcast_type.is_emergency),
                "is_required": bool(broadcast.broadcast_type and broadcast.broadcast_type.is_required),
            }
            | context,
        )


@cache
def style_sheet_inliner() -> Any:
    # keep_at_rules: the dark colours live in @media. Loading sheets by address would let a message call inside.
    return import_module("css_inline").CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)
