"""What messages mean that came back: from their bytes alone."""

import json
from binascii import b2a_base64, b2a_qp
from pathlib import Path

import pytest

from broadcasts.results import Result
from tests.tracking.test_ingesting import dsn
from tracking.bounces.explaining import explain
from tracking.bounces.reports import Finding, ReportKind

ROOT = Path(__file__).resolve().parents[3]
DAEMON = "From: Mail Delivery System <MAILER-DAEMON@mx.example>\r\n"

QMAIL = """\
From: MAILER-DAEMON@mx.example
Subject: failure notice

Hi. This is the qmail-send program at mx.example.
I'm afraid I wasn't able to deliver your message to the following addresses.

<ann@home.example>:
192.0.2.1 does not like recipient.
Remote host said: 550 5.1.1 <ann@home.example>... User unknown
Giving up on 192.0.2.1.

<ben@home.example>:
192.0.2.1 does not like recipient.
Remote host said: 552 5.2.2 <ben@home.example>... Mailbox full
Giving up on 192.0.2.1.

--- Below this line is a copy of the message.

Subject: no such user, no such domain
X-Delivery-Id: a1.00112233445566778899
"""

IN_UTF8 = """\
Reporting-MTA: dns; mx.example
Original-Envelope-Id: a1.00112233445566778899

Original-Recipient: utf-8; jürgen@home.example
Final-Recipient: utf-8; jürgen@home.example
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 <jürgen@home.example>: no such user “jürgen”
"""

EXIM = """\
From: Mail Delivery System <Mailer-Daemon@mx.example>
Subject: Mail delivery failed: returning message to sender
Auto-Submitted: auto-replied
X-Failed-Recipients: ann@home.example

This message was created automatically by mail delivery software.

  ann@home.example
    host mx.home.example [192.0.2.1]
    SMTP error from remote mail server after {stage}:
    550 {words}

------ This is a copy of the message, including all the headers. ------

Subject: Snow day
"""

WAITING = """\
From: Mail Delivery System <Mailer-Daemon@mx.example>
Subject: Warning: message delayed 24 hours

This message was created automatically by mail delivery software.
A message that you sent has not yet been delivered to one or more of its
recipients after more than 24 hours on the queue on mx.example.

  ann@home.example
    Delay reason: host mx.home.example [192.0.2.1]: 451 4.7.1 Greylisted

No action is required on your part. Delivery attempts will continue.
"""


def only(raw: str | bytes) -> Finding:
    data = raw.replace("\n", "\r\n").encode() if isinstance(raw, str) else raw
    (finding,) = explain(data).findings
    return finding


def result_of(finding: Finding) -> Result | None:
    return finding.meaning.result if finding.meaning else None


def test_each_address_of_a_text_has_its_own_reason() -> None:
    report = explain(QMAIL.encode())
    assert report.kind is ReportKind.TEXT
    told = {one.address: (result_of(one), one.status, one.reply_code) for one in report.findings}
    assert told == {
        "ann@home.example": (Result.FAILED, "5.1.1", "550"),
        "ben@home.example": (Result.BOUNCED, "5.2.2", "552"),
    }


def test_the_returned_email_names_itself_and_says_nothing_else() -> None:
    report = explain(QMAIL.encode())
    assert report.names == ("a1.00112233445566778899",)
    assert not any("no such domain" in one.text for one in report.findings)


@pytest.mark.parametrize(
    ("stage", "words", "result"),
    [
        ("RCPT TO:<ann@home.example>", "no such user", Result.FAILED),
        # Whoever looks at addresses says so at RCPT; after the message it is a filter that does not want to be seen.
        ("end of data", "no such user", Result.BOUNCED),
        ("MAIL FROM:<b@school.example>", "school.example does not exist", Result.BOUNCED),
        ("RCPT TO:<ann@home.example>", "Blocked, see zen.spamhaus.org: no such user", Result.BOUNCED),
    ],
)
def test_the_stage_tips_the_scales(stage: str, words: str, result: Result) -> None:
    assert result_of(only(EXIM.format(stage=stage, words=words))) == result


def test_a_bounce_that_calls_itself_a_reply_proves_no_arrival() -> None:
    report = explain(EXIM.format(stage="RCPT TO:<x@y>", words="no such user").encode())
    assert report.kind is ReportKind.TEXT
    as_report = dsn().replace(b"From: ", b"Auto-Submitted: auto-replied\r\nFrom: ")
    assert explain(as_report).kind is ReportKind.DSN


def test_a_warning_is_no_end() -> None:
    assert result_of(only(WAITING)) == Result.SOFT_BOUNCED


@pytest.mark.parametrize(
    "header",
    [
        "Auto-Submitted: auto-replied (vacation)",
        "X-Autoreply: yes",
        "Precedence: auto_reply",
        "Subject: Automatic reply: Snow day",
        "Subject: =?utf-8?q?R=C3=A9ponse_automatique_=3A_Snow_day?=",
        "Subject: Out of Office Re: Snow day",
    ],
)
def test_automatic_replies(header: str) -> None:
    report = explain(f"From: Ann <ann@home.example>\r\n{header}\r\n\r\nAway until Monday.\r\n".encode())
    assert report.kind is ReportKind.AUTO_REPLY
    assert [(one.address, result_of(one)) for one in report.findings] == [("ann@home.example", Result.DELIVERED)]


@pytest.mark.parametrize("subject", ["Re: Snow day", "Absence of Leo on Monday", "Delivered the form, thank you"])
def test_people_are_no_machines(subject: str) -> None:
    raw = f"From: Ann <ann@home.example>\r\nSubject: {subject}\r\n\r\nThank you. No such luck here.\r\n"
    assert explain(raw.encode()).kind is ReportKind.UNRECOGNISED


def test_a_complaint_and_what_is_none() -> None:
    raw = (
        "Content-Type: multipart/report; report-type=feedback-report; boundary=b\r\n\r\n--b\r\n\r\nspam\r\n--b\r\n"
        "Content-Type: message/feedback-report\r\n\r\nFeedback-Type: {}\r\nOriginal-Rcpt-To: <ann@home.example>\r\n"
        "\r\n--b--\r\n"
    )
    assert result_of(only(raw.format("abuse").encode())) == Result.DELIVERED
    for other in ("not-spam", "auth-failure", ""):
        assert only(raw.format(other).encode()).meaning is None


def test_fields_whose_parts_came_apart_are_found() -> None:
    raw = dsn().replace(b'boundary="b"', b'boundary="another"')
    report = explain(raw)
    assert report.kind is ReportKind.DSN
    assert [(one.address, result_of(one)) for one in report.findings] == [("ann@home.example", Result.FAILED)]


def test_amazon_tells_in_its_own_way() -> None:
    told = {
        "notificationType": "Bounce",
        "bounce": {
            "bouncedRecipients": [
                {
                    "emailAddress": "ann@home.example",
                    "status": "5.1.1",
                    "diagnosticCode": "smtp; 550 5.1.1 user unknown",
                }
            ]
        },
        "mail": {"headers": [{"name": "X-Delivery-Id", "value": "a1.00112233445566778899"}]},
    }
    for body in (json.dumps(told), json.dumps({"Type": "Notification", "Message": json.dumps(told)})):
        report = explain(f"From: x@sns.amazonaws.com\r\n\r\n{body}\r\n\r\n--\r\nTo unsubscribe ...".encode())
        assert [result_of(one) for one in report.findings] == [Result.FAILED]
        assert report.names == ("a1.00112233445566778899",)


@pytest.mark.parametrize(
    "body",
    ["{", "{}", "[]", '{"notificationType":"Bounce"}', '{"notificationType":"Bounce","bounce":[1]}', "{" * 5000],
)
def test_what_only_looks_like_amazon_is_left(body: str) -> None:
    assert explain(b"From: x@sns.amazonaws.com\r\n\r\n" + body.encode()).kind is ReportKind.UNRECOGNISED


def test_in_other_languages_too() -> None:
    texts = {
        "Die Adresse ann@home.example existiert nicht.": Result.FAILED,
        "Das Postfach von ann@home.example ist voll.": Result.BOUNCED,
        "ann@home.example: utilisateur inconnu": Result.FAILED,
        "El usuario ann@home.example no existe": Result.FAILED,
        "宛先メールアドレス ann@home.example は存在しません": Result.FAILED,
        "ann@home.example: メールボックスがいっぱいです": Result.BOUNCED,
    }
    for text, result in texts.items():
        raw = f"{DAEMON}Content-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n".encode()
        assert result_of(only(raw)) == result, text


def test_addresses_are_no_words() -> None:
    raw = f"{DAEMON}\r\n<user-unknown-does-not-exist@home.example>:\r\n550 5.7.1 We do not want this.\r\n"
    assert result_of(only(raw.encode())) == Result.BOUNCED


@pytest.mark.parametrize("encoding", ["8bit", "base64", "quoted-printable"])
def test_a_report_about_an_address_with_other_letters_is_read(encoding: str) -> None:
    """RFC 6533; a server that offers no SMTPUTF8 gets it encoded."""
    said = IN_UTF8.encode()
    written = {"8bit": said, "base64": b2a_base64(said), "quoted-printable": b2a_qp(said)}[encoding]
    head = (
        f'{DAEMON}Content-Type: multipart/report; report-type=global-delivery-status; boundary="b"\r\n\r\n'
        "--b\r\n\r\nSorry.\r\n"
        f"--b\r\nContent-Type: message/global-delivery-status\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    )
    report = explain(head.encode() + written + b"\r\n--b--\r\n")
    assert report.kind is ReportKind.DSN
    assert report.names[0] == "a1.00112233445566778899"
    (finding,) = report.findings
    assert finding.meaning
    assert finding.meaning.result is Result.FAILED
    assert (finding.address, finding.original_address) == ("jürgen@home.example", "jürgen@home.example")
    assert (finding.status, finding.reply_code) == ("5.1.1", "550")
    assert "“jürgen”" in finding.text
