"""What a mail server's reply about one recipient means, as a table.

Sources: RFC 5321 section 4.2 (reply codes), RFC 3463 and the IANA registry of enhanced codes (RFC 5248), and what
large providers write when they mean something else. Text is looked at first, then the enhanced code, then the
reply code: servers misuse codes more often than words.
"""

import re
from dataclasses import dataclass

from broadcasts.results import Result


@dataclass(frozen=True)
class Reply:
    code: int
    enhanced: str
    text: str


@dataclass(frozen=True)
class Meaning:
    result: Result | None  # None: our own side's trouble, nobody is marked
    rule: str


_OURS, _SOFT, _BOUNCED, _FAILED = None, Result.SOFT_BOUNCED, Result.BOUNCED, Result.FAILED

# (rule, result, words). The first that is found decides.
_TEXTS: tuple[tuple[str, Result | None, str], ...] = (
    ("we may not relay", _OURS, r"relay(ing)? (access )?(denied|not permitted|not allowed)|authentication required"),
    ("mailbox full", _SOFT, r"mailbox (is )?full|over ?quota|quota exceeded|insufficient (system )?storage"),
    ("greylisted", _SOFT, r"gr[ea]ylist|try again later|rate limit"),
    (
        "unknown user",
        _FAILED,
        (
            r"user unknown|unknown user|no such (user|recipient|mailbox)|invalid (recipient|mailbox)"
            r"|(user|mailbox|account|recipient) (does not exist|not found)|unrouteable address"
            r"|doesn'?t have an? .*account"
        ),
    ),
    # Microsoft 365 answers this for addresses that do not exist in the tenant.
    ("unknown user at Microsoft 365", _FAILED, r"5\.4\.1 .*recipient address rejected: access denied"),
    (
        "no such domain",
        _FAILED,
        r"(host|domain)( name)? not found|nxdomain|no such domain|domain .*does not exist|5\.4\.310",
    ),
)

# RFC 3463: bad sender's mailbox address syntax, bad sender's system address.
_OUR_SENDER = ("5.1.7", "5.1.8")

# RFC 3463: subject and detail of a permanent failure.
_PERMANENT: tuple[tuple[str, Result | None], ...] = (
    ("5.1.1", _FAILED),  # bad destination mailbox address
    ("5.1.2", _FAILED),  # bad destination system address
    ("5.1.3", _FAILED),  # bad destination mailbox address syntax
    ("5.1.6", _FAILED),  # mailbox has moved
    ("5.1.10", _FAILED),  # recipient address has null MX (RFC 7505)
    ("5.2.2", _SOFT),  # mailbox full: permanent by its class, temporary by its nature
    ("5.3.1", _SOFT),  # mail system full
)


def parse_reply(code: int, message: bytes) -> Reply:
    """A reply as smtplib gives it: the enhanced code (RFC 2034) is the first word of the text, when there is one."""
    text = message.decode("utf-8", "replace").replace("\n", " ").strip()
    found = re.match(r"([245]\.\d{1,3}\.\d{1,3})\b", text)
    return Reply(code, found[1] if found else "", text[:2000])


def classify(code: int | None, enhanced: str, text: str) -> Meaning:
    """What a refusal of one recipient (4yz or 5yz) argues for."""
    if enhanced in _OUR_SENDER:
        return Meaning(_OURS, enhanced)
    words = f"{enhanced} {text}".lower()
    is_temporary = enhanced.startswith("4.") if enhanced else code is not None and 400 <= code < 500
    for rule, result, pattern in _TEXTS:
        if re.search(pattern, words):
            # A temporary refusal never condemns an address, whatever its words.
            return Meaning(_SOFT if is_temporary and result is not None else result, rule)
    if is_temporary:
        return Meaning(_SOFT, enhanced or f"{code}")
    for known, result in _PERMANENT:
        if enhanced == known:
            return Meaning(result, known)
    if not enhanced and code in (452, 552):  # RFC 5321 section 4.5.3.1.10: treat 552 as temporary
        return Meaning(_SOFT, f"{code}")
    return Meaning(_BOUNCED, enhanced or f"{code or 'no code'}")
