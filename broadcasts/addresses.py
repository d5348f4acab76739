"""What an email address is: when two are the same, and whether mail can be addressed to one at all."""

import re
from contextlib import suppress

import email_validator
from django.conf import settings
from django.utils.translation import gettext as _
from email_validator import EmailNotValidError, ValidatedEmail, validate_email

# Whether a reserved domain has mailboxes (a school's .local, a rehearsal's .test) is for the mail server to say.
email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()

# Most addresses; a full check takes sixty times as long. Whatever matches passes the full check too (tested).
PLAIN_ADDRESS = re.compile(
    r"(?=.{6,200}$)[a-z0-9_]{1,30}([.+-][a-z0-9_]{1,10}){0,3}@([a-z0-9]{1,40}(-[a-z0-9]{1,9}){0,2}\.){1,3}[a-z]{2,20}",
    re.ASCII | re.IGNORECASE,
)


def address_key(address: str) -> str:
    """What makes two addresses one mailbox: not their case, nor blanks, nor how an international domain is spelt."""
    bare = address.strip()
    if not bare.isascii():
        # bücher.example is xn--bcher-kva.example on the wire (RFC 5891): one mailbox, one key.
        with suppress(EmailNotValidError):
            # Not casefolded: weiß@ and weiss@ may be two people's.
            return recipient_address(bare).lower()[:320]
    return bare.casefold()[:320]


def explain_invalid(address: str, *, of_sender: bool = False) -> str:
    """Why mail cannot be addressed to it, in plain words; empty when it can.

    Syntax only (RFC 5321, RFC 5322), no DNS. A non-ASCII local part is refused unless the setting says otherwise: it
    needs SMTPUTF8 on every server of the way. A sender's always, since everybody's email carries it.
    """
    takes_letters = settings.ALLOW_INTERNATIONAL_ADDRESSES and not of_sender
    try:
        _parse(address, is_international=takes_letters)
    except EmailNotValidError as error:
        given = address.strip()
        return _stray_sign(given) or _fault_around_at(given, takes_letters=takes_letters) or str(error)
    return ""


def _stray_sign(address: str) -> str:
    """The usual faults in our own words; only for an address that is known to be invalid."""
    if "\r" in address or "\n" in address:
        return _("There is a line break inside the address. Write it on one line.")
    if " " in address or "\t" in address or "\xa0" in address:
        return _("There is a space inside the address. Take it out.")
    if not address.isprintable():
        return _("There is an invisible character inside the address. Type the address anew.")
    return ""


def _fault_around_at(address: str, *, takes_letters: bool) -> str:
    local, at, domain = address.rpartition("@")
    if not at:
        return _("There is no @ in the address. A whole address reads like ann@school.example.")
    if "@" in local:
        return _("There is more than one @ in the address. Keep one of them.")
    if not local:
        return _("There is nothing before the @. A whole address reads like ann@school.example.")
    return _fault_before(local, takes_letters=takes_letters) or _fault_after(domain)


def _fault_before(local: str, *, takes_letters: bool) -> str:
    if ".." in local:
        return _("There are two dots in a row. Take one of them out.")
    if local.startswith(".") or local.endswith("."):
        return _("There is a dot too many at the beginning or right before the @. Take it out.")
    strange = [char for char in local if not char.isascii()]
    # Where they are taken, only the library knows what is wrong with this one.
    if strange and not takes_letters:
        words = _("“%(sign)s” before the @ is a sign that many mail servers refuse. Ask for an address without it.")
        return words % {"sign": strange[0]}
    return ""


def _fault_after(domain: str) -> str:
    if not domain:
        return _("There is nothing after the @. A whole address reads like ann@school.example.")
    if ".." in domain:
        return _("There are two dots in a row. Take one of them out.")
    if domain.startswith(".") or domain.endswith("."):
        return _("There is a dot too many right after the @ or at the end. Take it out.")
    if "." not in domain:
        return _("There is no dot after the @. Write the end in full, like school.example.")
    return ""


def is_valid_address(address: str) -> bool:
    return not explain_invalid(address)


def wire_address(address: str) -> str:
    """The form that SMTP commands carry: an international domain becomes its ASCII form (RFC 5891)."""
    if PLAIN_ADDRESS.fullmatch(address):
        return address
    valid = _parse(address)
    return valid.ascii_email or valid.normalized


def recipient_address(address: str) -> str:
    """As `wire_address`; with other letters before the @, those in UTF-8: only a server with SMTPUTF8 takes them."""
    if PLAIN_ADDRESS.fullmatch(address):
        return address
    valid = _parse(address, is_international=True)
    return valid.ascii_email or f"{valid.local_part}@{valid.ascii_domain}"


def needs_smtputf8(address: str) -> bool:
    """Letters other than ASCII before the @ (RFC 6531); those after it have an ASCII form."""
    if address.isascii():
        return False
    with suppress(EmailNotValidError):
        return not recipient_address(address).isascii()
    return False


def _parse(address: str, *, is_international: bool = False) -> ValidatedEmail:
    return validate_email(address.strip(), check_deliverability=False, allow_smtputf8=is_international)


_IN_A_TEXT = re.compile(r"[^\s<>()\[\]\"',;:=\\@]+@[^\s<>()\[\]\"',;:=\\@]+")


def without_addresses(text: str) -> str:
    """For logs: who was written to is for the Email Log alone."""
    return _IN_A_TEXT.sub("(address)", text) if "@" in text else text
