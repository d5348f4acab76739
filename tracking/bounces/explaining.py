"""From the bytes of a message to what it says: no database, no change, no exception for what others write."""

import re
from dataclasses import replace
from email import message_from_bytes
from email.message import Message
from hashlib import sha256
from itertools import islice

from django.utils.translation import gettext as _

from tracking.bounces.amazon import read_amazon
from tracking.bounces.auto_reply import read_auto_reply
from tracking.bounces.complaint import read_complaint
from tracking.bounces.dsn import read_dsn
from tracking.bounces.naming import HEADER, returned_names
from tracking.bounces.reports import Report, ReportKind, read_date
from tracking.bounces.text_bounce import read_text_bounce

# What is read of a message: the report stands before the email that it gives back, however large that is.
LARGEST_READ = 1024 * 1024
# Each empty line and each boundary may begin a part, and a part takes a thousand times its own bytes.
MOST_PARTS = 20_000
_PART = re.compile(rb"\n(?:\r?\n|--)")
# RFC 5321 section 6.3 finds loops by counting: no report passes this many servers.
MOST_HOPS = 50
# A complaint is a multipart/report too, and may quote a delivery status: it goes first. A text bounce may call itself
# auto-replied: `read_auto_reply` leaves those from mail systems to the last.
READERS = (read_complaint, read_dsn, read_amazon, read_auto_reply, read_text_bounce)


def explain(raw: bytes) -> Report:
    """What this message says, whoever sends it and whatever is broken in it."""
    raw = _start_of(raw)
    try:
        return _read(raw)
    except Exception as error:  # noqa: BLE001 - the email parser stumbles over some malformed messages
        trouble = _("It could not be read: %(error)s") % {"error": repr(error)}
        return Report(ReportKind.UNRECOGNISED, message_id=_digest(raw), trouble=trouble)


def _start_of(raw: bytes) -> bytes:
    start = raw[:LARGEST_READ]
    last = next(islice(_PART.finditer(start), MOST_PARTS, None), None)
    return start[: last.start()] if last else start


def _read(raw: bytes) -> Report:
    message = message_from_bytes(raw)
    report = _recognise(message)
    return replace(
        report,
        names=tuple(filter(None, (*report.names, *returned_names(raw, message)))),
        message_id=str(message["Message-ID"] or "").strip() or _digest(raw),
        written_at=read_date(message["Date"]),
    )


def _recognise(message: Message) -> Report:
    if trouble := _trouble_with(message):
        return Report(ReportKind.UNRECOGNISED, trouble=trouble)
    found = next((found for read in READERS if (found := read(message))), None)
    unread = Report(ReportKind.UNRECOGNISED, trouble=_("This is no report in a form that Messenger can read."))
    return found or unread


def _trouble_with(message: Message) -> str:
    if len(message.get_all("Received", [])) > MOST_HOPS:
        return _("It has been going round in circles between mail servers.")
    if message[HEADER] and message.get_content_type() != "multipart/report":
        return _("This is one of our own emails, not a report about it.")
    return ""


def _digest(raw: bytes) -> str:
    return sha256(raw).hexdigest()
