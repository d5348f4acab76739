"""What a mail server's words about one recipient mean: for replies here and now, and for reports that come later.

Words are looked at first, then the enhanced code, then the reply code: servers misuse codes more often than words.
Only words about the address itself say Failed, and not against other evidence: see `_unless_contradicted`.
"""

import re
from dataclasses import dataclass
from functools import cache

from broadcasts.delivering.reply_table import (
    AT_THE_DOOR,
    BY_A_FILTER,
    BY_RULE,
    LINES,
    NOT_NOW,
    TOO_MANY,
    UNCLEAR,
    UNSAID,
    Line,
)
from broadcasts.results import Result

LONGEST_READ = 4000  # characters of what somebody wrote; the rest says nothing new


@dataclass(frozen=True)
class Reply:
    code: int
    enhanced: str
    text: str


@dataclass(frozen=True)
class Meaning:
    result: Result | None  # None: our own side's trouble, nobody is marked
    rule: str


# Filters say "user unknown" of mailboxes that exist, and RFC 5321 has "mailbox unavailable" for everything: they
# count when nothing but the address had been named yet.
_SAID_OF_OTHERS = {"user unknown", "mailbox unavailable"}
_ABOUT_ONE_MAILBOX = {"no such mailbox", "address turned away", "moved", "address rejected", *_SAID_OF_OTHERS}


def parse_reply(code: int, message: bytes) -> Reply:
    """A reply as smtplib gives it: the enhanced code (RFC 2034) is the first word of the text, when there is one."""
    text = message.decode("utf-8", "replace").replace("\n", " ").replace("\0", "").strip()
    found = re.match(r"([245]\.\d{1,3}\.\d{1,3})\b", text)
    return Reply(code, found[1] if found else "", text[:2000])


def classify(code: int | None, enhanced: str, text: str, stage: str = "", context: str = "") -> Meaning:
    """What a refusal of one recipient (4yz or 5yz) argues for.

    `stage`: what the server was answering, "connect", "mail", "rcpt" or "data" (also "body"); empty when nobody says,
    "unsaid" when that is all the more reason to doubt the words: a report that only people were meant to read.
    `context`: what is written around the server's own words; it decides where they and the exact code say nothing.
    """
    line = _find_line(code, enhanced, text, context)
    if line.result is None:
        return Meaning(None, line.rule)
    if line.result is Result.FAILED:
        line = _unless_contradicted(line, enhanced, stage)
    # A temporary refusal never condemns an address, whatever its words.
    is_temporary = enhanced.startswith("4.") if enhanced else code is not None and 400 <= code < 500
    return Meaning(Result.SOFT_BOUNCED if is_temporary else line.result, line.rule)


def plain_words(rule: str) -> str:
    """What a line of the table says to people: “mailbox full”; empty for a rule that is none of ours."""
    line = BY_RULE.get(rule.removeprefix("report: failed, ").removeprefix("report: delayed, "))
    return str(line.words) if line else ""


def _find_line(code: int | None, enhanced: str, text: str, context: str) -> Line:
    detail = f"5{enhanced[1:]}" if enhanced else ""  # for good or for now, the trouble is the same
    said = _line_of_words(enhanced, text)
    exact = _line_of_code(detail) or _line_of_code(f"{code}")
    if said and not (said.is_vague and exact):
        return said
    found = exact or (_line_of_words(enhanced, context) if context else None) or _line_of_code(detail[:3])
    if found:
        return found
    if f"{code}" in TOO_MANY.codes and not enhanced:
        return TOO_MANY
    is_temporary = enhanced.startswith("4.") or (code is not None and 400 <= code < 500)
    return NOT_NOW if is_temporary else UNSAID


def _unless_contradicted(line: Line, enhanced: str, stage: str) -> Line:
    """What takes the word "address" back, the strongest first."""
    if stage in {"connect", "mail"}:
        return AT_THE_DOOR
    if line.rule not in _ABOUT_ONE_MAILBOX or enhanced.startswith(("4.1.", "5.1.")):
        return line
    # 5.2 and 5.7 are about a mailbox that exists and about rules: words against a code, unless the stage tips it.
    says_otherwise = enhanced.startswith(("5.2.", "5.7.")) and stage != "rcpt"
    if stage in {"data", "body"} or says_otherwise:
        return BY_A_FILTER
    is_unclear = stage == "unsaid" if line.rule == "user unknown" else stage != "rcpt"
    return UNCLEAR if line.rule in _SAID_OF_OTHERS and is_unclear else line


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], Line], ...]:
    return tuple((re.compile(line.pattern), line) for line in LINES if line.pattern)


def _line_of_words(enhanced: str, text: str) -> Line | None:
    words = f"{enhanced} {_only_words(text)}"
    return next((line for pattern, line in _patterns() if pattern.search(words)), None)


def _line_of_code(code: str) -> Line | None:
    return next((line for line in LINES if code and code in line.codes), None)


def _only_words(text: str) -> str:
    """Addresses, links and codes taken out: `does-not-exist@home.example` says nothing about its mailbox."""
    plain = re.sub(r"https?://\S+|<?[^\s<>:;]+@[^\s<>:;,]+>?", " @ ", text[:LONGEST_READ].lower())
    plain = re.sub(r"\b[245]\d\d[ -]|\(?#?\b[245]\.\d{1,3}\.\d{1,3}\b\)?", " ", plain)
    return " ".join(plain.replace("\u2019", "'").split())
