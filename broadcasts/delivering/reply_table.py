"""The table of replies: which words and codes of a mail server mean what, for the ledger and for people.

Sources: RFC 5321 section 4.2 (reply codes); RFC 3463 and the IANA registry of enhanced codes (RFC 5248, 7372,
7504, 7505); the manuals of Postfix, Exim, Sendmail, qmail, Courier, Exchange, Domino and Oracle Messaging Server; the
postmaster pages of Google, Microsoft, Yahoo, Apple, Mail.ru, Orange and GMX; phrases that Sisimai (BSD) collected.
"""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from broadcasts.delivering.reply_words import ADDRESS_GONE, DOMAIN_GONE, MAILBOX_FULL, MOVED
from broadcasts.results import Result


@dataclass(frozen=True)
class Line:
    """`rule` is stored with what it decided; `words` go on after "bounced later:" and stand beside an address."""

    rule: str
    result: Result | None
    words: Promise
    pattern: str = ""
    codes: tuple[str, ...] = ()
    is_vague: bool = False  # a code that says more goes before these words


_OURS, _SOFT, _BOUNCED, _FAILED = None, Result.SOFT_BOUNCED, Result.BOUNCED, Result.FAILED
# Who a sentence is about, and how far the verb may be away from it.
_BOX = r"(e-?mail |mail)?(account|mailbox|mail ?folder|inbox|user(?:\(s\))?|recipient|address(?:ee)?)"
_NEAR = r"\b[^.;]{0,60}?\b"

# The first line whose words are found decides; with none found, the first whose code it is. The order is part of it:
# a server that will not have us often names the recipient too, and a full mailbox is an "invalid recipient" to some.
LINES: tuple[Line, ...] = (
    Line(
        "letters before the @ not taken",
        _BOUNCED,
        _("a mail server on the way cannot write to letters such as those before its @"),
        r"\bsmtputf8\b|non-?ascii (e-?mail )?(address|recipient|local.?part)|internationali[sz]ed (e-?mail )?address",
        ("5.6.7", "5.6.8", "5.6.9"),  # RFC 6531
    ),
    Line(
        "sender not verified",
        _BOUNCED,
        _("their mail server could not verify who sent it"),
        r"\b(spf|dkim|dmarc|sender ?id)\b|unauthenticated|not authori[sz]ed to send|not allowed to send (from|mail)"
        r"|invalid ip for sending|unsigned message",
        ("5.7.20", "5.7.21", "5.7.22", "5.7.23", "5.7.26"),  # RFC 7372
    ),
    Line(
        "we may not relay",
        _OURS,
        _("our mail server is not allowed to pass email on"),
        r"relay(ing)? (access )?(denied|not permitted|not allowed|prohibited)|no relaying|relaying? (is )?den"
        r"|(not allowed|not permitted|unable|refus\w+) to relay|do(es)? not relay|authentication (is )?required"
        r"|must (first )?authenticate|isn'?t in my list of allowed rcpthosts|not local host|gateway may not",
    ),
    Line(
        "our sender refused",
        _OURS,
        _("their mail server does not accept our sender address"),
        r"sender('s)? (address|domain|verif\w+)\b[^.;]{0,40}(reject|refus|fail|denied|invalid|unknown|not|unverif)"
        r"|(unknown|invalid|bad) (outbound )?sender|sender (is )?(unknown|invalid|denied)|verify sender"
        r"|domain of sender|bad return.?path|(mail from|return.?path|envelope.?(from|sender))\b[^.;]{0,40}invalid",
        ("5.1.7", "5.1.8"),  # bad sender's mailbox address syntax, bad sender's system address
    ),
    Line(
        "no reverse DNS",
        _BOUNCED,
        _("their mail server does not accept email from our server"),
        r"reverse (dns|lookup|address|mapping)|rdns|\bptr\b|mismatches client ip|(helo|ehlo)\b[^.;]{0,40}(reject"
        r"|inval|not)"
        r"|no (a|mx|dns) record for (your|the sending)|(find|resolve) your (reverse )?(host ?name|address)"
        r"|client host rejected",
        ("5.7.25",),  # RFC 7372
    ),
    # Exim as cPanel sets it up, when no mail server is found for the domain.
    Line("no server for the domain", _FAILED, _("no such domain"), r"the account or domain may not exist"),
    Line(
        "our server is on a block list",
        _BOUNCED,
        _("their mail server blocks our server"),
        r"black ?-?list|block ?-?list|deny ?-?list|\b(dns|r)bl\b|spamhaus|spamcop|\bsorbs\b|cloudmark|senderbase"
        r"|reputation"
        r"|blocked (for|using)|too many unwanted|refused to talk|banned sending"
        r"|\b(your|sending|sender|client|source) (\w+ )?(ips?|host|server|network)\b.{0,60}"
        r"(block|bann|listed|denied|refus|reject)|connections? (not accepted|refused by|rejected by"
        r"|from .{0,40} denied)",
        ("5.7.606", "5.7.511", "5.7.708"),  # Microsoft: banned and blocked sending addresses
    ),
    Line(
        "harmful content",
        _BOUNCED,
        _("their mail server did not like what is in it"),
        r"virus|malware|infected|trojan|security (issue|risk|threat)|banned (content|file)|its content\b"
        r"|(attachment|file type)\b.{0,40}"
        r"(not|prohibit|reject|block)|media error|duplicate header|bare (lf|cr)|multiple (addresses|from)"
        r"|non-?compliant"
        r"|rfc ?-?(2822|5322)\b|conversion (is )?(required|not)|(illegal|invalid|malformed|missing) (header"
        r"|message|mime)",
    ),
    Line(
        "taken for spam",
        _BOUNCED,
        _("their mail server took it for spam"),
        r"spam|unsolicited|\b(ube|uce)\b|junk|bulk mail|phish|(message|mail|content|e-?mail)( content)? (was "
        r"|has been |is )?"
        r"(rejected|blocked|refused|denied) (by|due|as|because)|content reject|looks like",
    ),
    Line(
        "the recipient's own filter",
        _BOUNCED,
        _("a filter of the mailbox refused it"),
        r"message filtered|refuses? to (receive|accept)|recipient preferences|user re(ject|fuses)"
        r"|blocked by the recipient"
        r"|only accepting (mail|e-?mail|messages) from|account is protected|user rules|not accepting any mail",
    ),
    Line("mailbox full", _SOFT, _("mailbox full"), MAILBOX_FULL, ("5.2.2",)),
    Line(
        "going round in circles",
        _BOUNCED,
        _("their mail servers send email round in circles"),
        r"(mail|routing|message) loop|loop (detected|back)|loops back|hop count|too many hops|looping",
        ("5.4.6", "5.4.14"),
    ),
    Line(
        "too big",
        _BOUNCED,
        _("email too big for their mailbox"),
        r"\b(message|mail|size)\b[^.;]{0,40}\b(too (big|large)|exceed)|(size|line) (limit|restriction)|too (big"
        r"|large)\b"
        r"|exceed\w*[^.;]{0,30}\bsize",
        ("5.3.4", "5.2.3"),
    ),
    Line(
        "mailbox closed",
        _BOUNCED,
        _("mailbox closed"),
        rf"{_BOX}{_NEAR}(disabled|inactive|suspended|locked|deactivated|closed|expired|discontinued|terminated|frozen"
        r"|blocked|cancell?ed|not active|on hold)\b|(inactive|disabled|suspended|deactivated|archived) (user"
        r"|account|mailbox|recipient)|currently suspended"
        r"|has been suspended|suspend the service|archiv[ée]e\b|no longer accepts mail",
        ("5.2.1", "5.7.13", "525"),
    ),
    Line("moved", _FAILED, _("no longer at this address"), MOVED, ("5.1.6", "551")),
    Line(
        "group closed to us",
        _BOUNCED,
        _("the group takes no email from us, or does not exist"),
        # In whatever language Google writes it, the signature is the same; it says itself that it may be either.
        r"google groups|(not|n't) (have )?permission to post|restricted (group|list)|only (members|subscribers)",
    ),
    # Microsoft 365 (directory based edge blocking) and Postfix's access tables say so of addresses they lack.
    Line("address turned away", _FAILED, _("no such mailbox"), r"recipient address rejected: access denied"),
    # RFC 7505: the domain's owner says that it takes no email, ever.
    Line(
        "domain takes no email",
        _FAILED,
        _("their domain takes no email"),
        r"\bnull ?mx\b|(host|domain)\b[^.;]{0,40}(does not|doesn'?t|never) (accept|receive)s? (any )?e?-?mail",
        ("5.1.10", "521", "556"),  # RFC 7504
    ),
    Line("no such domain", _FAILED, _("no such domain"), DOMAIN_GONE, ("5.1.2",)),
    # The whole answer names the address and gives no reason: Cisco's and others' to addresses that they do not know.
    Line(
        "address rejected",
        _FAILED,
        _("address rejected"),
        r"^([245][\d.]* )?(recipient )?(address )?(@ )?:? ?(recipient )?(address )?rejected\W*($|in reply to rcpt)",
    ),
    # RFC 5321 section 4.2.3 words 550 like this for any cause; Outlook.com means the address by it, with 5.5.0.
    Line("no such mailbox at Outlook.com", _FAILED, _("no such mailbox"), r"^5\.5\.0 .*\bmailbox unavailable"),
    Line("mailbox unavailable", _FAILED, _("mailbox unavailable"), r"\bmailbox (is )?unav\w*able"),
    # What filters of mailboxes say, too, of addresses that exist: see `_unless_contradicted`.
    Line("user unknown", _FAILED, _("no such mailbox"), r"\buser unknown|unknown user\b|no such user\b"),
    Line("no such mailbox", _FAILED, _("no such mailbox"), ADDRESS_GONE, ("5.1.1", "5.1.3")),
    Line(
        "too much at once",
        _SOFT,
        _("their mail server wants email more slowly"),
        r"gr[ea]y-?list|try (again|later)|come back later|rate limit|throttl|too many (connection|message"
        r"|recipient|mail)"
        r"|at a rate|too (fast|frequent|much mail)|frequency limit|exceeded\b[^.;]{0,30}\b(connections?|rate)\b"
        r"|temporar(y|ily) (defer|reject|unavail|suspend|fail|lookup|local|problem)|resources temporarily",
    ),
    Line(
        "their server could not be reached",
        _BOUNCED,
        _("their mail server could not be reached"),
        r"time(d|s)?[ -]?out|connection (refused|reset|closed|lost|dropped|failed)|connect to\b|no route to"
        r"|unreachable"
        r"|(could|can|did) ?n[o']t (connect|reach|be reached|respond)|not respond|retry time|deliver\w* time expired"
        r"|(message|delivery|envelope) expired|too long in (the )?queue|in the queue too long|giving up"
        r"|multiple retries|unable to contact"
        r"|not delivered within|has been delayed|failed to connect|lost connection|did not accept our requests",
        ("5.4.1", "5.4.7"),
    ),
    Line(
        "their mail system broke",
        _BOUNCED,
        _("their mail system has a fault"),
        r"mailer error|pipe to|command (died|failed|output|time)|system (config|error|fault)|internal (server )?error"
        r"|service (is )?(currently )?(unavailable|not available|refuse)|local (configuration )?error|i/o error"
        r"|misconfigur"
        r"|data ?base|permission denied|can'?t create|no space left",
    ),
    Line(
        "their rules forbid it",
        _BOUNCED,
        _("their mail server's rules forbid it"),
        r"polic(y|ies)|prohibited|not (allowed|permitted|authori[sz]ed|accept)|access (is )?denied|restrict\w*"
        r"|refused|rejected"
        r"|denied|does not like|unwilling",
        is_vague=True,
    ),
    # RFC 3463 section 3: what is left says at least what the trouble is about.
    Line("about the address", _BOUNCED, _("their mail server refused the address"), codes=("5.1",)),
    Line("about the mailbox", _BOUNCED, _("their mailbox refused it"), codes=("5.2",)),
    Line("mail system full", _SOFT, _("their mail system is full"), codes=("5.3.1",)),
    Line("about the mail system", _BOUNCED, _("their mail system refused it"), codes=("5.3",)),
    Line("about the network", _BOUNCED, _("their mail server could not be reached"), codes=("5.4",)),
    Line("about the conversation", _BOUNCED, _("the mail servers did not understand each other"), codes=("5.5",)),
    Line("about the content", _BOUNCED, _("their mail server did not like what is in it"), codes=("5.6",)),
    Line("about policy", _BOUNCED, _("their mail server's rules forbid it"), codes=("5.7",)),
)
UNSAID = Line("no reason given", _BOUNCED, _("their mail server gave no reason"))
# RFC 5321 section 4.5.3.1.10: treat 552 as 452.
TOO_MANY = Line("too many recipients", _SOFT, _("their mail server wants email more slowly"), codes=("452", "552"))
UNCLEAR = Line("address refused", _BOUNCED, _("their mail server refused the address"))
# Said before the recipient was named, or after the whole message was read, "no such user" is not about the address.
AT_THE_DOOR = Line("refused at the door", _BOUNCED, _("their mail server does not accept email from our server"))
BY_A_FILTER = Line("refused by a filter", _BOUNCED, _("a filter of the mailbox refused it"))
NOT_NOW = Line("not now", _SOFT, _("their mail server asked us to come back later"))

BY_RULE = {line.rule: line for line in (*LINES, UNSAID, TOO_MANY, UNCLEAR, AT_THE_DOOR, BY_A_FILTER, NOT_NOW)}
