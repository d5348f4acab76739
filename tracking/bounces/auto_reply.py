"""Automatic replies (RFC 3834): out of the office."""

import re
from email.message import Message
from email.utils import parseaddr

from tracking.bounces.reports import Finding, Report, ReportKind, read_date, subject_of
from tracking.bounces.text_bounce import is_from_mail_system
from tracking.meanings import AUTO_REPLIED

# How mail programs begin the subject where they set none of the headers below.
_SUBJECTS = re.compile(
    r"\W*(?:auto(?:matic|mated)?[ -]?(?:reply|response|responder)|autoreply|out[ -]of[ -](?:the[ -])?office"
    r"|vacation (?:reply|message)"
    r"|automatische (?:antwort|r[üu]ckantwort)|abwesenheits(?:notiz|meldung)|r[ée]ponse automatique"
    r"|respuesta autom[aá]tica|fuera de la oficina|resposta autom[aá]tica"
    r""
    r"|risposta automatica|automatisch antwoord|автоответ"
    r"|自動(?:応答|返信)|自动回复)\b",
    re.IGNORECASE,
)


def read_auto_reply(message: Message) -> Report | None:
    # Exim and Google call their bounces auto-replied too: those are no proof that anything arrived.
    if message.get_content_type() == "multipart/report" or is_from_mail_system(message) or not _is_automatic(message):
        return None
    address = parseaddr(str(message["From"] or ""))[1][:320]
    finding = Finding(AUTO_REPLIED, read_date(message["Date"]), address, text=subject_of(message))
    return Report(ReportKind.AUTO_REPLY, (finding,))


def _is_automatic(message: Message) -> bool:
    """The header of RFC 3834 section 5, and what older programs write instead."""
    submitted = str(message["Auto-Submitted"] or "").strip().lower()
    return (
        submitted.startswith("auto-replied")
        or bool(message["X-Autoreply"] or message["X-Autorespond"])
        or str(message["Precedence"] or "").strip().lower() == "auto_reply"
        or bool(_SUBJECTS.match(subject_of(message)))
    )
