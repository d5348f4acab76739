"""What servers' words mean: who is at fault, and for how long."""

import pytest

from broadcasts.delivering.replies import classify, parse_reply
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
