"""What the cells of one person mean: name, addresses, language, kind."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from django.conf.locale import LANG_INFO

from broadcasts.addresses import PLAIN_ADDRESS, address_key, explain_invalid
from broadcasts.models import Person

MAX_ADDRESS = 320

KINDS = {
    word: kind
    for kind, words in {
        Person.Kind.STUDENT: "student students pupil pupils child learner",
        Person.Kind.GUARDIAN: "guardian guardians parent parents mother father mom mum dad family contact "
        "grandparent grandmother grandfather stepmother stepfather relative caregiver",
        Person.Kind.STAFF: "staff teacher teachers employee faculty administrator principal aide",
    }.items()
    for word in words.split()
}
LANGUAGE_CODE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8}){0,2}")
LANGUAGE_NAMES = {
    info[form].casefold(): code for code, info in LANG_INFO.items() for form in ("name", "name_local") if form in info
} | {
    "eng": "en",
    "spa": "es",
    "espanol": "es",
    "castellano": "es",
    "francais": "fr",
    "portugues": "pt",
    "chinese": "zh-hans",
    "mandarin": "zh-hans",
    "中文": "zh-hans",
    "haitian creole": "ht",
    "somali": "so",
    "hmong": "hmn",
    "tagalog": "tl",
    "amharic": "am",
    "farsi": "fa",
}
LIKELY_DOMAINS = {
    wrong: right
    for right, wrongs in {
        "gmail.com": "gmial.com gmai.com gmal.com gamil.com gnail.com gmaill.com gmail.co gmail.cm gmeil.com",
        "hotmail.com": "hotmial.com hotmal.com hotmai.com hotmali.com hotmail.co hotmaill.com",
        "yahoo.com": "yaho.com yahooo.com yhoo.com yahoo.co yahoo.cm",
        "outlook.com": "outlok.com outloo.com outlook.co",
        "icloud.com": "iclod.com icoud.com icloud.co",
    }.items()
    for wrong in wrongs.split()
}
LIKELY_ENDINGS = re.compile(r"\.(con|cmo|ocm|vom|xom|coom|comm)$")

# Stored as part of the address, so in no language of its reader: the same file must give the same address again.
LINE_BREAK = " (line break) "
LINE_BREAKS = re.compile(r"[\r\n]+")

# Direction marks and blanks without width come along when an address is copied from a web page.
INVISIBLE = "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\xad"
_BLANKS = "".join(map(chr, range(33))) + "\x7f\xa0" + INVISIBLE
# Names of some languages are written with the joiners U+200C and U+200D.
_UNWANTED_IN_NAMES = {ord(char): None for char in INVISIBLE if char not in "\u200c\u200d"} | dict.fromkeys(
    [*range(32), *range(127, 161)], " "
)


@dataclass(frozen=True, slots=True)
class Address:
    address: str  # as given, blanks around it trimmed, nothing invisible left in it
    key: str
    problem: str = ""  # why no mail can be addressed to it, in plain words
    likely: str = ""  # what was probably meant


def read_name(text: str) -> str:
    return " ".join(text.translate(_UNWANTED_IN_NAMES).split())


def read_addresses(cells: Iterable[str]) -> tuple[Address, ...]:
    """All addresses of a person's email cells, each once."""
    found: dict[str, Address] = {}
    for cell in cells:
        for piece in re.split("[;,]", cell):
            if given := piece.strip(_BLANKS):
                shown = _visible(given)
                key = address_key(shown)
                if key not in found:
                    found[key] = Address(shown, key, _problem(given), _likely(key))
    return tuple(found.values())


def read_language(text: str) -> str | None:
    """A language code like `es` or `pt-br`; None when it is neither a code nor a name we know."""
    plain = " ".join(text.casefold().split())
    code = LANGUAGE_NAMES.get(plain, plain.replace("_", "-"))
    return code if not code or LANGUAGE_CODE.fullmatch(code) else None


def read_kind(text: str) -> str | None:
    """A value of Person.Kind; empty for an empty cell; None when we do not know the word."""
    return KINDS.get(text.strip().casefold()) if text.strip() else ""


def _visible(given: str) -> str:
    """Nothing that could end a header line or hide from the reader."""
    shown = given if given.isprintable() else "".join(map(_picture, LINE_BREAKS.sub(LINE_BREAK, given)))
    return shown if len(shown) <= MAX_ADDRESS else shown[: MAX_ADDRESS - 1] + "…"


def _picture(char: str) -> str:
    if char < " ":
        return chr(0x2400 + ord(char))  # Unicode's pictures of control characters, like ␈ and ␉
    return char if char.isprintable() else "\ufffd"


def _problem(given: str) -> str:
    return "" if PLAIN_ADDRESS.fullmatch(given) else explain_invalid(given)


def _likely(key: str) -> str:
    local, at, domain = key.rpartition("@")
    right = LIKELY_DOMAINS.get(domain) or LIKELY_ENDINGS.sub(".com", domain)
    return f"{local}@{LIKELY_DOMAINS.get(right, right)}" if at and right != domain else ""
