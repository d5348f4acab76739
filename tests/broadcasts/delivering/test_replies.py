"""What servers' words mean: who is at fault, and for how long."""

import pytest

from broadcasts.delivering.replies import classify, parse_reply, plain_words
from broadcasts.delivering.reply_table import BY_RULE, LINES
from broadcasts.results import Result

FAILED, SOFT, BOUNCED, OURS = Result.FAILED, Result.SOFT_BOUNCED, Result.BOUNCED, None


@pytest.mark.parametrize(
    ("code", "text", "result"),
    [
        (550, "5.1.1 <a@x.example>: Recipient address rejected: User unknown in virtual mailbox table", FAILED),
        (550, "5.1.1 The email account that you tried to reach does not exist", FAILED),
        (550, "5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup", FAILED),
        (550, "5.4.1 Recipient address rejected: Access denied", FAILED),
        (550, "5.1.2 Host or domain name not found", FAILED),
        (550, "No such user here", FAILED),
        (552, "5.2.2 Mailbox full", SOFT),
        (452, "4.2.2 Over quota", SOFT),
        (450, "4.7.1 Greylisted, try again later", SOFT),
        (450, "4.1.1 user unknown", SOFT),
        (421, "4.7.0 too many connections", SOFT),
        (552, "too many recipients", SOFT),
        (550, "5.7.1 Message rejected due to local policy", BOUNCED),
        (554, "5.7.26 This mail has been blocked because the sender is unauthenticated", BOUNCED),
        (552, "5.3.4 Message size exceeds fixed limit", BOUNCED),
        (550, "5.2.1 The account is disabled", BOUNCED),
        (554, "Transaction failed", BOUNCED),
        (550, "5.7.1 Relaying denied", OURS),
        (530, "5.7.0 Authentication required", OURS),
        (550, "5.2.2 Mailbox over quota", SOFT),
        (550, "Requested action not taken: mailbox unavailable", BOUNCED),
        (550, "5.5.0 Requested action not taken: mailbox unavailable (S2017062302)", FAILED),
        (550, "#5.1.0 Address rejected.", FAILED),
        (550, "5.1.0 <a@x.example>: Sender address rejected: Domain not found", OURS),
        (550, "5.7.1 Service unavailable; client host [192.0.2.1] blocked using zen.spamhaus.org", BOUNCED),
        (550, "5.7.1 Message rejected as spam by Content Filtering", BOUNCED),
        (550, "5.7.25 The IP address sending this message does not have a PTR record", BOUNCED),
        (556, "x.example does not accept mail", FAILED),
        (551, "User not local", FAILED),
        (550, "5.4.6 Too many hops", BOUNCED),
        (450, "4.1.2 Host not found, try again", SOFT),
        (550, "<a@x.example> not found", FAILED),
        (550, "sorry, this recipient is not in my validrcptto list", FAILED),
        (550, "no existe ese usuario", FAILED),
        (550, "Recipient domain must exist", FAILED),
        (550, "Recipient rejected: mailbox would exceed maximum allowed storage", SOFT),
        (550, "You have been blocked by the recipient", BOUNCED),
        (550, "This account has been suspended", BOUNCED),
        (550, "does-not-exist@x.example: we do not want this", BOUNCED),
        (550, "5.7.1 https://x.example/no-such-user", BOUNCED),
        (550, "5.1.8 Sender address rejected: Domain not found", OURS),
    ],
)
def test_a_refusal_means(code: int, text: str, result: Result | None) -> None:
    reply = parse_reply(code, text.encode())
    assert classify(reply.code, reply.enhanced, reply.text).result == result


def test_a_reply_is_cut_and_decoded() -> None:
    reply = parse_reply(550, b"5.1.1 caf\xe9\nsecond line" + b"x" * 5000)
    assert reply.enhanced == "5.1.1"
    assert "\n" not in reply.text
    assert len(reply.text) <= 2000


@pytest.mark.parametrize(
    ("enhanced", "text", "stage", "result"),
    [
        ("", "User unknown", "rcpt", FAILED),
        ("", "User unknown", "", FAILED),
        # A filter of the mailbox that does not want to be seen.
        ("", "User unknown", "data", BOUNCED),
        ("", "User unknown", "body", BOUNCED),
        ("5.1.1", "User unknown", "data", FAILED),
        # Words against a code, and what tips the scales.
        ("5.2.1", "User unknown", "", BOUNCED),
        ("5.2.1", "User unknown", "rcpt", FAILED),
        # It had not been said yet who it is for.
        ("5.1.1", "x.example does not exist", "mail", BOUNCED),
        ("", "Mailbox unavailable", "rcpt", FAILED),
        ("", "Mailbox unavailable", "data", BOUNCED),
    ],
)
def test_the_stage_weighs_as_much_as_the_words(enhanced: str, text: str, stage: str, result: Result) -> None:
    assert classify(550, enhanced, text, stage).result == result


def test_what_is_written_around_it_counts_when_the_server_says_nothing() -> None:
    assert classify(550, "5.0.0", "Transaction failed", "rcpt", "The mailbox is full.").rule == "mailbox full"
    assert classify(550, "5.1.1", "Transaction failed", "rcpt", "The mailbox is full.").rule == "no such mailbox"


def test_every_rule_has_words_and_a_name_of_its_own() -> None:
    assert all(plain_words(line.rule) for line in LINES)
    assert len(BY_RULE) == len({line.rule for line in LINES}) + 6
    assert plain_words("report: failed, mailbox closed") == "mailbox closed"
    assert plain_words("picture fetched") == ""
    assert all(len(f"report: failed, {line.rule}") <= 60 for line in LINES)  # the column of an event
