"""The closed list of merge fields: written `{{ name }}` in a message, replaced for every recipient.

A user's text is never a template of Django's: a field is found by one pattern, and its value is escaped for the
place where it stands (ASVS 1.3.7).
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from html import escape, unescape
from urllib.parse import quote

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy


@dataclass(frozen=True)
class MergeField:
    name: str
    label: Promise | str
    fallback: Promise | str
    sample: Promise | str

    @property
    def code(self) -> str:
        return f"{{{{ {self.name} }}}}"


FIELDS: Mapping[str, MergeField] = {
    field.name: field
    for field in (
        MergeField(
            "name", gettext_lazy("Full name"), gettext_lazy("Parent or Guardian"), gettext_lazy("Maria Garcia")
        ),
        MergeField(
            "first_name", gettext_lazy("First name"), gettext_lazy("Parent or Guardian"), gettext_lazy("Maria")
        ),
        MergeField(
            "school", gettext_lazy("School"), gettext_lazy("our school"), gettext_lazy("Lincoln Elementary School")
        ),
        MergeField(
            "email", gettext_lazy("Email address"), gettext_lazy("your email address"), "maria.garcia@example.org"
        ),
    )
}

Escape = Callable[[str], str]
TITLES = frozenset({"mr", "mrs", "ms", "miss", "mx", "dr", "prof", "rev"})

_BLANK = r"(?:[\s\u00a0]|&nbsp;|%20)*"
# An address field of the editor writes its braces and blanks as percent codes.
_OPEN, _CLOSE = r"(?:\{\{|%7[Bb]%7[Bb])", r"(?:\}\}|%7[Dd]%7[Dd])"
# Without ASCII, a dotless i would pass for another case of i, and the values have no such key.
_FLAGS = re.IGNORECASE | re.ASCII
_FIELD = re.compile(rf"{_OPEN}{_BLANK}({'|'.join(FIELDS)}){_BLANK}{_CLOSE}", _FLAGS)
_CANDIDATE = re.compile(rf"{_OPEN}((?:(?!{_OPEN}|{_CLOSE}).)*){_CLOSE}", re.DOTALL)
# A field may have blanks inside, the rest of a web address none.
_WEB_ADDRESS = re.compile(rf"https?://(?:{_FIELD.pattern}|\S)*", _FLAGS)
_STRAY = re.compile(r"\{\{|\}\}")
# What nh3 and css-inline write: every "<" of a text is escaped, every attribute stands in double quotes.
_TAG = re.compile(r"</?[a-zA-Z](?:[^\"<>]|\"[^\"]*\")*>|<!--.*?-->", re.DOTALL)
_URL_VALUE = re.compile(r"\s(?:href|src)=\"([^\"]*)\"")


def first_name(name: str) -> str:
    """“Maria” of “Maria Garcia” and “Garcia, Maria”; the whole name where it opens with a title."""
    words = name.partition(",")[2].split() or name.replace(",", " ").split()
    if not words or words[0].rstrip(".").lower() in TITLES:
        return " ".join(name.split())
    return words[0]


def field_values(name: str, email: str, school: str) -> dict[str, str]:
    """What each field says to this recipient; an empty value is replaced by the field's fallback."""
    name = one_line(name)
    values = {"name": name, "first_name": first_name(name), "school": one_line(school), "email": one_line(email)}
    return {key: value or str(FIELDS[key].fallback) for key, value in values.items()}


def one_line(text: str) -> str:
    """Fit for a header: no line break, no control character, single blanks."""
    if not text.isprintable():
        text = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(text.split())


def as_is(value: str) -> str:
    return value


def in_html(value: str) -> str:
    return escape(value, quote=True)


def in_url(value: str) -> str:
    return quote(value, safe="")


@dataclass(frozen=True)
class Segments:
    """A text cut at its fields: `literals[0] slots[0] literals[1] ...`."""

    literals: tuple[str, ...]
    slots: tuple[tuple[str, Escape], ...]

    def fill(self, values: Mapping[str, str]) -> str:
        pieces = [self.literals[0]]
        for (name, escaped), literal in zip(self.slots, self.literals[1:], strict=True):
            pieces += (escaped(values[name]), literal)
        return "".join(pieces)


def cut_text(text: str, marks: Mapping[str, str] | None = None) -> Segments:
    """Plain text or a subject; values inside of a web address are percent-encoded.

    `marks`: more strings to cut at, with the names of their values.
    """
    in_addresses = {
        field.start()
        for address in _WEB_ADDRESS.finditer(text)
        for field in _FIELD.finditer(text, address.start(), address.end())
    }
    return _cut(text, marks or {}, lambda position: in_url if position in in_addresses else as_is)


def cut_html(html: str, marks: Mapping[str, str] | None = None) -> Segments:
    """HTML as our own serialisers write it; values inside of href and src are percent-encoded, else escaped."""
    spans = [
        (tag.start() + value.start(1), tag.start() + value.end(1))
        for tag in _TAG.finditer(html)
        for value in _URL_VALUE.finditer(tag.group())
    ]
    starts = [start for start, _end in spans]

    def escape_at(position: int) -> Escape:
        nearest = bisect_right(starts, position) - 1
        return in_url if nearest >= 0 and position < spans[nearest][1] else in_html

    return _cut(html, marks or {}, escape_at)


def _cut(text: str, marks: Mapping[str, str], escape_at: Callable[[int], Escape]) -> Segments:
    pattern = re.compile("|".join([_FIELD.pattern, *map(re.escape, marks)]), _FLAGS)
    literals, slots, position = [], [], 0
    for match in pattern.finditer(text):
        literals.append(text[position : match.start()])
        name = (match.group(1) or "").lower() or marks[match.group()]
        slots.append((name, escape_at(match.start())))
        position = match.end()
    literals.append(text[position:])
    return Segments(tuple(literals), tuple(slots))


def problems_in_text(text: str) -> list[str]:
    """What is wrong with the fields of a subject or a plain text, in plain words."""
    return list(dict.fromkeys(_problems(text)))


def problems_in_html(html: str) -> list[str]:
    """The same for sanitised HTML, where formatting may cut a field in two."""
    shown = unescape(_TAG.sub("", html))
    written = unescape(_TAG.sub("\0", html))
    found = list(_problems(shown))
    found += [
        _("The field “%(field)s” has formatting in its middle. Delete it and insert it again in one piece.")
        % {"field": one_line(match.group())[:80]}
        for match in _CANDIDATE.finditer(shown)
        if shown.count(match.group()) > written.count(match.group())
    ]
    for tag in _TAG.findall(html):
        found += _problems(unescape(tag))
    return list(dict.fromkeys(found))


def _problems(text: str) -> Iterator[str]:
    known = ", ".join(field.code for field in FIELDS.values())
    for match in _CANDIDATE.finditer(text):
        if not _FIELD.fullmatch(match.group()):
            yield _("There is no field “%(field)s”. The fields are %(known)s.") % {
                "field": one_line(match.group())[:80],
                "known": known,
            }
    rest = _CANDIDATE.sub("", text)
    for match in _STRAY.finditer(rest):
        around = one_line(rest[max(0, match.start() - 15) : match.end() + 15])
        yield _("A field is not complete near “%(around)s”. Write it like %(example)s, or delete the braces.") % {
            "around": around,
            "example": FIELDS["first_name"].code,
        }
