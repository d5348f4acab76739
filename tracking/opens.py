"""Who opened it, a person or a machine: rules as data. The first that fits decides.

Sources, read for this table: Apple's and Gmail's fetching in the studies of SparkPost/Bird (9.8 billion opens) and
Mailgun's and SocketLabs' pages on Apple Mail Privacy Protection; the webhook pages of the providers for their flags;
Mautic's `BotRatioHelper` and its list of programs for scanners.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from django.conf import settings

from broadcasts.results import Result
from tracking.meanings import CHANGES_NOTHING, Kind, Meaning
from tracking.meanings.raw_details import value_at
from tracking.models import Event

Label = Event.Label


class Match(Enum):
    EXACTLY = auto()
    WITHIN = auto()


@dataclass(frozen=True)
class Program:
    """What a program calls itself (User-Agent), its family, and what its fetching is worth."""

    match: Match
    words: tuple[str, ...]
    family: str
    label: Label
    source: str


PROGRAMS: tuple[Program, ...] = (
    Program(
        Match.EXACTLY,
        ("Mozilla/5.0",),
        "Apple Mail, ahead of time",
        Label.AUTOMATIC,
        "Mail Privacy Protection fetches every picture, opened or not, and calls itself no more than this.",
    ),
    Program(
        Match.EXACTLY,
        (
            ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Chrome/42.0.2311.135 Safari/537.36 Edge/12.246 Mozilla/5.0"),
        ),
        "Gmail, ahead of time",
        Label.AUTOMATIC,
        "SparkPost/Bird: while a session is open; 1 to 6 % of Gmail's opens, none of them a person's.",
    ),
    Program(
        Match.WITHIN,
        ("googleimageproxy",),
        "Gmail",
        Label.PERSON,
        "Gmail's proxy fetches when the person opens (Bird; ScientiaMobile counts it among email programs).",
    ),
    Program(Match.WITHIN, ("yahoomailproxy",), "Yahoo Mail", Label.UNSURE, "A proxy; when it fetches is not known."),
    Program(
        Match.WITHIN,
        ("existence discovery",),
        "Microsoft Office, checking links",
        Label.SCANNER,
        "Microsoft Office Existence Discovery asks whether a link is alive.",
    ),
    Program(
        Match.WITHIN,
        ("microsoft outlook", "ms-office", "msoffice"),
        "Outlook",
        Label.PERSON,
        "Outlook on a computer shows pictures to whoever asks for them.",
    ),
    Program(
        Match.WITHIN,
        ("barracuda", "proofpoint", "mimecast", "safelinks", "fireeye", "symantec", "trendmicro", "zscaler"),
        "Security program",
        Label.SCANNER,
        "Programs before the mailbox that look at every picture and follow every link within a minute.",
    ),
    Program(
        Match.WITHIN,
        ("bot/", "bot;", "bot)", "crawler", "spider", "bingpreview", "phantomjs", "slurp"),
        "Robot",
        Label.SCANNER,
        "Mautic's list of robots.",
    ),
    Program(
        Match.WITHIN,
        ("headlesschrome",),
        "Chrome without a screen",
        Label.UNSURE,
        "Some programs at the mail server's door are one; so is whoever rehearses here with an automatic browser.",
    ),
    Program(
        Match.WITHIN,
        (
            "curl/", "wget/", "python-requests", "python-urllib", "aiohttp", "httpx/", "go-http-client", "java/",
            "libwww-perl", "apache-httpclient", "node-fetch", "axios/", "ruby", "guzzlehttp",
        ),
        "Program",
        Label.SCANNER,
        "Libraries for programs; no email program fetches its pictures with them.",
    ),
    Program(Match.WITHIN, ("thunderbird",), "Thunderbird", Label.PERSON, "An email program."),
    Program(Match.WITHIN, ("iphone", "ipad"), "iPhone or iPad", Label.PERSON, "A browser or email program."),
    Program(Match.WITHIN, ("android",), "Android", Label.PERSON, "A browser or email program."),
    Program(Match.WITHIN, ("edg/",), "Edge", Label.PERSON, "A browser."),
    Program(Match.WITHIN, ("chrome/",), "Chrome", Label.PERSON, "A browser."),
    Program(Match.WITHIN, ("firefox/",), "Firefox", Label.PERSON, "A browser."),
    Program(Match.WITHIN, ("macintosh", "safari/"), "Mac", Label.PERSON, "A browser or email program."),
)  # fmt: skip
# Nothing known, which is no evidence for a machine: some people's programs say nothing.
UNKNOWN = Program(Match.EXACTLY, (), "", Label.PERSON, "An empty or unknown name alone proves nothing.")

_BY_FAMILY = {program.family: program for program in PROGRAMS}

# What providers have found out themselves: where it stands in their events, and what it says.
FLAGS: Mapping[str, tuple[tuple[str, Mapping[str, Label]], ...]] = {
    "SendGrid": (("sg_machine_open", {"true": Label.AUTOMATIC}),),
    "Mailgun": (
        (
            "event-data.client-info.bot",
            {"apple": Label.AUTOMATIC, "gmail": Label.AUTOMATIC, "generic": Label.SCANNER},
        ),
    ),
    "SparkPost": (
        ("msys.*.is_prefetched", {"true": Label.AUTOMATIC}),
        ("msys.*.user_agent_parsed.is_prefetched", {"true": Label.AUTOMATIC}),
    ),
    "Brevo": (("event", {"proxy_open": Label.AUTOMATIC, "unique_proxy_open": Label.AUTOMATIC}),),
}

# What an open is worth, by who made it.
RESULTS: Mapping[Label, Result] = {
    Label.PERSON: Result.OPENED,
    Label.UNSURE: Result.OPENED,
    # It is in the mailbox; perhaps nobody has seen it.
    Label.AUTOMATIC: Result.DELIVERED,
    # Before the mailbox, and before anybody decided whether it may go in.
    Label.SCANNER: CHANGES_NOTHING,
}


def program_of(agent: str) -> Program:
    """By what it calls itself, or by its family's name, which is all that is kept of events that wait to be used."""
    if agent in _BY_FAMILY:
        return _BY_FAMILY[agent]
    lower = agent.lower()
    for program in PROGRAMS:
        if program.match is Match.EXACTLY and agent in program.words:
            return program
        if program.match is Match.WITHIN and any(words in lower for words in program.words):
            return program
    return UNKNOWN


def flag_of(provider: str, raw: Any) -> Label | None:
    """What the provider says of it; None: nothing."""
    for path, says in FLAGS.get(provider, ()):
        found = says.get(str(value_at(raw, path)).lower())
        if found:
            return found
    return None


def worth(meaning: Meaning, label: Label) -> Meaning:
    """An open or a click (`meaning`) by whoever `label` says. One setting restores the count of others."""
    if settings.COUNT_MACHINE_OPENS:
        return meaning
    return Meaning(meaning.kind, min(meaning.result, RESULTS[label]), f"{meaning.rule}: {label.value}"[:60])


def is_about_opening(meaning: Meaning) -> bool:
    return meaning.kind in (Kind.OPENED, Kind.CLICKED)
