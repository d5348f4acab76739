"""Bounces that only people were meant to read: the address by flufl.bounce, the reason by the table of replies."""

import logging
import re
from email.message import Message
from email.utils import getaddresses, parseaddr

from flufl.bounce import all_failures

from tracking.bounces.reports import Finding, Report, ReportKind, subject_of
from tracking.bounces.wording import notification, part_about, reply_code_in, stage_before, stage_in, status_in
from tracking.meanings import ACTIONS, Meaning, meaning_of_failure

logging.getLogger("flufl.bounce").setLevel(logging.CRITICAL)  # it logs a traceback for what it cannot read

MOST_ADDRESSES = 50
LONGEST_FIELD = 5_000
LONGEST_FOR_FLUFL, A_PART = 60_000, 300
UNSAID = "unsaid"  # for the table: no stage, and nothing that would have to name one
_SYSTEMS = re.compile(
    r"^(?:mailer[- ]?daemon|post_?master|mail-?admin|mailadm|majordomo|bounce)\b|mail delivery (?:sub)?system",
    re.IGNORECASE,
)
_SUBJECTS = re.compile(
    r"undeliver|non.?deliver|returned? (?:mail|to sender)|delivery (?:status|failure|has failed|problem|report"
    r"|notification|error)"
    r"|(?:mail|message|delivery|sending)\b.{0,30}\bfail|failure notice|failed mail|could ?n[o']t be delivered"
    r"|error sending"
    r"|mail (?:system )?error|returning message|unzustellbar|nicht zugestellt|non remis|no entregado|devuelto"
    r"|(?:メール|配信|配送)エラー|送信できません",
    re.IGNORECASE,
)
_DELAYED = re.compile(
    r"delay(?:ed)?\b|warning: |still being (?:re)?tried|(?:do not|not) need to (?:resend|send)|no action is required"
    r"|(?:will|shall) (?:continue|keep|be retried|retry)|will try again|not yet been delivered|verzögert"
    r"|temporary (?:delivery )?(?:failure|problem)",
    re.IGNORECASE,
)
_GIVEN_UP = re.compile(
    r"permanent|giv(?:en|ing) up|could not be delivered|unable to deliver|failed|will not be retried", re.IGNORECASE
)
_ADDRESS = r"[^\s<>()\[\],;:\"']+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"
_TRANSCRIPT = re.compile(rf"^[45]\d\d (?:[45][.\d]+ )?<({_ADDRESS})>\.\.\. ", re.MULTILINE)
_PASSED_ON = re.compile(rf"\((?:ultimately )?(?:generated|expanded) from:? <?({_ADDRESS})")
# Where mail systems put the address they write about, the surest place first.
_PLACES = tuple(
    re.compile(place, re.IGNORECASE | re.MULTILINE)
    for place in (
        rf"^[ \t]*(?:rcpt to|recipient(?: address)?|>>> rcpt to):?[ \t]*<?({_ADDRESS})",
        rf"^[ \t]*<?({_ADDRESS})>?",
        rf"(?:(?:mail|message|delivered) to:?|rejected recipient|errors:|full:) <?({_ADDRESS})",
        rf"<({_ADDRESS})>",
        rf"\b({_ADDRESS})",
    )
)


def is_from_mail_system(message: Message) -> bool:
    name, address = parseaddr(str(message["From"] or ""))
    sender = str(message["From"] or "")
    return bool(
        message["X-Failed-Recipients"]
        or _SYSTEMS.search(address)
        or _SYSTEMS.search(name)
        or _SYSTEMS.match(sender.strip())
    )


def read_text_bounce(message: Message) -> Report | None:
    if not is_from_mail_system(message) and not _SUBJECTS.search(subject_of(message)):
        return None
    text = notification(message)
    addresses = _addresses(message, text)
    findings = tuple(_read_one(message, text, address, addresses) for address in addresses or ("",))
    return Report(ReportKind.TEXT, tuple(one for one in findings if one)) if any(findings) else None


def _read_one(message: Message, text: str, address: str, addresses: tuple[str, ...]) -> Finding | None:
    said = part_about(text, address, tuple(other for other in addresses if other != address)) if address else text
    has_others = len(addresses) > 1  # what the rest of the text says may be about them
    status, code = status_in(said) or ("" if has_others else status_in(text)), reply_code_in(said)
    stage = stage_in(said) or (stage_before(text, address) if has_others else stage_in(text)) or UNSAID
    meaning = _meaning_of(message, said, status, code, stage)
    if meaning is None:
        return None
    return Finding(meaning, None, address, "", status, code, " ".join(said.split())[:2000])


def _meaning_of(message: Message, said: str, status: str, code: str, stage: str) -> Meaning | None:
    about = f"{subject_of(message)}\n{notification(message)}"
    if _DELAYED.search(about) and not _GIVEN_UP.search(about):
        return ACTIONS["delayed"]
    meaning = meaning_of_failure(status, said, code, stage, about)
    is_told = bool(status or code or meaning.rule != "report: failed, no reason given")
    return meaning if is_told or is_from_mail_system(message) else None


def _addresses(message: Message, text: str) -> tuple[str, ...]:
    ours = {address.lower() for _name, address in getaddresses([str(message[name] or "") for name in ("To", "From")])}
    named = re.findall(_ADDRESS, str(message["X-Failed-Recipients"] or "")[:LONGEST_FIELD])
    found = named or _TRANSCRIPT.findall(text) or _by_flufl(message, text) or _by_place(text, ours)
    passed_on = set(_PASSED_ON.findall(text))
    wanted = dict.fromkeys(address.strip(".") for address in found if not _SYSTEMS.match(address))
    wanted = dict.fromkeys(address for address in wanted if address not in passed_on) or wanted
    return tuple(wanted)[:MOST_ADDRESSES]


def _by_flufl(message: Message, text: str) -> list[str]:
    """What it finds outside the report's own sentences belongs to somebody else."""
    # Its patterns take their time: only what is as long as bounces are.
    if sum(len(part.get_payload()) + A_PART for part in message.walk()) > LONGEST_FOR_FLUFL:
        return []
    try:
        for_now, for_good = all_failures(message)
    except Exception:  # noqa: BLE001 - its detectors stumble over malformed messages
        return []
    found = (address.decode("utf-8", "replace") for address in sorted(for_good | for_now))
    lower = text.lower()
    return [address for address in found if re.fullmatch(_ADDRESS, address) and address.lower() in lower]


def _by_place(text: str, ours: set[str]) -> list[str]:
    for place in _PLACES:
        found = [address for address in place.findall(text) if address.lower() not in ours]
        if found:
            return found[:MOST_ADDRESSES] if place in _PLACES[:2] else found[:1]
    return []
