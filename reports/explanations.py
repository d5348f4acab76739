"""What each of the ten Delivery Results means, in plain words, and what a school office can do next."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from broadcasts.models import Delivery
from broadcasts.results import LABELS, Result


@dataclass(frozen=True)
class Explanation:
    label: str
    meaning: str | Promise
    next_step: str | Promise

    @property
    def slug(self) -> str:
        """The anchor on the help page and the value in the Email Log's address: `soft-bounced`."""
        return slug_of(self.label)


def slug_of(label: str) -> str:
    return label.lower().replace(" ", "-")


_WORDS: Mapping[str, tuple[Promise, Promise]] = {
    "Unsent": (
        _("This email has not left yet. It is waiting for its turn."),
        _("Nothing to do. If it stays like this, look at the broadcast: it may be paused, cancelled or held up."),
    ),
    "Sent": (
        _(
            "A mail server took the email from us, and nobody has told us more since then. Many of these "
            "emails do arrive: some servers simply never confirm it."
        ),
        _("Nothing to do. The result moves on by itself when we hear more."),
    ),
    "Soft Bounced": (
        _(
            "It has not worked so far, for a reason that may pass: a full mailbox, perhaps, or a mail server "
            "that is busy. We keep trying."
        ),
        _("Nothing to do yet. If it ends as Bounced, ask the family for another address."),
    ),
    "Bounced": (
        _(
            "The email came back. The address may well be right, but the mail service behind it would not take "
            "the email, or we tried for as long as we try."
        ),
        _("The row's own page has what the mail service said. If it matters, reach this person another way."),
    ),
    "Failed": (
        _("There is no such address: it is misspelled, or the mailbox or its domain does not exist (any more)."),
        _("Ask the family for their right address and correct it in your records."),
    ),
    "Blocked": (
        _("This address was on the Blocked Email list, so we did not write to it."),
        _(
            "If that is wrong, lift the block on the person's page, with a reason. This row stays as it is; the next "
            "broadcast goes to the address."
        ),
    ),
    "Delivered": (
        _("The recipient's own mail server told us that it has the email."),
        _("Nothing to do. It may lie in a spam folder, though, if somebody says they cannot find it."),
    ),
    "Opened": (
        _("Somebody opened the email and let its pictures load."),
        _(
            "Nothing to do. Count these rows to see how many people a broadcast reaches. There are always a few "
            "more: a person can read an email without us noticing."
        ),
    ),
    "Duplicate": (
        _(
            "Another row of the same broadcast already goes to this address, for example because parents share "
            "it or have two children at the school. It gets one copy, not two."
        ),
        _("Nothing to do. The row's own page names the one that carries the email."),
    ),
    "No Email Selected": (
        _(
            "This person has no address that receives this type of broadcast. Either there is no address at all, "
            "or their addresses are only meant for other types, such as emergencies, or the person is marked "
            "“do not contact” for the student."
        ),
        _("The row's own page says which it is. Then add an address, or ask the family what they want to receive."),
    ),
}

EXPLANATIONS: Mapping[str, Explanation] = {label: Explanation(label, *_WORDS[label]) for label in LABELS}
LABELS_BY_SLUG: Mapping[str, str] = {slug_of(label): label for label in LABELS}
_LABEL_BY_CODE: Mapping[int, str] = {code: label for label, codes in LABELS.items() for code in codes}

_BLOCKED_BY_PROVIDER = Explanation(
    "Blocked",
    _("The service that sends our mail refuses this address, because mail to it came back or was unwelcome before."),
    _("Ask an administrator to have the address released there."),
)


def label_of(code: int) -> str:
    """The label as the exports write it, in no other language."""
    return _LABEL_BY_CODE[code]


# What a row's own page says instead, where it does not point to itself.
_ON_ITS_PAGE: Mapping[str, Promise] = {
    "Bounced": _(
        "“What happened” below has what the mail service said, under its technical details. If it matters, reach "
        "this person another way."
    ),
    "Opened": _("Nothing to do."),
    "Duplicate": _("Nothing to do. The row named here carries the email."),
    "No Email Selected": _("Add an address, or ask the family what they want to receive."),
}


_NEW_BROADCAST = _("If this person should get it after all, send them a new broadcast.")


def explain_row(delivery: Delivery, doubt: str) -> Explanation:
    """For the row's own page. What happened to it may say something else than its result alone would."""
    plain = explain(delivery.result)
    if delivery.late_bounce_at:
        late = _("It counted as %(label)s first, and then the email came back.") % {"label": plain.label}
        advice = _("Ask the family whether the address is still right. If it matters, reach this person another way.")
        return Explanation(plain.label, late, advice)
    if delivery.note == Delivery.Note.CANCELLED:
        return _cancelled(plain)
    if delivery.note == Delivery.Note.STOPPED:
        meaning = _("It had not worked when somebody stopped our trying again.")
        return Explanation(plain.label, meaning, _NEW_BROADCAST)
    if doubt and delivery.result == Result.UNSENT:
        meaning = _("We handed this email over, and the connection broke before the mail server said it has it.")
        return Explanation(plain.label, meaning, _("If it matters, ask this person whether it came."))
    if delivery.result == Result.DUPLICATE and delivery.duplicate_of_id is None:
        return Explanation(plain.label, plain.meaning, _("Nothing to do. The row that carried the email is gone."))
    return Explanation(plain.label, plain.meaning, _ON_ITS_PAGE.get(plain.label, plain.next_step))


def _cancelled(plain: Explanation) -> Explanation:
    if plain.label == "Unsent":
        meaning = _("This email has not left, and it never will.")
    else:
        meaning = _("It had not worked when the broadcast was cancelled, and nobody tries any more.")
    return Explanation(plain.label, meaning, _NEW_BROADCAST)


def explain(code: int) -> Explanation:
    if code == Result.BLOCKED_BY_PROVIDER:
        return _BLOCKED_BY_PROVIDER
    return EXPLANATIONS[label_of(code)]
