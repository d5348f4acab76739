"""What an email address is: when two are the same, and whether mail can be addressed to one at all."""

from contextlib import suppress

import email_validator
from email_validator import EmailNotValidError, ValidatedEmail, validate_email

# Whether a reserved domain has mailboxes (a school's .local, a rehearsal's .test) is for the mail server to say.
email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()


def address_key(address: str) -> str:
    """What makes two addresses one mailbox: not their case, nor blanks, nor how an international domain is spelt."""
    bare = address.strip()
    if not bare.isascii():
        # bücher.example is xn--bcher-kva.example on the wire (RFC 5891): one mailbox, one key.
        with suppress(EmailNotValidError):
            bare = _parse(bare).ascii_email or bare
    return bare.casefold()[:320]


def explain_invalid(address: str) -> str:
    """Why mail cannot be addressed to it, in plain words; empty when it can.

    Syntax only (RFC 5321, RFC 5322), no DNS. A non-ASCII local part is refused: it needs SMTPUTF8 on every
    server of the way, and we could not say before sending whether it arrives.
    """
    try:
        _parse(address)
    except EmailNotValidError as error:
        return str(error)
    return ""


def is_valid_address(address: str) -> bool:
    return not explain_invalid(address)


def wire_address(address: str) -> str:
    """The form that SMTP commands carry: an international domain becomes its ASCII form (RFC 5891)."""
    valid = _parse(address)
    return valid.ascii_email or valid.normalized


def _parse(address: str) -> ValidatedEmail:
    return validate_email(address.strip(), check_deliverability=False, allow_smtputf8=False)
