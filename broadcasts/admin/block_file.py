"""Import to the Blocked Email list: choose a file, look at what it would do, confirm. Until then nothing is stored.

Between the two pages the checked rows travel through the browser, signed: nothing is left behind by who goes away.
"""

from typing import Any

from django import forms
from django.core import signing
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from broadcasts import audit
from broadcasts.blocking import Block, block_each
from broadcasts.blocking_file import BlockFile, read_block_file
from broadcasts.models import BlockedEmail, BlockLevel, User
from broadcasts.people.columns import UnreadableFile

GOOD_FOR_SECONDS = 3600
SHOWN = 100


class BlockFileForm(forms.Form):
    file = forms.FileField(
        label=_("File"),
        help_text=_("A CSV file with a column “Address”, and perhaps “Reason” and “Blocks”: as the export has them."),
    )
    reason = forms.CharField(
        label=_("Reason"),
        max_length=500,
        required=False,
        widget=forms.TextInput(attrs={"size": 60}),
        help_text=_("For rows that give none."),
    )
    level = forms.ChoiceField(label=_("Blocks"), choices=BlockLevel.choices, help_text=_("For rows that do not say."))

    def clean(self) -> dict[str, Any]:
        fields = super().clean() or {}
        file = fields.get("file")
        if file and not self.errors:
            try:
                self.read = read_block_file(
                    file, size=file.size, reason=fields["reason"].strip(), level=fields["level"]
                )
            except UnreadableFile as reason:
                self.add_error("file", str(reason))
        return fields


def check_page(read: BlockFile, file_name: str, user: User) -> dict[str, Any]:
    """What the page says before anything is stored; without a ticket there is nothing to confirm."""
    known = read.on_the_list()
    tightened = [
        key for key, entry in known.items() if entry.level != BlockLevel.EVERYTHING == read.blocks[key].level
    ]
    new = [block for key, block in read.blocks.items() if key not in known]
    return {
        "file_name": file_name,
        "new": new[:SHOWN],
        "new_count": len(new),
        "known_count": len(known) - len(tightened),
        "tightened_count": len(tightened),
        "repeated": read.repeated,
        "faults": read.faults[:SHOWN],
        "fault_count": len(read.faults),
        "shown": SHOWN,
        "ticket": "" if read.faults else _ticket(read, file_name, user),
    }


def _ticket(read: BlockFile, file_name: str, user: User) -> str:
    rows = [[block.address, block.reason, block.level] for block in read.blocks.values()]
    return signing.dumps({"file": file_name, "rows": rows}, salt=_salt(user), compress=True)


def _salt(user: User) -> str:
    return f"broadcasts.block-file.{user.pk}"


def confirm_file(request: HttpRequest, user: User) -> list[BlockedEmail] | None:
    """What is new on the list, or stricter; None for a ticket too old, or not of ours. Safe to repeat."""
    try:
        checked = signing.loads(request.POST.get("ticket", ""), salt=_salt(user), max_age=GOOD_FOR_SECONDS)
    except signing.BadSignature:
        return None
    blocks = [Block(*row) for row in checked["rows"]]
    added = block_each(blocks, source=BlockedEmail.Source.FILE, by=user)
    if added:
        audit.record(
            user, "blocked_email.imported", BlockedEmail(), label=checked["file"], file=checked["file"],
            rows=len(blocks), added=len(added),
        )  # fmt: skip
    return added
