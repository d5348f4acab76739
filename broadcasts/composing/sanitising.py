"""HTML that may stand in an email: nothing that runs, asks, embeds or hides; links and pictures by full address."""

import re
from functools import cache
from html.parser import HTMLParser

import nh3
from django.utils.translation import gettext as _
from django_prose_editor.config import allowlist_from_extensions, expand_extensions

from broadcasts.composing.editor import EXTENSIONS
from broadcasts.composing.pictures import own_path

# What people paste, and what a file given to the command carries, beyond what the editor itself writes.
MORE_TEXT_TAGS = ("h1", "h4", "h5", "h6", "b", "i", "u", "s", "sub", "sup", "small", "code", "pre", "abbr")
MORE_BLOCK_TAGS = ("div", "span", "center", "img", "caption", "tfoot", "dl", "dt", "dd")
MORE_ATTRIBUTES = {
    "*": {"lang", "dir", "title"},
    "a": {"href"},
    "img": {"src", "alt", "width", "height"},
    "ol": {"start", "type"},
    "th": {"rowspan", "colspan", "align", "valign"},
    "td": {"rowspan", "colspan", "align", "valign"},
}
URL_SCHEMES = {"http", "https", "mailto", "tel"}
# Their content is not meant for reading, so it goes with them.
WHOLLY_REMOVED = {"script", "style", "title", "noscript", "template", "iframe", "object", "svg", "math", "select"}

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_WEB = re.compile(r"https?://", re.IGNORECASE)
_LINK = re.compile(r"(https?://|mailto:|tel:)", re.IGNORECASE)
_BARE_HOST = re.compile(r"[\w-]+(\.[\w-]+)+([/?#:]|$)")


def clean(html: str) -> str:
    """Safe to store, show and send. Cleaning twice changes nothing."""
    cleaned = _CONTROL.sub("", html)
    # Dropping a tag can leave nesting that the next parser reads differently ("<p><button><p>").
    for _round in range(10):
        before, cleaned = cleaned, _cleaner().clean(cleaned)
        if cleaned == before:
            break
    return cleaned.strip()


def is_blank(html: str) -> bool:
    """Nothing to read and nothing to see."""
    if "<img" in html or "<hr" in html:
        return False
    text = re.sub(r"<[^>]*>|&nbsp;|[\u200b\ufeff]", "", html)
    return not text.strip()


def removed_parts(html: str) -> list[str]:
    """What `clean` takes out that its author would miss, in plain words."""
    finder = _Finder()
    finder.feed(html)
    finder.close()
    return list(dict.fromkeys(finder.found))


@cache
def _cleaner() -> nh3.Cleaner:
    allowed = allowlist_from_extensions(expand_extensions(EXTENSIONS))
    return nh3.Cleaner(
        tags={*allowed["tags"], *MORE_TEXT_TAGS, *MORE_BLOCK_TAGS},
        attributes=MORE_ATTRIBUTES,
        attribute_filter=_keep_attribute,
        clean_content_tags=WHOLLY_REMOVED,
        url_schemes=URL_SCHEMES,
        link_rel=None,
        strip_comments=True,
    )


def _keep_attribute(tag: str, attribute: str, value: str) -> str | None:
    if attribute not in ("href", "src"):
        return value
    if tag == "img":
        return own_path(value) or _full_address(value, _WEB)
    return _full_address(value, _LINK)


def _full_address(value: str, allowed: re.Pattern[str]) -> str | None:
    """An email has no page that an address could be relative to; “www.school.org” is what people type."""
    address = value.strip()
    if address.startswith("//"):
        address = "https:" + address
    elif _BARE_HOST.match(address) and not _LINK.match(address):
        address = "https://" + address
    return address if allowed.match(address) else None


def _is_nowhere(source: str) -> bool:
    return not own_path(source) and _full_address(source, _WEB) is None


class _Finder(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if words := _words_for(tag):
            self.found.append(words)
        for name, value in attrs:
            if name.startswith("on"):
                self.found.append(_("a script"))
            elif tag == "img" and name == "src" and _is_nowhere(value or ""):
                self.found.append(_("a picture that is not on the web (add it with “Add a picture” below)"))
            elif tag == "a" and name == "href" and _full_address(value or "", _LINK) is None:
                self.found.append(_("a link that does not lead to a web, email or phone address"))


def _words_for(tag: str) -> str:
    return {
        "script": _("a script"),
        "iframe": _("an embedded page"),
        "frame": _("an embedded page"),
        "object": _("an embedded object"),
        "embed": _("an embedded object"),
        "video": _("a video"),
        "audio": _("a sound"),
        "svg": _("a drawing"),
        "form": _("a form"),
        "input": _("a form"),
        "select": _("a form"),
        "textarea": _("a form"),
        "button": _("a button"),
        "style": _("style rules"),
        "link": _("style rules"),
    }.get(tag, "")
