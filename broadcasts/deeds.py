"""What the audit trail's codes mean, in words that go on after somebody's name: “Alice pressed Send Now”."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

DEEDS: dict[str, Promise] = {
    "broadcast.started": _("started the draft"),
    "broadcast.file_added": _("added a file to the draft"),
    "broadcast.file_removed": _("removed a file from the draft"),
    "broadcast.deleted": _("deleted the draft"),
    "broadcast.follow_up": _("made it a follow-up, for people of the Email Log"),
    "broadcast.sent": _("pressed Send Now"),
    "broadcast.sent_again": _("sent it again to somebody whose address was corrected"),
    "broadcast.undone": _("undid the sending"),
    "broadcast.paused": _("paused it"),
    "broadcast.held": _("paused it, for the reason above"),
    "broadcast.resumed": _("resumed it"),
    "broadcast.cancelled": _("cancelled what was Unsent"),
    "address.added": _("added an email address"),
    "address.confirmed": _("said that the email address is right"),
    "address.corrected": _("corrected an email address"),
    "address.retired": _("took an email address out of use"),
    "address.used_again": _("took an email address into use again"),
    "blocked_email.added": _("put the address on the Blocked Email list"),
    "blocked_email.exported": _("exported the Blocked Email list"),
    "blocked_email.imported": _("imported addresses to the Blocked Email list"),
    "blocked_email.removed": _("took the address off the Blocked Email list"),
    "blocked_email.tightened": _("blocked the address for Emergency broadcasts too"),
    "blocking_policy.changed": _("changed what blocks addresses by itself"),
    "broadcast_type.added": _("added the broadcast type"),
    "broadcast_type.changed": _("changed the broadcast type"),
    "broadcast_type.deleted": _("deleted the broadcast type"),
    "contact_types.changed_by_family": _("changed, at the family's wish, what the address receives"),
    "contact_types.changed": _("changed what addresses receive"),
    "contact_types.changed_for_many": _("changed what the addresses of many people receive"),
    "delivery.sent_again": _("sent the missed email again, to the corrected address"),
    "addresses_to_fix.exported": _("exported the addresses to fix"),
    "email_log.blocked": _("blocked the addresses of rows of the Email Log"),
    "email_log.exported": _("exported the Email Log"),
    "email_log.listed": _("made the list from rows of the Email Log"),
    "broadcast_summary.exported": _("exported the Broadcast Summary"),
    "guardian.added": _("made somebody a guardian"),
    "guardian.changed": _("changed what is on record about a guardian"),
    "guardian.removed": _("removed a guardian"),
    "import.uploaded": _("uploaded a file to import"),
    "import.rejected_downloaded": _("downloaded the rejected rows of an import"),
    "list.changed": _("changed the list"),
    "list.made": _("made the list"),
    "list.deleted": _("deleted the list"),
    "person.added": _("added the person by hand"),
    "person.changed": _("changed the person"),
    "person.changed_by_file": _("imported a file that changed the person"),
    "unused_event.used": _("had the unused event tried again"),
    "upload.confirmed": _("confirmed an upload"),
    "upload.discarded": _("discarded an upload"),
    "import.confirmed": _("confirmed an import"),
    "import.discarded": _("discarded an import"),
    "import.stored": _("imported the file"),
    "import.undo_asked": _("asked to undo an import"),
    "import.undone": _("undid an import"),
    "school.added": _("added the school"),
    "school.changed": _("changed the school"),
    "school.deleted": _("deleted the school"),
    "sender.added": _("added the sender"),
    "sender.changed": _("changed the sender"),
    "sender.deleted": _("deleted the sender"),
    "unused_report.read_again": _("had the report read again, and it was of use"),
    "user.added": _("added the account"),
    "user.changed": _("changed the account"),
    "user.deleted": _("deleted the account"),
    "user.two_step_switched_off": _("switched off two-step sign-in"),
}


def words_for(action: str) -> str:
    """A code without words of its own, as an older version may have written, is its deed alone."""
    return str(DEEDS.get(action) or action.rpartition(".")[2].replace("_", " "))


def actions_named(text: str) -> list[str]:
    """The codes whose words contain this text."""
    return [action for action, words in DEEDS.items() if text.casefold() in str(words).casefold()]
